"""A signed-in client for the portal's pages."""

import pytest
from django.test import Client

from apps.users.models import User
from tests.users.factories import make_user


@pytest.fixture
def user(db: None) -> User:
    return make_user()


@pytest.fixture
def pages(user: User) -> Client:
    """Return the user's browser."""
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client
