"""Signed hidden values: what the server wrote into a form comes back unchanged, or not at all."""

from typing import Any
from uuid import UUID

from django.core import signing

from apps.core.errors import Conflict

LIFETIME_SECONDS = 3_600
TOKEN_LENGTH = 4_000


class ExpiredForm(Conflict):
    """The hidden value is missing, changed, too old, or was made for somebody else."""

    code = "form_expired"


def seal(purpose: str, user_id: UUID, value: Any) -> str:
    """Return a signed token that `unseal` takes back from the same user within the hour."""
    return signing.dumps([str(user_id), value], salt=f"portal.{purpose}", compress=True)


def unseal(purpose: str, user_id: UUID, token: str, *, lifetime: int = LIFETIME_SECONDS) -> Any:
    """Return what was sealed; raise ExpiredForm for anything else."""
    try:
        owner, value = signing.loads(
            token[:TOKEN_LENGTH], salt=f"portal.{purpose}", max_age=lifetime
        )
    except (signing.BadSignature, ValueError) as error:
        raise ExpiredForm("This form has expired. Check the values and send it again.") from error
    if owner != str(user_id):
        raise ExpiredForm("This form was made for another account.")
    return value
