"""Passkeys and security keys (WebAuthn): enrol, prove, remove.

The private key never leaves its owner's device, and the browser signs for this site's origin
only: a look-alike site gets nothing that could be used here.
"""

import json
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.utils import timezone
from redis.exceptions import RedisError
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    options_to_json_dict,
    parse_authentication_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted, Unavailable
from apps.infrastructure.keyvalue import redis_client
from apps.users.models import Passkey, User
from apps.users.selectors import passkey_is_demanded, user_has_second_factor, user_has_totp
from apps.users.services.second_factor import (
    change_record,
    codes_replace,
    factor_lock,
    sessions_end_after_change,
)

RELYING_PARTY_NAME = "Stratford"
CHALLENGE_SECONDS = 300
MAX_PASSKEYS = 10
# What the library raises for an answer that is malformed, and what its parsing lets through.
MALFORMED = (
    *(WebAuthnException, ValueError, KeyError, TypeError, AttributeError, IndexError),
    RecursionError,
)
Purpose = Literal["enrol", "prove"]


def relying_party_id() -> str:
    """Return the host name to which passkeys are bound."""
    return urlsplit(settings.WEBAUTHN_ORIGIN).hostname or ""


def _challenge_name(purpose: Purpose) -> str:
    return f"passkey_{purpose}"


def _challenge_issue(user: User, session: SessionBase, purpose: Purpose) -> bytes:
    """Make a challenge for this user in this session, for CHALLENGE_SECONDS; raise Unavailable."""
    options = generate_authentication_options(rp_id=relying_party_id())
    text = bytes_to_base64url(options.challenge)
    try:
        redis_client().set(
            f"stratford:{_challenge_name(purpose)}:{text}", str(user.pk), ex=CHALLENGE_SECONDS
        )
    except RedisError as error:
        raise Unavailable("Passkeys cannot be used now.", code="passkeys_unavailable") from error
    session[_challenge_name(purpose)] = text
    return options.challenge


def _challenge_take(user: User, session: SessionBase, purpose: Purpose) -> bytes | None:
    """Return the session's challenge and use it up, also against parallel requests."""
    text = str(session.pop(_challenge_name(purpose), ""))
    try:
        owner = redis_client().getdel(f"stratford:{_challenge_name(purpose)}:{text}")
    except RedisError as error:
        raise Unavailable("Passkeys cannot be used now.", code="passkeys_unavailable") from error
    return base64url_to_bytes(text) if text and owner == str(user.pk) else None


def _descriptors(user: User) -> list[PublicKeyCredentialDescriptor]:
    ids = Passkey.objects.filter(user=user).values_list("credential_id", flat=True)
    return [PublicKeyCredentialDescriptor(id=bytes(item)) for item in ids]


def passkey_enrol_options(*, user: User, session: SessionBase) -> dict[str, Any]:
    """Return what the browser needs to make a passkey (PublicKeyCredentialCreationOptions)."""
    options = generate_registration_options(
        rp_id=relying_party_id(),
        rp_name=RELYING_PARTY_NAME,
        user_id=user.pk.bytes,
        user_name=user.email,
        user_display_name=user.get_full_name(),
        challenge=_challenge_issue(user, session, "enrol"),
        exclude_credentials=_descriptors(user),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    return options_to_json_dict(options)


def passkey_prove_options(*, user: User, session: SessionBase) -> dict[str, Any] | None:
    """Return what the browser needs to prove one of the user's passkeys; None without any."""
    known = _descriptors(user)
    if not known:
        return None
    options = generate_authentication_options(
        rp_id=relying_party_id(),
        challenge=_challenge_issue(user, session, "prove"),
        allow_credentials=known,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def passkey_enrol(
    *, user: User, session: SessionBase, credential: str, name: str, keep: UUID | None = None
) -> tuple[Passkey, list[str]]:
    """Keep the passkey that the browser made; return it and, with the first factor, new codes.

    The caller has checked a fresh second factor where there is one.  Every session of the user but
    `keep` ends.  Raises InvalidInput for an
    answer that is not good, Conflict for a passkey that is known or one too many.
    """
    challenge = _challenge_take(user, session, "enrol")
    try:
        if challenge is None:
            raise InvalidInput("This took too long; try again.", field="credential")
        verified = verify_registration_response(
            credential=json.loads(credential),
            expected_challenge=challenge,
            expected_rp_id=relying_party_id(),
            expected_origin=settings.WEBAUTHN_ORIGIN,
            require_user_verification=True,
        )
    except MALFORMED as error:
        raise InvalidInput("The passkey was not accepted.", field="credential") from error
    return _passkey_keep(user=user, verified=verified, name=name, keep=keep)


@command
def _passkey_keep(
    *, user: User, verified: VerifiedRegistration, name: str, keep: UUID | None
) -> tuple[Passkey, list[str]]:
    factor_lock(user)
    if Passkey.objects.filter(credential_id=verified.credential_id).exists():
        raise Conflict("This passkey is known already.", code="passkey_known")
    if Passkey.objects.filter(user=user).count() >= MAX_PASSKEYS:
        raise Conflict("Remove a passkey first.", code="too_many_passkeys")
    is_first = not user_has_second_factor(user)
    passkey: Passkey = Passkey.objects.create(
        user=user,
        name=name,
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        is_backed_up=verified.credential_backed_up,
    )
    codes = codes_replace(user) if is_first else []
    sessions_end_after_change(user, keep)
    change_record(user, "PASSKEY_ADDED")
    return passkey, codes


def passkey_verify(*, user: User, session: SessionBase, credential: str) -> Passkey | None:
    """Return the passkey that signed this session's challenge; None for any other answer.

    The row is locked, so that a signature counter that goes back (a copied key) is seen.
    """
    challenge = _challenge_take(user, session, "prove")
    if challenge is None:
        return None
    with transaction.atomic():
        try:
            answer = parse_authentication_credential_json(json.loads(credential))
            passkey: Passkey | None = (
                Passkey.objects.select_for_update()
                .filter(user=user, credential_id=answer.raw_id, confirmed=True)
                .first()
            )
            if passkey is None:
                return None
            verified = verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=relying_party_id(),
                expected_origin=settings.WEBAUTHN_ORIGIN,
                credential_public_key=bytes(passkey.public_key),
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except MALFORMED:
            return None
        passkey.sign_count = verified.new_sign_count
        passkey.is_backed_up = verified.credential_backed_up
        passkey.last_used_at = timezone.now()
        passkey.save(update_fields=["sign_count", "is_backed_up", "last_used_at"])
        return passkey


@command
def passkey_remove(*, user: User, passkey_id: int, keep: UUID | None = None) -> None:
    """Remove one of the user's passkeys; the last factor takes the recovery codes with it.

    The caller has checked a fresh second factor.  Raises NotFound, and NotPermitted for the last
    factor of staff, who always need one (a passkey, where the firm demands it).
    """
    factor_lock(user)
    mine = Passkey.objects.filter(user=user)
    passkey = mine.filter(pk=passkey_id).first()
    if passkey is None:
        raise NotFound("There is no such passkey.")
    others = mine.exclude(pk=passkey_id).exists()
    if user.is_staff and not others and (passkey_is_demanded(user) or not user_has_totp(user)):
        raise NotPermitted("Staff always need a second factor; add another first.")
    passkey.delete()
    sessions_end_after_change(user, keep)
    change_record(user, "PASSKEY_REMOVED")
