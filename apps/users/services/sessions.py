"""Ending what a sign-in opened: portal sessions, API sessions with their tokens, open sockets."""

from typing import Literal
from uuid import UUID

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import NotFound
from apps.infrastructure.realtime import sockets_recheck
from apps.users.events import SessionEnded, SessionsEnded
from apps.users.models import PortalSession, User
from apps.users.services.tokens import api_session_end, api_sessions_end_all

Reason = Literal[
    "ASKED",
    "PASSWORD_CHANGED",
    "PASSWORD_EXPIRED",
    "EMAIL_CHANGED",
    "SOCIAL_ACCOUNT_CHANGED",
    "SECOND_FACTOR_CHANGED",
    "ROLES_CHANGED",
    "USER_DISABLED",
    "ADMINISTRATOR",
]


@command
def session_end(*, actor: User, session_id: UUID) -> None:
    """End one of the actor's own sessions, of the portal or of the API; raise NotFound."""
    mine = PortalSession.objects.of(actor.pk).live().select_for_update().filter(pk=session_id)
    session = mine.first()
    if session is None:
        api_session_end(actor=actor, session_id=session_id)
        return
    session.delete()
    emit(
        SessionEnded(stream=actor.stream, user_id=str(actor.pk), session_id=str(session_id)),
        actor=actor,
    )
    sockets_recheck(user_id=actor.pk)


@command
def sessions_end(
    *, actor: User | None, user_id: UUID, reason: Reason, keep: UUID | None = None
) -> int:
    """End every session of the user but `keep`, with tokens and sockets; return how many.

    Sockets hear of it when the transaction has committed, and look for themselves every few
    seconds.  `keep` names a session of the portal or of the API.  The caller has checked that the
    actor may do this.  Raises NotFound.
    """
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such user.")
    portal = PortalSession.objects.of(user_id)
    _, ended = (portal if keep is None else portal.exclude(pk=keep)).delete()
    count = ended.get(PortalSession._meta.label, 0)
    count += api_sessions_end_all(user=user, actor=actor, keep=keep)
    if count:
        emit(
            SessionsEnded(stream=user.stream, user_id=str(user_id), reason=reason, count=count),
            actor=actor,
        )
    sockets_recheck(user_id=user_id)
    return count
