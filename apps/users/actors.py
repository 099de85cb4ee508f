"""Who acts: the signed-in user behind a request, and the session they came by."""

from uuid import UUID

from django.http import HttpRequest
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from apps.users.models import ApiSession, User


def actor_of(request: Request | HttpRequest) -> User:
    """Return the user who passed authentication; raise NotAuthenticated for nobody."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def session_id_of(request: Request | HttpRequest) -> UUID | None:
    """Return the id of the portal or API session behind the request; None for any other proof."""
    proof = getattr(request, "auth", None)
    if proof is not None:
        return proof.pk if isinstance(proof, ApiSession) else None
    return getattr(getattr(request, "session", None), "public_id", None)
