"""People for the tests of every context."""

from typing import Any
from uuid import uuid4

from rest_framework.test import APIClient

from apps.users.domain.roles import Role
from apps.users.models import TotpDevice, User
from apps.users.services.accounts import user_provision
from apps.users.services.tokens import api_session_open

PASSWORD = "long enough for a test"


def make_user(role: Role = Role.CLIENT, *, with_totp: bool = False, **fields: Any) -> User:
    """Create a user with PASSWORD; `fields` may name email, display_name or any column."""
    user, _ = user_provision(
        email=fields.pop("email", f"{role.value.lower()}-{uuid4().hex[:12]}@example.com"),
        password=fields.pop("password", PASSWORD),
        display_name=fields.pop("display_name", "Ada Tester"),
        roles=[role],
        with_totp=with_totp,
    )
    if fields:
        for name, value in fields.items():
            setattr(user, name, value)
        user.save()
    return user


def totp_device(user: User) -> TotpDevice:
    device: TotpDevice = TotpDevice.objects.get(user=user, confirmed=True)
    return device


def api_client(user: User) -> APIClient:
    """Return a client that sends a good access token, second factor included."""
    client = APIClient()
    pair = api_session_open(user=user, methods=["pwd", "otp"])
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
    return client
