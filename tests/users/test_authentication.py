"""Who gets past the API's door."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.core.errors import NotPermitted
from apps.users.domain.permissions import permissions_of
from apps.users.domain.roles import Role
from apps.users.services.api_keys import api_key_create
from apps.users.services.tokens import api_session_open
from apps.users.services.ws_tokens import WsTicket, ws_token_consume, ws_token_issue
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


def test_role_of_administrator_grants_the_permissions_of_the_table() -> None:
    user = make_user(Role.ADMINISTRATOR)
    assert user.has_role(Role.ADMINISTRATOR)
    assert not user.has_role(Role.CLIENT)
    assert user.has_perms(permissions_of([Role.ADMINISTRATOR]))
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


def test_asvs_v6_3_4_no_way_in_is_weaker_than_another() -> None:
    user, officer = make_user(with_totp=True), make_user(Role.COMPLIANCE_OFFICER, with_totp=True)
    for person in (user, officer):
        browser = Client()
        browser.force_login(person)
        assert browser.get("/orders/").status_code == 302
        assert browser.get("/admin/").status_code == 302
        assert browser.get("/api/v1/account").status_code in {401, 403}
        assert browser.post("/api/v1/ws-tokens").status_code in {401, 403}
        assert browser.post("/api/v1/api-keys").status_code in {401, 403}
        by_token = APIClient()
        pair = api_session_open(user=person, methods=["pwd"])
        by_token.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
        for path in ("/api/v1/ws-tokens", "/api/v1/api-keys", "/api/v1/webhooks"):
            answer = by_token.post(path)
            assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_required")
    with pytest.raises(NotPermitted):
        api_key_create(actor=officer, name="x", mode="PAPER", scopes=["orders:read"], days=1)
