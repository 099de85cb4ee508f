import base64
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from apps.infrastructure.middleware import request_id
from apps.infrastructure.resilience import breaker
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _limits(settings: Settings) -> None:
    settings.RATELIMIT_ENABLE = True
    breaker("rate-limit").close()


def test_request_with_its_own_id_gets_it_back(client: Client) -> None:
    assert (
        client.get("/livez", headers={"X-Request-ID": "abcd-1234"})["X-Request-ID"] == "abcd-1234"
    )


@pytest.mark.parametrize(
    "given",
    [
        *("short", "x" * 65, "has spaces in it", "", "with.dots_and-scores", "<b>12345678</b>"),
        *("12345678\nlevel=error", "12345678\t", "\uff11" * 8),
    ],
)
def test_request_with_a_bad_id_gets_a_new_one(client: Client, given: str) -> None:
    headers = {"X-Request-ID": given, "X-Correlation-ID": given}

    answer = client.get("/api/v1/account", headers=headers)

    assert str(UUID(answer["X-Request-ID"])) == answer["X-Request-ID"]
    assert answer.json()["request_id"] == answer["X-Request-ID"]


def test_request_with_a_bad_correlation_id_is_correlated_by_its_own_id(rf: RequestFactory) -> None:
    request = rf.get(
        "/livez", headers={"X-Request-ID": "abcd-1234", "X-Correlation-ID": "any text at all"}
    )
    assert request.headers["X-Correlation-ID"] == "any text at all", "read before"

    request_id(lambda _: HttpResponse())(request)

    assert request.headers["X-Correlation-ID"] == "abcd-1234"


def test_dynamic_answer_is_kept_out_of_caches_and_other_origins(client: Client) -> None:
    answer = client.get("/livez")

    assert answer["Cache-Control"] == "no-store"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_api_within_its_limit_says_what_is_left(client: Client, settings: Settings) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "api": "5/m"}

    answer = client.get("/api/v1/nothing")

    assert '"api";r=4;t=' in answer["RateLimit"]
    assert '"api";q=5;w=60' in answer["RateLimit-Policy"]


def test_api_beyond_its_limit_is_a_problem_with_retry_after(
    client: Client, settings: Settings
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "orders": "2/m"}
    for _ in range(2):
        assert client.post("/api/v1/orders", {}, "application/json").status_code != 429

    refused = client.post("/api/v1/orders", {}, "application/json")

    assert refused.status_code == 429
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "throttled"
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert client.get("/api/v1/nothing").status_code != 429


def test_limit_of_one_credential_is_not_anothers(client: Client, settings: Settings) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "api": "1/m"}

    def ask(token: str) -> int:
        return client.get("/api/v1/x", headers={"Authorization": f"Bearer {token}"}).status_code

    statuses = [ask("a"), ask("a"), ask("b")]

    assert statuses[1] == 429
    assert 429 not in (statuses[0], statuses[2])


def test_sign_in_beyond_its_limit_is_refused_in_plain_text(
    client: Client, settings: Settings
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "sign-in": "1/m"}
    client.post("/admin/login/", {})

    refused = client.post("/admin/login/", {})

    assert refused.status_code == 429
    assert refused["Content-Type"].startswith("text/plain")


def _lose_redis(settings: Settings) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "unix:///nowhere/redis.sock",
        }
    }


def test_request_with_redis_down_is_served_without_a_limit(
    client: Client, settings: Settings
) -> None:
    _lose_redis(settings)

    assert client.get("/livez").status_code == 200
    assert client.get("/api/v1/nothing").status_code < 500


def test_sign_in_with_redis_down_is_refused_for_a_while(client: Client, settings: Settings) -> None:
    _lose_redis(settings)

    refused = client.post("/api/v1/auth/token", {}, "application/json")

    assert refused.status_code == 503
    assert refused.json()["code"] == "unavailable"
    assert refused["Retry-After"] == "10"


@pytest.mark.parametrize(
    "spellings",
    [
        ["Basic 1", "Basic 2", "Token 3"],
        ["Bearer a.b.AAA", "bearer a.b.AA!A", "BEARER  a.b.AAA="],
        ["Bearer a.b.AAA", "Bearer\ta.b.AAA", "\tBearer \t a.b.AAA"],
        ["Bearer\xa01", "Bearer\xa02", "Bearer\x1f3"],
    ],
)
def test_limit_of_a_caller_holds_however_the_credential_is_spelled(
    client: Client, settings: Settings, spellings: list[str]
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "api": "2/m"}
    limited = []

    for spelling in spellings:
        client.cookies["sessionid"] = "one-session"
        answer = client.get("/api/v1/account", headers={"Authorization": spelling})
        limited.append(answer.status_code == 429)

    assert limited == [False, False, True]


def test_error_outside_the_views_is_a_problem_for_the_api_and_a_page_for_others(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/nothing")["Content-Type"].startswith("text/html")
    answer = client.get("/api/v1/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = client.get("/api/v1/account", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")

    def fail(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("apps.users.selectors.account_get", fail)
    client.raise_request_exception = False
    client.force_login(make_user())
    answer = client.get("/api/v1/account")
    assert (answer.status_code, answer.json()["code"]) == (500, "server_error")
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("position", ["garbage", "0000-00-00", "%00", "9" * 5000])
def test_cursor_that_was_not_given_out_is_not_found(position: str) -> None:
    cursor = base64.b64encode(f"p={position}".encode()).decode()

    answer = api_client(make_user()).get("/api/v1/orders", {"cursor": cursor})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("policy", "method", "path"),
    [
        ("address", "get", "/livez"),
        ("api", "get", "/api/v1/account"),
        ("orders", "post", "/api/v1/orders"),
        ("sign-in", "post", "/api/v1/auth/token"),
        ("sign-in", "post", "/accounts/login/"),
        ("sign-in", "post", "/admin/login/"),
    ],
)
def test_asvs_v2_4_1_burst_of_one_more_than_the_limit_is_refused(
    client: Client, settings: Settings, policy: str, method: str, path: str
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, policy: "4/m"}
    statuses = [getattr(client, method)(path, {}, "application/json").status_code for _ in range(6)]
    assert [status == 429 for status in statuses] == [False] * 4 + [True] * 2
