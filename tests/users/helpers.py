"""What the tests of sign-in share."""

import time
from typing import Any

from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from apps.audit.models import AuditEvent
from apps.users.models import User
from tests.users.factories import PASSWORD

JSON = "application/json"


def code_of(device: TOTPDevice, *, steps: int = 0) -> str:
    """Return the app's code, now or some steps of 30 seconds away."""
    device.refresh_from_db()
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    totp.time = time.time() + steps * device.step
    return f"{totp.token():06d}"


def forget_wrong_codes() -> None:
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)


def event_names(user: User) -> list[str]:
    return list(AuditEvent.objects.stream(user.stream).values_list("name", flat=True))


def portal_password(client: Client, user: User, password: str = PASSWORD, url: str = "") -> Any:
    address = url or reverse("account_login")
    return client.post(address, {"login": user.email, "password": password})


def portal_sign_in(user: User, device: TOTPDevice | None = None) -> Client:
    """Return a browser that went through the sign-in pages."""
    client = Client()
    portal_password(client, user)
    if device is not None:
        client.post(reverse("otp_login"), {"code": code_of(device)})
    return client
