"""What the tests of sign-in share."""

import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from apps.audit.models import AuditEvent
from apps.users.models import User
from apps.users.services.step_up import SESSION_KEY, step_up_record
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


def prove_second_factor(client: Client, user: User) -> None:
    """Give a browser that is signed in without pages the second factor, proven just now."""
    device = TOTPDevice.objects.filter(user=user).first()
    device = device or TOTPDevice.objects.create(user=user, name="test")
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    step_up_record(user=user, session=session)
    session.save()


def age_second_factor(client: Client, seconds: int = settings.STEP_UP_SECONDS + 1) -> None:
    """Let the browser's second factor be proven that long ago."""
    session = client.session
    session[SESSION_KEY] = (timezone.now() - timedelta(seconds=seconds)).isoformat()
    session.save()


def portal_sign_in(user: User, device: TOTPDevice | None = None) -> Client:
    """Return a browser that went through the sign-in pages."""
    client = Client()
    portal_password(client, user)
    if device is not None:
        client.post(reverse("otp_login"), {"code": code_of(device)})
    return client
