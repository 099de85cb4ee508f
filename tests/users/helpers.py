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

from apps.audit.models import AuditEvent
from apps.users.models import STEP_SECONDS, TotpDevice, User
from apps.users.services.step_up import SESSION_KEY, step_up_record
from tests.users.factories import PASSWORD

JSON = "application/json"


def code_of(device: TotpDevice, *, steps: int = 0) -> str:
    """Return the app's code, now or some steps of 30 seconds away; not one about to end."""
    left = STEP_SECONDS - time.time() % STEP_SECONDS
    if left < 1:
        time.sleep(left)
    totp = TOTP(device.key)
    totp.time = time.time() + steps * STEP_SECONDS
    return f"{totp.token():06d}"


def next_code_of(device: TotpDevice) -> str:
    """Return the code that the app shows 30 seconds later, as if they had passed."""
    TotpDevice.objects.filter(pk=device.pk).update(last_step=-1)
    return code_of(device)


def event_names(user: User) -> list[str]:
    return list(AuditEvent.objects.stream(user.stream).values_list("name", flat=True))


def portal_password(client: Client, user: User, password: str = PASSWORD, url: str = "") -> Any:
    address = url or reverse("account_login")
    return client.post(address, {"login": user.email, "password": password})


def prove_second_factor(client: Client, user: User) -> None:
    """Give a browser that is signed in without pages the second factor, proven just now."""
    device = TotpDevice.objects.filter(user=user).first()
    device = device or TotpDevice.objects.create(user=user, name="test", secret="MFRGG43FMZQW2ZLT")
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    step_up_record(user=user, session=session)
    session.save()


def age_second_factor(client: Client, seconds: int = settings.STEP_UP_SECONDS + 1) -> None:
    """Let the browser's second factor be proven that long ago."""
    session = client.session
    session[SESSION_KEY] = (timezone.now() - timedelta(seconds=seconds)).isoformat()
    session.save()


def portal_sign_in(user: User, device: TotpDevice | None = None) -> Client:
    """Return a browser that went through the sign-in pages."""
    client = Client()
    portal_password(client, user)
    if device is not None:
        client.post(reverse("otp_login"), {"code": code_of(device)})
    return client
