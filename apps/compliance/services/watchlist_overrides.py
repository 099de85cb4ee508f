"""A file that lost much, or is older, comes in all the same when two people say so."""

from typing import Any
from uuid import UUID

from apps.audit.services import emit
from apps.compliance.domain.reasons import reason_checked
from apps.compliance.events import WatchlistOverrideConfirmed, WatchlistOverrideProposed
from apps.compliance.models import WatchlistImport
from apps.compliance.services.watchlist_sources import PROPOSE
from apps.compliance.services.work_locks import work_lock_release, work_lock_require
from apps.core.commands import command
from apps.core.errors import Conflict, NotFound, NotPermitted
from apps.users.models import User

# Why a file was refused that people may know better of.
POSSIBLE = ("watchlist_shrunk", "watchlist_older")


@command
def override_propose(*, actor: User, import_id: UUID, reason: str) -> WatchlistImport:
    """Say why a refused file is right.  It binds the file by its checksum, not its name.

    Raises NotPermitted, NotFound, InvalidInput, Conflict `override_not_possible` or `work_locked`.
    """
    attempt = _refused(actor, import_id)
    if attempt.override_proposed_by_id is not None:
        raise Conflict("Somebody has proposed this already.", code="override_proposed")
    text = reason_checked(reason)
    attempt.override_proposed_by, attempt.override_reason = actor, text
    attempt.save()
    emit(WatchlistOverrideProposed(**_identity(attempt)), actor=actor)
    work_lock_release(actor=actor, page_id=attempt.id)
    return attempt


@command
def override_confirm(*, actor: User, import_id: UUID) -> WatchlistImport:
    """Let the file in the next time it is offered, or fetched.

    Raises NotPermitted (`same_person`), NotFound, Conflict `override_not_possible`.
    """
    attempt = _refused(actor, import_id)
    if attempt.override_proposed_by_id is None or attempt.override_confirmed_by_id is not None:
        raise Conflict("There is nothing to confirm.", code="override_not_possible")
    if attempt.override_proposed_by_id == actor.pk:
        raise NotPermitted("Another person must confirm.", code="same_person")
    attempt.override_confirmed_by = actor
    attempt.save()
    emit(WatchlistOverrideConfirmed(**_identity(attempt)), actor=actor)
    return attempt


def _refused(actor: User, import_id: UUID) -> WatchlistImport:
    if not actor.has_perm(PROPOSE):
        raise NotPermitted("You may not decide on imports.")
    attempt = WatchlistImport.objects.select_for_update().filter(id=import_id).first()
    if attempt is None:
        raise NotFound("There is no such import.")
    work_lock_require(actor=actor, page_id=attempt.id)
    if attempt.code not in POSSIBLE or not attempt.checksum:
        raise Conflict(
            "Only a list that shrank or is older can be let in.", code="override_not_possible"
        )
    return attempt


def _identity(attempt: WatchlistImport) -> dict[str, Any]:
    return {
        "stream": attempt.stream,
        "import_id": str(attempt.id),
        "list_code": attempt.list_code,
        "checksum": attempt.checksum,
    }
