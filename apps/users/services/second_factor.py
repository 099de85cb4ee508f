"""The second factor: an authenticator app, and recovery codes for the day it is lost."""

import base64
import re
import secrets
from urllib.parse import quote, urlencode
from uuid import UUID

import django_otp
from django_otp.models import Device

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotPermitted
from apps.infrastructure.encryption import blind_index
from apps.users.events import SecondFactorChanged
from apps.users.models import (
    CODE_DIGITS,
    STEP_SECONDS,
    RecoveryCode,
    RecoverySheet,
    TotpDevice,
    User,
)
from apps.users.selectors import (
    passkey_is_demanded,
    totp_pending_get,
    user_has_passkey,
    user_has_second_factor,
)
from apps.users.services.sessions import sessions_end

TOTP_CODE = re.compile(r"[0-9]{6}", re.ASCII)
RECOVERY_CODE_COUNT = 10
DEVICE_NAME = "Authenticator app"
ISSUER = "Stratford"
SECRET_BYTES = 20


def code_verify(*, user: User, code: str) -> Device | None:
    """Return the device that accepts the code, now used up; None for a wrong or used code.

    django-otp locks the device's row, so that of parallel uses of one code one succeeds.  Six
    digits go to the app, anything else to the recovery codes.  Where a passkey is demanded and
    enrolled, no code is good.  Nothing here counts guesses: ask
    through `code_attempts`.
    """
    if passkey_is_demanded(user) and user_has_passkey(user):
        return None
    cleaned = re.sub(r"[\s-]", "", code).lower()
    if TOTP_CODE.fullmatch(cleaned):
        devices, token = TotpDevice.objects.devices_for_user(user, confirmed=True), cleaned
    else:
        devices = RecoverySheet.objects.devices_for_user(user, confirmed=True)
        token = _recovery_hash(user, cleaned)
    for device in devices:
        accepted = django_otp.verify_token(user, device.persistent_id, token)
        if accepted is not None:
            return accepted
    return None


@command
def totp_begin(*, user: User) -> TotpDevice:
    """Make a new secret that waits for its first code; a waiting one before it is dropped.

    Replacing a device needs a fresh code: the caller checks it by `code_verify`.
    """
    factor_lock(user)
    TotpDevice.objects.filter(user=user, confirmed=False).delete()
    return _new_device(user, confirmed=False)


@command
def totp_cancel(*, user: User) -> None:
    """Drop a secret that waits for its first code."""
    TotpDevice.objects.filter(user=user, confirmed=False).delete()


def totp_confirm(
    *, user: User, code: str, keep: UUID | None = None
) -> tuple[TotpDevice, list[str]] | None:
    """Enrol the waiting secret by its first code; return the device and new recovery codes.

    None for a wrong code.  Raises Conflict when nothing waits.  The former app and its recovery
    codes stop working, and every session of the user but `keep` ends.
    """
    pending = totp_pending_get(user)
    if pending is None:
        raise Conflict("There is no secret to confirm; begin again.", code="nothing_to_confirm")
    accepted = django_otp.verify_token(user, pending.persistent_id, code.replace(" ", ""))
    if not isinstance(accepted, TotpDevice):
        return None
    return accepted, _device_enrol(user=user, device=accepted, keep=keep)


@command
def _device_enrol(*, user: User, device: TotpDevice, keep: UUID | None = None) -> list[str]:
    factor_lock(user)
    if not TotpDevice.objects.filter(pk=device.pk, confirmed=False).exists():
        raise Conflict("There is no secret to confirm; begin again.", code="nothing_to_confirm")
    former = TotpDevice.objects.filter(user=user, confirmed=True)
    change = "REPLACED" if former.exists() else "ENROLLED"
    former.delete()
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    codes = codes_replace(user)
    sessions_end_after_change(user, keep)
    change_record(user, change)
    return codes


@command
def recovery_codes_renew(*, user: User) -> list[str]:
    """Replace the recovery codes and return the new ones, the only time they can be read.

    The caller has checked a fresh code.  Raises Conflict without an authenticator app.
    """
    factor_lock(user)
    if not user_has_second_factor(user):
        raise Conflict("Set up a second factor first.", code="no_second_factor")
    codes = codes_replace(user)
    change_record(user, "RECOVERY_CODES_RENEWED")
    return codes


@command
def second_factor_remove(*, user: User, keep: UUID | None = None) -> None:
    """Remove the app; without a passkey, the recovery codes go with it.

    The caller has checked a fresh second factor.  Raises NotPermitted for the only factor of staff.
    Every session of the user but `keep` ends.
    """
    if user.is_staff and (passkey_is_demanded(user) or not user_has_passkey(user)):
        raise NotPermitted("Staff always need a second factor; replace it instead.")
    factor_lock(user)
    TotpDevice.objects.filter(user=user).delete()
    sessions_end_after_change(user, keep)
    change_record(user, "REMOVED")


def sessions_end_after_change(user: User, keep: UUID | None) -> None:
    """End what the former factors opened; recovery codes do not outlive the last factor."""
    if not user_has_second_factor(user):
        RecoverySheet.objects.filter(user=user).delete()
    sessions_end(actor=user, user_id=user.pk, reason="SECOND_FACTOR_CHANGED", keep=keep)


def totp_secret(device: TotpDevice) -> str:
    """Return the secret in base32, as an authenticator app takes it by hand."""
    return str(device.secret)


def totp_address(device: TotpDevice) -> str:
    """Return the otpauth: address that an authenticator app reads from a QR code."""
    label = quote(f"{ISSUER}:{device.user.email}")
    facts = {"secret": device.secret, "issuer": ISSUER, "algorithm": "SHA1"}
    return f"otpauth://totp/{label}?" + urlencode(
        {**facts, "digits": CODE_DIGITS, "period": STEP_SECONDS}
    )


def _new_device(user: User, *, confirmed: bool) -> TotpDevice:
    secret = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode().rstrip("=")
    device: TotpDevice = TotpDevice.objects.create(
        user=user, name=DEVICE_NAME, confirmed=confirmed, secret=secret
    )
    return device


@command
def totp_provision(*, user: User) -> str:
    """Give the user a confirmed app without a first code and return its secret; for operators."""
    if TotpDevice.objects.filter(user=user).exists():
        raise InvalidInput("The user has a second factor already.", field="user")
    device = _new_device(user, confirmed=True)
    change_record(user, "ENROLLED")
    return totp_secret(device)


def codes_replace(user: User) -> list[str]:
    """Codes of 80 random bits; the database has only their keyed hash."""
    RecoverySheet.objects.filter(user=user).delete()
    sheet = RecoverySheet.objects.create(user=user, name="Recovery codes", confirmed=True)
    plain = [
        base64.b32encode(secrets.token_bytes(10)).decode().lower()
        for _ in range(RECOVERY_CODE_COUNT)
    ]
    RecoveryCode.objects.bulk_create(
        [RecoveryCode(sheet=sheet, code_hash=_recovery_hash(user, code)) for code in plain]
    )
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in plain]


def _recovery_hash(user: User, code: str) -> str:
    return blind_index(f"{user.pk}:{code}", "users.recovery_code")


def factor_lock(user: User) -> None:
    """Let changes of one user's second factor wait for each other."""
    User.objects.select_for_update().get(pk=user.pk)


def change_record(user: User, change: str) -> None:
    """Emit what changed; the owner is told by mail."""
    emit(SecondFactorChanged(stream=user.stream, user_id=str(user.pk), change=change), actor=user)
