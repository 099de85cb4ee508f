"""Who gets past the API's door."""

import pytest

from apps.users.domain.roles import PERMISSIONS, Role
from apps.users.services.ws_tokens import WsTicket, ws_token_consume, ws_token_issue
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


def test_role_of_administrator_grants_the_permissions_of_the_table() -> None:
    user = make_user(Role.ADMINISTRATOR)
    assert user.has_role(Role.ADMINISTRATOR)
    assert not user.has_role(Role.CLIENT)
    assert user.has_perms(PERMISSIONS[Role.ADMINISTRATOR])
    assert user.has_module_perms("users")
    assert not user.has_perm("compliance.decide_alert")


def test_role_of_a_deactivated_user_grants_nothing() -> None:
    user = make_user(Role.ADMINISTRATOR, is_active=False)
    assert not user.has_role(Role.ADMINISTRATOR)
    assert not user.has_perm("users.view_user")


def test_ws_token_used_twice_names_the_user_once() -> None:
    user = make_user()
    token = ws_token_issue(user)
    assert ws_token_consume(token) == WsTicket(user_id=user.pk)
    assert ws_token_consume(token) is None
    assert ws_token_consume("\udc00") is None
