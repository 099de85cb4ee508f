"""Signing in to the API, staying signed in, signing out, and bad input."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.core.cache.backends.redis import RedisCache
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from apps.audit.models import AuditEvent
from apps.users.domain.roles import Role
from apps.users.models import ApiSession, RefreshToken, User
from apps.users.services import attempts, tokens
from apps.users.services.second_factor import code_verify
from apps.users.services.ws_tokens import ws_token_consume
from tests.users.factories import PASSWORD, api_client, make_user, totp_device
from tests.users.helpers import JSON, code_of, event_names, portal_sign_in

pytestmark = pytest.mark.django_db
TOKEN, REFRESH, REVOKE = ("/api/v1/auth/token", "/api/v1/auth/refresh", "/api/v1/auth/revoke")


def sign_in(user: User, password: str = PASSWORD, **fields: Any) -> Any:
    body = {"email": user.email, "password": password, **fields}
    return APIClient().post(TOKEN, body, format="json")


def bearer(access: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


def refresh(token: str) -> Any:
    return APIClient().post(REFRESH, {"refresh": token}, format="json")


def test_sign_in_of_a_client_without_device_opens_a_session() -> None:
    user = make_user(display_name="Ada")
    answer = sign_in(user)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh", "expires_in"}
    assert bearer(answer.json()["access"]).get("/api/v1/account").json() == {
        "id": str(user.pk),
        "email": user.email,
        "display_name": "Ada",
        "roles": ["CLIENT"],
        "has_second_factor": False,
    }
    assert event_names(user)[-1] == "users.sign_in.succeeded"


def test_sign_in_with_a_device_demands_its_code_once() -> None:
    user = make_user(with_totp=True)
    assert sign_in(user).json()["code"] == "second_factor_required"
    code = code_of(totp_device(user))
    good = sign_in(user, otp=code)
    assert good.status_code == 200
    assert ApiSession.objects.get().methods == ["pwd", "otp"]
    again = sign_in(user, otp=code)
    assert (again.status_code, again.json()["code"]) == (401, "invalid_credentials")
    assert ApiSession.objects.count() == 1


def test_sign_in_of_staff_without_device_is_refused() -> None:
    answer = sign_in(make_user(Role.OPERATIONS))
    assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_missing")
    assert not ApiSession.objects.exists()


def test_sign_in_with_unknown_address_wrong_password_or_inactive_user_is_told_apart_by_nobody() -> (
    None
):
    inactive = make_user(is_active=False)
    answers = [
        sign_in(make_user(), "not the password"),
        sign_in(User(email="nobody@example.com")),
        sign_in(inactive),
    ]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert bodies[0] == bodies[1] == bodies[2]
    assert all(answer["WWW-Authenticate"] == "Bearer" for answer in answers)
    payloads = AuditEvent.objects.filter(name="users.sign_in.failed").values_list("payload")
    assert len(payloads) == 3
    assert "@" not in str(list(payloads))


def test_sign_in_of_an_unknown_address_runs_the_hasher(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    monkeypatch.setattr(User, "set_password", lambda self, raw: hashed.append(raw))
    sign_in(User(email="nobody@example.com"))
    assert hashed == [PASSWORD]


def test_sign_in_with_an_unconfirmed_address_is_refused() -> None:
    user = User.objects.create_user("a@example.com", PASSWORD)
    assert sign_in(user).json()["code"] == "email_not_verified"


def test_sign_in_after_five_failures_waits_and_the_password_is_not_looked_at() -> None:
    user = make_user()
    for _ in range(5):
        assert sign_in(user, "not the password").status_code == 401
    answer = sign_in(user)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert int(answer["Retry-After"]) > 0


def test_sign_in_from_a_known_address_survives_a_strangers_attack() -> None:
    user = make_user()
    assert sign_in(user).status_code == 200
    body = {"email": user.email, "password": "not the password"}
    for host in range(41):
        for _ in range(5):
            client = APIClient(REMOTE_ADDR=f"192.0.2.{host}")
            client.post(TOKEN, body, format="json")
    fresh = APIClient(REMOTE_ADDR="198.51.100.1").post(
        TOKEN, {**body, "password": PASSWORD}, format="json"
    )
    assert fresh.status_code == 429
    assert sign_in(user).status_code == 200


def test_sign_in_without_a_counter_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "cache", RedisCache("unix:///nowhere/valkey.sock", {}))
    assert sign_in(User(email="a@example.com")).status_code == 503


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"{",
        b"{}",
        b'{"email": 1, "password": "x"}',
        b'{"email": "a@example.com", "password": NaN}',
        b'{"email": "a@example.com", "password": null}',
        b'{"email": "a@example.com", "password": "x", "is_staff": true}',
        b'{"email": "a@example.com", "password": "a", "password": "b"}',
        b'{"email": "a\\u0000@example.com", "password": "x"}',
        b'{"email": "a@example.com", "password": "\\ud800"}',
        b'{"email": "a@example.com", "password": "' + b"9" * 5000 + b'"}',
        b'{"email": "a@example.com", "password": ["x"]}',
    ],
)
@pytest.mark.parametrize("path", [TOKEN, REFRESH, REVOKE])
def test_bad_input_is_a_problem_and_changes_nothing(path: str, body: bytes) -> None:
    answer = Client().post(path, body, content_type=JSON)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert not AuditEvent.objects.exists()


def test_refresh_rotates_and_reuse_ends_the_session_for_both() -> None:
    user = make_user()
    first = sign_in(user).json()
    second = refresh(first["refresh"]).json()
    assert second["refresh"] != first["refresh"]
    assert bearer(second["access"]).get("/api/v1/account").status_code == 200
    assert refresh(first["refresh"]).json()["code"] == "invalid_token"
    assert bearer(second["access"]).get("/api/v1/account").status_code == 401
    assert refresh(second["refresh"]).status_code == 401
    assert refresh(first["refresh"]).status_code == 401
    names = event_names(user)
    assert names.count("users.refresh_token.reused") == 1
    assert names.count("users.api_session.revoked") == 1


def test_refresh_token_is_stored_as_a_hash() -> None:
    token = sign_in(make_user()).json()["refresh"]
    assert len(bytes(RefreshToken.objects.get().token_hash)) == 32
    assert token.encode() not in bytes(RefreshToken.objects.get().token_hash)


def test_refresh_after_the_absolute_end_is_refused() -> None:
    token = sign_in(make_user()).json()
    ApiSession.objects.update(expires_at=timezone.now())
    assert refresh(token["refresh"]).status_code == 401
    assert bearer(token["access"]).get("/api/v1/account").status_code == 401
    assert RefreshToken.objects.get().used_at is None


@pytest.mark.parametrize("change", ["password", "active"])
def test_changed_password_or_deactivation_ends_tokens(change: str) -> None:
    user = make_user()
    token = sign_in(user).json()
    if change == "password":
        user.set_password("quite another password")
    else:
        user.is_active = False
    user.save()
    answer = bearer(token["access"]).get("/api/v1/account")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert refresh(token["refresh"]).status_code == 401


def test_revoke_ends_the_session_and_an_unknown_token_is_no_error() -> None:
    user = make_user()
    token = sign_in(user).json()
    client = APIClient()
    assert client.post(REVOKE, {"refresh": "unknown"}, format="json").status_code == 204
    for _ in range(2):
        answer = client.post(REVOKE, {"refresh": token["refresh"]}, format="json")
        assert answer.status_code == 204
    assert bearer(token["access"]).get("/api/v1/account").status_code == 401
    assert event_names(user).count("users.api_session.revoked") == 1


def forged(**changes: Any) -> Iterator[str]:
    session = ApiSession.objects.get()
    good = jwt.decode(tokens.access_token_issue(session), options={"verify_signature": False})
    key = tokens._signing_key(settings.JWT_SIGNING_KEY)
    for name, value in changes.items():
        yield jwt.encode({**good, name: value}, key, algorithm="HS256")
    for name in tokens.CLAIMS:
        lacking = {claim: value for claim, value in good.items() if claim != name}
        yield jwt.encode(lacking, key, algorithm="HS256")
    yield jwt.encode(good, key + key, algorithm="HS512")
    yield jwt.encode(good, "", algorithm="none")
    yield jwt.encode(good, settings.SECRET_KEY, algorithm="HS256")


def test_forged_tokens_are_refused() -> None:
    access = sign_in(make_user()).json()["access"]
    stranger = make_user()
    texts = [
        *forged(
            iss="other",
            aud="other",
            typ="refresh",
            sub=str(stranger.pk),
            sid="x",
            exp=1,
            iat=99_999_999_999,
        ),
        *("", "a b", "x", access + "x", access[:-2], "é" * 10),
    ]
    for text in texts:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}".encode("latin-1").decode("latin-1"))
        answer = client.get("/api/v1/account")
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token"), text


def test_token_without_code_is_refused_once_the_user_has_a_device() -> None:
    user = make_user(with_totp=True)
    pair = tokens.api_session_open(user=user, methods=["pwd"])
    answer = bearer(pair.access).get("/api/v1/account")
    assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_required")
    assert bearer(pair.access).post("/api/v1/ws-tokens").status_code == 401


def test_request_without_proof_or_with_another_scheme_is_refused() -> None:
    assert APIClient().get("/api/v1/account").json()["code"] == "not_authenticated"
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Basic eDp5")
    answer = client.get("/api/v1/account")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_portal_session_needs_csrf_to_write() -> None:
    user = make_user()
    cookies = portal_sign_in(user).cookies
    strict = APIClient(enforce_csrf_checks=True)
    strict.cookies = cookies
    assert strict.get("/api/v1/account").status_code == 200
    assert strict.post("/api/v1/ws-tokens").status_code == 403


def test_ws_token_names_the_user_once() -> None:
    user = make_user()
    answer = api_client(user).post("/api/v1/ws-tokens")
    assert (answer.status_code, answer.json()["expires_in"]) == (201, 60)
    ticket = ws_token_consume(answer.json()["token"])
    assert ticket is not None
    assert ticket.user_id == user.pk
    assert ticket.api_session_id
    assert ws_token_consume(answer.json()["token"]) is None


def test_ws_tokens_without_redis_are_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    client = api_client(make_user())
    monkeypatch.setattr(settings, "REDIS_URL", "unix:///nowhere/valkey.sock")
    answer = client.post("/api/v1/ws-tokens")
    assert (answer.status_code, answer.json()["code"]) == (503, "tokens_unavailable")
    assert ws_token_consume("anything") is None


def test_sessions_are_listed_and_ended_by_their_owner_only() -> None:
    user, stranger = make_user(), make_user()
    client, other = api_client(user), api_client(stranger)
    (row,) = client.get("/api/v1/sessions").json()
    assert row["is_current"] is True
    assert row["methods"] == ["pwd", "otp"]
    assert other.delete(f"/api/v1/sessions/{row['id']}").status_code == 404
    assert client.get("/api/v1/account").status_code == 200
    assert client.delete(f"/api/v1/sessions/{row['id']}").status_code == 204
    assert client.get("/api/v1/account").status_code == 401


def in_threads(function: Any, count: int) -> list[Any]:
    def run(_: int) -> Any:
        try:
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.django_db(transaction=True)
def test_refresh_by_twenty_at_once_succeeds_exactly_once() -> None:
    pair = tokens.api_session_open(user=make_user(), methods=["pwd"])
    answers = in_threads(lambda: refresh(pair.refresh).status_code, 20)
    assert sorted(answers) == [200] + [401] * 19
    assert ApiSession.objects.get().revoked_at is not None


@pytest.mark.django_db(transaction=True)
def test_code_used_by_eight_at_once_is_accepted_exactly_once() -> None:
    user = make_user(with_totp=True)
    code = code_of(totp_device(user))
    answers = in_threads(lambda: code_verify(user=user, code=code) is not None, 8)
    assert answers.count(True) == 1


@pytest.mark.django_db(transaction=True)
def test_guesses_by_twenty_at_once_stay_within_the_limit() -> None:
    user = make_user()
    answers = in_threads(lambda: sign_in(user, "not the password").status_code, 20)
    assert answers.count(401) == 5
    assert answers.count(429) == 15
