"""Each part of the request pipeline: what it refuses, and the hole where it is taken away."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings
from rest_framework.parsers import JSONParser
from rest_framework.test import APIClient
from rest_framework.views import APIView

from apps.audit.models import AuditEvent
from apps.core.commands import command
from apps.infrastructure.resilience import breaker
from apps.users.domain.roles import Role
from apps.users.models import User
from stratford import browser
from tests.users.factories import api_client, make_user
from tests.users.helpers import prove_second_factor

pytestmark = pytest.mark.django_db
FOREIGN = "https://evil.example"
PARTNER = "https://partner.example"
LOGIN = "/accounts/login/"


@pytest.fixture
def without(settings: Settings) -> Callable[[str], None]:
    """Take one part out of the pipeline."""

    def take_out(part: str) -> None:
        assert part in settings.MIDDLEWARE
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != part]

    return take_out


def signed_in(user: User | None = None, **options: Any) -> Client:
    """Return the browser of somebody who is signed in by password alone."""
    client = Client(**options)
    client.force_login(
        user or make_user(), backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    return client


def staff_browser(role: Role) -> Client:
    user = make_user(role, with_totp=True)
    client = signed_in(user)
    prove_second_factor(client, user)
    return client


def test_pipeline_stands_in_the_documented_order(settings: Settings) -> None:
    parts = [
        "apps.infrastructure.middleware.security_headers",
        "apps.infrastructure.middleware.last_resort",
        "corsheaders.middleware.CorsMiddleware",
        "apps.infrastructure.shield.https_for_api",
        "django.middleware.security.SecurityMiddleware",
        "apps.infrastructure.csp.ContentSecurityPolicy",
        "apps.infrastructure.middleware.rate_limit",
        "apps.infrastructure.shield.own_pages_only",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "apps.users.middleware.SecondFactorMiddleware",
        "apps.audit.middleware.access_audit",
    ]

    assert [name for name in settings.MIDDLEWARE if name in parts] == parts
    assert settings.MIDDLEWARE[:2] == parts[:2]


def test_cors_lets_only_listed_origins_read(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [PARTNER]

    def allowed(origin: str) -> str | None:
        answer = Client().get("/api/v1/account", headers={"Origin": origin})
        return answer.get("Access-Control-Allow-Origin")

    assert (allowed(PARTNER), allowed(FOREIGN)) == (PARTNER, None)
    settings.CORS_ALLOW_ALL_ORIGINS = True
    assert allowed(FOREIGN) == "*", "the hole"


def test_cors_taken_out_answers_no_partner(
    settings: Settings, without: Callable[[str], None]
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [PARTNER]
    headers = {"Origin": PARTNER, "Access-Control-Request-Method": "GET"}
    assert Client().options("/api/v1/account", headers=headers).status_code == 200

    without("corsheaders.middleware.CorsMiddleware")

    assert Client().options("/api/v1/account", headers=headers).status_code == 401


HEADERS = {
    "apps.infrastructure.middleware.security_headers": "Cross-Origin-Resource-Policy",
    "django.middleware.security.SecurityMiddleware": "Strict-Transport-Security",
    "django_permissions_policy.PermissionsPolicyMiddleware": "Permissions-Policy",
    "django.middleware.clickjacking.XFrameOptionsMiddleware": "X-Frame-Options",
}


@pytest.mark.parametrize("part", HEADERS)
def test_headers_of_a_part_are_missing_without_it(
    settings: Settings, without: Callable[[str], None], part: str
) -> None:
    settings.SECURE_HSTS_SECONDS = 60
    assert HEADERS[part] in Client().get(LOGIN, secure=True)

    without(part)

    assert HEADERS[part] not in Client().get(LOGIN, secure=True)


def test_policy_taken_out_leaves_pages_without_a_nonce(without: Callable[[str], None]) -> None:
    assert "'nonce-" in Client().get(LOGIN)["Content-Security-Policy"]

    without("apps.infrastructure.csp.ContentSecurityPolicy")

    assert Client().get(LOGIN)["Content-Security-Policy"] == browser.CLOSED_POLICY


def test_asvs_v4_1_2_plain_http_call_is_refused_and_not_redirected(
    settings: Settings, without: Callable[[str], None], security_events: list[dict[str, Any]]
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    client = api_client(make_user())

    refused = client.get("/api/v1/account")

    assert (refused.status_code, refused.json()["code"]) == (403, "https_required")
    assert "Location" not in refused
    assert security_events[-1]["event"] == "plain_http.refused"
    assert client.get("/api/v1/account", secure=True).status_code == 200
    assert Client().get(LOGIN)["Location"].startswith("https://")
    without("apps.infrastructure.shield.https_for_api")
    assert api_client(make_user()).get("/api/v1/account").status_code == 301, "the hole"


def test_rate_limit_taken_out_lets_everything_through(
    settings: Settings, without: Callable[[str], None]
) -> None:
    settings.RATELIMIT_ENABLE = True
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "sign-in": "1/m"}
    breaker("rate-limit").close()
    assert [Client().post(LOGIN).status_code for _ in range(3)] == [200, 429, 429]

    without("apps.infrastructure.middleware.rate_limit")

    assert 429 not in [Client().post(LOGIN).status_code for _ in range(3)]


def test_asvs_v4_1_4_method_that_is_not_listed_is_refused(without: Callable[[str], None]) -> None:
    desk = "/admin/compliance/kycrecord/"
    for method in ("TRACE", "CONNECT", "PUT", "DELETE", "PROPFIND"):
        for path in (LOGIN, desk, "/settings/", "/livez"):
            answer = Client().generic(method, path)
            assert (method, path, answer.status_code) == (method, path, 405)
            assert answer["Allow"] == "GET, HEAD, POST"

    without("apps.infrastructure.shield.known_methods")
    without("apps.users.middleware.AuthorisationMiddleware")

    officer = staff_browser(Role.COMPLIANCE_OFFICER)
    assert officer.generic("PROPFIND", desk).status_code == 200, "the hole"


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "OPTIONS", "PROPFIND", "JEFF"])
def test_asvs_v4_1_4_method_that_the_api_does_not_have_is_refused(method: str) -> None:
    client = api_client(make_user())

    answer = client.generic(method, "/api/v1/account")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_asvs_v4_1_4_method_that_a_resource_does_not_have_is_refused(method: str) -> None:
    client = api_client(make_user())

    answer = client.generic(method, "/api/v1/account", "{}", content_type="application/json")

    assert answer.status_code == 405
    assert "GET" in answer["Allow"]


FETCH = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize("path", ["/", "/settings/", "/api/v1/account", "/admin/"])
@pytest.mark.parametrize(
    "headers",
    [
        FETCH,
        {**FETCH, "Sec-Fetch-Site": "same-site"},
        {**FETCH, "Sec-Fetch-Dest": "script"},
        {**LINK, "Sec-Fetch-Dest": "iframe"},
        {**LINK, "Sec-Fetch-Dest": "object"},
    ],
)
def test_asvs_v3_5_8_resource_asked_for_by_another_sites_page_is_refused(
    path: str, headers: dict[str, str], security_events: list[dict[str, Any]]
) -> None:
    answer = signed_in().get(path, headers=headers)

    assert answer.status_code == 403
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert security_events[-1]["event"] == "fetch.refused"


def test_asvs_v3_5_8_link_own_page_and_listed_partner_are_served(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [PARTNER]
    client = signed_in()

    assert client.get("/settings/", headers=LINK).status_code == 200
    assert client.get("/settings/", headers={"Sec-Fetch-Site": "none"}).status_code == 200
    own = {**FETCH, "Sec-Fetch-Site": "same-origin"}
    assert client.get("/api/v1/account", headers=own).status_code == 200
    partner = {**FETCH, "Sec-Fetch-Mode": "cors", "Origin": PARTNER}
    assert client.get("/api/v1/account", headers=partner).status_code == 200
    assert client.get("/settings/", headers=partner).status_code == 403
    assert client.post("/settings/", headers=LINK).status_code == 403


def test_fetch_check_taken_out_shows_a_resource_to_another_sites_page(
    without: Callable[[str], None],
) -> None:
    without("apps.infrastructure.shield.own_pages_only")

    assert signed_in().get("/api/v1/account", headers=FETCH).status_code == 200


def test_csrf_check_taken_out_lets_a_foreign_form_sign_people_out(
    without: Callable[[str], None], security_events: list[dict[str, Any]]
) -> None:
    client = signed_in(enforce_csrf_checks=True)
    assert client.post("/accounts/logout/").status_code == 403
    assert security_events[-1]["event"] == "csrf.refused"
    assert client.get("/api/v1/account").status_code == 200

    without("django.middleware.csrf.CsrfViewMiddleware")
    client = signed_in(enforce_csrf_checks=True)
    client.handler.enforce_csrf_checks = False

    assert client.post("/accounts/logout/").status_code == 302
    assert client.get("/api/v1/account").status_code == 401


def test_csrf_check_of_the_api_holds_for_sessions(security_events: list[dict[str, Any]]) -> None:
    answer = signed_in(enforce_csrf_checks=True).post("/api/v1/ws-tokens")

    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    assert security_events[-1]["event"] == "csrf.refused"


def test_authentication_taken_out_serves_nobody_and_with_it_only_good_proof(
    monkeypatch: pytest.MonkeyPatch, security_events: list[dict[str, Any]]
) -> None:
    forged = {"Authorization": "Bearer a.b.c"}
    assert Client().get("/api/v1/account", headers=forged).status_code == 401
    assert security_events[-1]["event"] == "token.invalid"
    assert Client().get("/api/v1/account").status_code == 401
    assert security_events[-1]["event"] == "authentication.failed"

    monkeypatch.setattr(APIView, "authentication_classes", ())

    assert api_client(make_user()).get("/api/v1/account").status_code in {401, 403}


def test_second_factor_check_taken_out_lets_a_password_alone_in(
    without: Callable[[str], None],
) -> None:
    user = make_user(with_totp=True)
    page = "/settings/security/"
    assert signed_in(user).get(page)["Location"].startswith(LOGIN)

    without("apps.users.middleware.SecondFactorMiddleware")

    assert signed_in(user).get(page).status_code == 200


def test_authorisation_taken_out_shows_data_to_everybody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert APIClient().get("/api/v1/clock").status_code == 401

    monkeypatch.setattr(APIView, "permission_classes", ())

    assert APIClient().get("/api/v1/clock").status_code == 200


TWICE = '{"refresh": "a", "refresh": "b"}'


def test_validation_taken_out_lets_two_parsers_read_two_things(
    monkeypatch: pytest.MonkeyPatch, security_events: list[dict[str, Any]]
) -> None:
    def refresh() -> Any:
        return APIClient().generic(
            "POST", "/api/v1/auth/refresh", TWICE, content_type="application/json"
        )

    assert (refresh().status_code, refresh().json()["code"]) == (400, "malformed_json")
    assert security_events[-1]["event"] == "input.refused"

    monkeypatch.setattr(APIView, "parser_classes", (JSONParser,))

    assert refresh().json()["code"] == "invalid_token", "the second key was looked at"


@command
def user_rename_and_fail(*, user: User) -> None:
    user.display_name = "Half done"
    user.save()
    raise RuntimeError


def test_command_taken_out_leaves_half_done_work() -> None:
    user = make_user()
    with pytest.raises(RuntimeError):
        user_rename_and_fail(user=user)
    assert User.objects.get(pk=user.pk).display_name == "Ada Tester"

    with pytest.raises(RuntimeError):
        user_rename_and_fail.__wrapped__(user=user)  # type: ignore[attr-defined]

    assert User.objects.get(pk=user.pk).display_name == "Half done"


def test_response_form_taken_out_has_no_code_and_no_request_id(settings: Settings) -> None:
    answer = APIClient().get("/api/v1/account")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer["X-Request-ID"]

    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "EXCEPTION_HANDLER": "rest_framework.views.exception_handler",
    }

    answer = APIClient().get("/api/v1/account")
    assert answer["Content-Type"] == "application/json"
    assert set(json.loads(answer.content)) == {"detail"}


def test_audit_of_access_taken_out_leaves_no_trace(without: Callable[[str], None]) -> None:
    accesses = AuditEvent.objects.filter(name="audit.access.made")
    path = "/admin/compliance/kycrecord/"
    assert staff_browser(Role.COMPLIANCE_OFFICER).get(path).status_code == 200
    assert accesses.count() == 1

    without("apps.audit.middleware.access_audit")

    assert staff_browser(Role.COMPLIANCE_OFFICER).get(path).status_code == 200
    assert accesses.count() == 1
