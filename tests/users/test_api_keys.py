"""API keys: who may make one, what one opens, and when one stops."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as configured
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.audit.models import AuditEvent
from apps.core.errors import NotPermitted, Refused
from apps.infrastructure.resilience import breaker
from apps.trading.models import Portfolio
from apps.trading.services.portfolios import portfolio_open
from apps.users.domain.api_keys import key_make
from apps.users.domain.roles import Role
from apps.users.models import ApiKey, ApiSession, User
from apps.users.services.api_keys import api_key_create, api_key_revoke, api_keys_revoke_all
from stratford.scopes import CHANNELS, DESCRIPTIONS, OPERATIONS
from tests.trading.factories import make_live_portfolio
from tests.users.factories import api_client, make_user, totp_device
from tests.users.helpers import portal_sign_in

pytestmark = pytest.mark.django_db
SCOPES = sorted(DESCRIPTIONS)


def make_key(user: User, mode: str = "PAPER", **terms: Any) -> tuple[ApiKey, str]:
    terms = {"name": "bot", "mode": mode, "scopes": SCOPES, "days": 30, **terms}
    return api_key_create(actor=user, **terms)


def with_key(text: str, address: str = "203.0.113.9") -> APIClient:
    client = APIClient(REMOTE_ADDR=address)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def operations() -> Iterator[str]:
    """Every operation of the API, as the table of scopes writes it."""

    def walk(patterns: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        for item in patterns:
            if isinstance(item, URLResolver):
                yield from walk(item.url_patterns, prefix + str(item.pattern))
            elif isinstance(item, URLPattern):
                yield prefix + str(item.pattern), item.callback

    for route, view in walk(get_resolver().url_patterns, ""):
        if route.startswith("api/"):
            yield from (
                f"{method.upper()} {route}"
                for method in ("get", "post", "put", "patch", "delete")
                if hasattr(view.view_class, method)
            )


def test_scopes_name_operations_that_exist_and_only_those_that_a_key_may_do() -> None:
    existing = set(operations())
    assert set(OPERATIONS) <= existing
    assert set(OPERATIONS.values()) | set(CHANNELS.values()) == set(DESCRIPTIONS)
    never = ("withdraw", "deposit", "api-keys", "auth", "sessions", "kyc", "alerts", "webhooks")
    for operation in OPERATIONS:
        method, route = operation.split(" ")
        assert method == "GET" or not any(word in route for word in never), operation
        assert not route.startswith(tuple(f"api/v1/{word}" for word in never[2:])), operation


def concrete(operation: str) -> tuple[str, str]:
    method, route = operation.split(" ")
    path = re.sub(r"<uuid:\w+>", str(uuid4()), f"/{route}")
    return method, path.replace("<str:symbol>", "AAPL").replace("<int:year>", "2026")


def test_key_with_every_scope_stays_out_of_every_other_operation() -> None:
    _, text = make_key(make_user())
    client = with_key(text)
    open_to_all = {"api/v1/auth/token", "api/v1/auth/refresh", "api/v1/auth/revoke"}
    closed = [
        operation
        for operation in sorted(set(operations()) - set(OPERATIONS))
        if operation.split(" ")[1] not in open_to_all and "<uuid:" not in operation
    ]
    assert "POST api/v1/api-keys" in closed

    for operation in closed:
        method, path = concrete(operation)
        answer = client.generic(method, path, "{}", content_type="application/json")
        assert answer.status_code == 403, operation
        if not path.endswith(("/docs", "/schema")):
            assert answer.json()["code"] == "scope_missing", operation


def test_key_that_lacks_a_scope_is_refused_what_it_opens() -> None:
    user = make_user()
    lacking = {
        scope: with_key(make_key(user, scopes=[other for other in SCOPES if other != scope])[1])
        for scope in SCOPES
    }

    for operation, scope in OPERATIONS.items():
        method, path = concrete(operation)
        answer = lacking[scope].generic(method, path, "{}", content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), operation


def test_key_never_moves_money_nor_makes_another_key() -> None:
    user = make_user()
    portfolio = portfolio_open(actor=user, client=user, name="Paper")
    _, text = make_key(user)
    events = AuditEvent.objects.count()

    for path in (f"portfolios/{portfolio.id}/withdrawals", f"portfolios/{portfolio.id}/deposits"):
        body = {"amount": "1", "currency": "USD"}
        headers = {"Idempotency-Key": "k"}
        answer = with_key(text).post(f"/api/v1/{path}", body, format="json", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert with_key(text).delete(f"/api/v1/api-keys/{uuid4()}").status_code == 403
    assert with_key(text).post("/api/v1/auth/step-up", {}, format="json").status_code == 403

    assert AuditEvent.objects.count() == events


def test_key_reaches_portfolios_of_its_mode_only() -> None:
    user = make_user()
    paper = portfolio_open(actor=user, client=user, name="Paper")
    live = make_live_portfolio(user)
    keys = {mode: with_key(make_key(user, mode)[1]) for mode in ("PAPER", "LIVE")}

    for mode, own, other in (("PAPER", paper, live), ("LIVE", live, paper)):
        client = keys[mode]
        assert [row["id"] for row in client.get("/api/v1/portfolios").json()] == [str(own.id)]
        for operation in OPERATIONS:
            method, route = operation.split(" ")
            if "<uuid:portfolio_id>" in route:
                path = f"/{route}".replace("<uuid:portfolio_id>", str(other.id))
                assert client.generic(method, path).status_code == 404, operation
        terms = {"symbol": "AAPL", "side": "BUY", "type": "MARKET", "quantity": "1"}
        for path in ("/api/v1/orders", "/api/v1/orders/preview"):
            body = {"portfolio_id": str(other.id), **terms}
            headers = {"Idempotency-Key": f"{mode}-1"}
            assert client.post(path, body, format="json", headers=headers).status_code == 404


def test_live_key_opens_no_paper_portfolio_and_a_test_key_does() -> None:
    user = make_user()
    body = {"name": "New"}

    refused = with_key(make_key(user, "LIVE")[1]).post("/api/v1/portfolios", body, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "key_mode")
    assert not Portfolio.objects.exists()

    opened = with_key(make_key(user)[1]).post("/api/v1/portfolios", body, format="json")
    assert opened.status_code == 201


def test_key_gets_no_answer_that_was_kept_for_a_session() -> None:
    user = make_user()
    live = make_live_portfolio(user)
    body = {
        "portfolio_id": str(live.id),
        "symbol": "AAPL",
        "side": "BUY",
        "type": "MARKET",
        "quantity": "1",
    }
    headers = {"Idempotency-Key": "same"}
    clients = (api_client(user), with_key(make_key(user)[1]))

    answers = [
        client.post("/api/v1/orders", body, format="json", headers=headers) for client in clients
    ]

    assert "Idempotent-Replayed" not in answers[1]
    assert answers[1].json()["detail"] == "There is no such portfolio."


def _expire(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def _revoke(key: ApiKey) -> None:
    api_key_revoke(actor=key.user, key_id=key.pk)


def _disable(key: ApiKey) -> None:
    User.objects.filter(pk=key.user_id).update(is_active=False)


def _no_client(key: ApiKey) -> None:
    key.user.groups.clear()


def _promote(key: ApiKey) -> None:
    User.objects.filter(pk=key.user_id).update(is_staff=True)


@pytest.mark.parametrize("end", [_expire, _revoke, _disable, _no_client, _promote])
def test_key_stops_at_the_next_request(end: Any) -> None:
    key, text = make_key(make_user())
    client = with_key(text)
    assert client.get("/api/v1/account").status_code == 200

    end(key)

    answer = client.get("/api/v1/account")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_key_is_refused_outside_of_its_networks() -> None:
    _, text = make_key(make_user(), networks=["203.0.113.0/24", "2001:db8::/32"])

    for inside in ("203.0.113.200", "::ffff:203.0.113.1", "2001:db8:9::1"):
        assert with_key(text, inside).get("/api/v1/account").status_code == 200
    for outside in ("198.51.100.1", "", "2001:db9::1"):
        answer = with_key(text, outside).get("/api/v1/account")
        assert (answer.status_code, answer.json()["code"]) == (403, "address_not_allowed")
    spoofed = with_key(text, "198.51.100.1").get(
        "/api/v1/account", headers={"X-Forwarded-For": "203.0.113.1", "X-Real-IP": "203.0.113.1"}
    )
    assert spoofed.status_code == 403


def test_key_has_a_limit_of_its_own(settings: Settings) -> None:
    settings.RATELIMIT_ENABLE = True
    breaker("rate-limit").close()
    user = make_user()
    slow, fast = with_key(make_key(user, per_minute=2)[1]), with_key(make_key(user)[1])
    first = slow.get("/api/v1/account")
    assert '"key";r=1;t=' in first["RateLimit"]
    assert '"key";q=2;w=60' in first["RateLimit-Policy"]
    assert slow.get("/api/v1/account").status_code == 200

    refused = slow.get("/api/v1/account")

    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert fast.get("/api/v1/account").status_code == 200


def test_key_use_is_noted_once_a_minute_by_network() -> None:
    key, text = make_key(make_user())
    with_key(text, "203.0.113.77").get("/api/v1/account")
    key.refresh_from_db()
    assert key.last_used_from == "203.0.113.0/24"
    first = key.last_used_at
    with_key(text, "198.51.100.7").get("/api/v1/account")
    key.refresh_from_db()
    assert (key.last_used_at, key.last_used_from) == (first, "203.0.113.0/24")


def test_database_and_events_hold_nothing_that_opens() -> None:
    user = make_user()
    key, text = make_key(user)
    row = ApiKey.objects.values().get(pk=key.pk)
    secret = text[12:]
    assert secret not in str(row)
    assert secret not in str(list(AuditEvent.objects.values_list("payload", flat=True)))
    assert AuditEvent.objects.stream(user.stream).filter(name="users.api_key.created").count() == 1


@pytest.mark.parametrize(
    "text",
    ["sk_", "sk_live_x", key_make("LIVE"), "sk_live_" + "é" * 38],
    ids=["prefix", "short", "unknown", "accents"],
)
def test_text_that_is_no_key_is_refused(text: str) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}".encode().decode("latin-1"))
    answer = client.get("/api/v1/account")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.CLIENT}))
def test_staff_have_no_keys(role: Role) -> None:
    with pytest.raises(NotPermitted):
        make_key(make_user(role, with_totp=True))
    assert not ApiKey.objects.exists()


def test_one_key_too_many_is_refused(settings: Settings) -> None:
    settings.API_KEYS = {**configured.API_KEYS, "live_most": 1}
    user = make_user()
    key, _ = make_key(user)
    with pytest.raises(Refused, match="too many keys"):
        make_key(user)
    assert ApiKey.objects.count() == 1
    api_key_revoke(actor=user, key_id=key.pk)
    api_key_revoke(actor=user, key_id=key.pk)
    make_key(user)
    api_keys_revoke_all(user=user, actor=None, reason="TEST")
    revoked = AuditEvent.objects.filter(name="users.api_key.revoked")
    assert sorted(row.payload["reason"] for row in revoked) == ["OWNER", "TEST"]


BODY = {"name": "bot", "mode": "PAPER", "scopes": ["orders:read"], "networks": ["10.0.0.0/8"]}


def test_key_is_made_over_the_api_only_with_a_fresh_second_factor() -> None:
    user = make_user(with_totp=True)
    stale = api_client(user)
    ApiSession.objects.update(second_factor_at=None)
    refused = stale.post("/api/v1/api-keys", BODY, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
    assert not ApiKey.objects.exists()

    client = api_client(user)
    made = client.post("/api/v1/api-keys", BODY, format="json")
    assert made.status_code == 201
    assert with_key(made.json()["key"], "10.9.9.9").get("/api/v1/orders").status_code == 200
    (row,) = client.get("/api/v1/api-keys").json()
    assert "key" not in row
    assert row["hint"] == made.json()["key"][:12]
    assert api_client(make_user()).delete(f"/api/v1/api-keys/{row['id']}").status_code == 404
    assert client.delete(f"/api/v1/api-keys/{row['id']}").status_code == 204
    assert client.get("/api/v1/api-keys").json() == []


@pytest.mark.parametrize(
    "change",
    [
        {"name": " "},
        {"mode": "BOTH"},
        {"scopes": []},
        {"scopes": ["cash:write"]},
        {"expires_in_days": 366},
        {"expires_in_days": 0},
        {"networks": ["10.0.0.1/8"]},
        {"networks": ["all"]},
        {"networks": ["10.0.0.0/8"] * 21},
        {"per_minute": 1201},
        {"user": "another"},
        {"key_hash": "00"},
    ],
)
def test_bad_terms_of_a_key_are_refused(change: dict[str, Any]) -> None:
    answer = api_client(make_user(with_totp=True)).post(
        "/api/v1/api-keys", {**BODY, **change}, format="json"
    )
    assert answer.status_code == 400, answer.json()
    assert not ApiKey.objects.exists()


def test_portal_makes_shows_once_and_revokes() -> None:
    user = make_user(with_totp=True)
    browser = portal_sign_in(user, totp_device(user))
    form = {"name": "bot", "mode": "PAPER", "scopes": ["orders:read"], "days": "30", "networks": ""}
    page = browser.post(reverse("portal:api_keys"), form)
    text = page.context["new_key"]
    assert page.status_code == 201
    assert text in page.content.decode()
    again = browser.get(reverse("portal:api_keys"))
    assert text not in again.content.decode()
    key = ApiKey.objects.get()
    browser.post(reverse("portal:api_key_revoke", args=[key.pk]))
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_portal_makes_no_key_for_a_session_without_a_second_factor() -> None:
    browser = portal_sign_in(make_user())
    form = {"name": "bot", "mode": "PAPER", "scopes": ["orders:read"], "days": "30", "networks": ""}
    browser.post(reverse("portal:api_keys"), form)
    assert not ApiKey.objects.exists()
