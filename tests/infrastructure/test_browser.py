"""What browsers are told, as a deployment tells it: cookies, headers, policy, reports."""

import json
import re
from http.cookies import Morsel
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from apps.infrastructure.resilience import breaker
from apps.users.domain.roles import Role
from stratford import browser
from tests.infrastructure.test_pipeline import signed_in, staff_browser
from tests.users.factories import PASSWORD, make_user
from tests.users.helpers import portal_password

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
REPORTS = browser.CSP_REPORT_PATH


@pytest.fixture
def _deployed(settings: Settings) -> None:
    """Tell browsers what a deployment tells them."""
    for name, value in browser.settings(is_embedded=False).items():
        setattr(settings, name, value)
    settings.TRUSTED_PROXIES = ["127.0.0.0/8"]


def cookies_of_a_sign_in() -> dict[str, Morsel[str]]:
    client = Client(headers={"X-Forwarded-Proto": "https"})
    user = make_user()
    client.get(LOGIN, secure=True)
    page = client.post(LOGIN, {"login": user.email, "password": PASSWORD}, secure=True)
    assert page.status_code == 302
    client.get("/settings/", secure=True)
    assert len(client.cookies) >= 2
    return dict(client.cookies)


@pytest.mark.usefixtures("_deployed")
def test_asvs_v3_3_2_every_cookie_names_its_same_site_rule() -> None:
    assert {morsel["samesite"] for morsel in cookies_of_a_sign_in().values()} == {"Lax"}


@pytest.mark.usefixtures("_deployed")
def test_asvs_v3_3_3_every_cookie_belongs_to_this_host_alone() -> None:
    for name, morsel in cookies_of_a_sign_in().items():
        assert name.startswith("__Host-")
        assert (morsel["secure"], morsel["path"], morsel["domain"]) == (True, "/", "")


@pytest.mark.usefixtures("_deployed")
def test_asvs_v3_3_4_session_is_hidden_from_scripts_and_bodies() -> None:
    cookies = cookies_of_a_sign_in()
    key = cookies["__Host-sessionid"].value

    assert all(morsel["httponly"] for morsel in cookies.values())
    client = Client(headers={"X-Forwarded-Proto": "https"})
    client.cookies["__Host-sessionid"] = key
    for path in ("/settings/", "/settings/security/", "/api/v1/account", "/api/v1/sessions"):
        answer = client.get(path, secure=True)
        assert answer.status_code == 200
        assert key not in answer.content.decode()


def test_demo_sets_cookies_that_plain_http_on_this_machine_keeps() -> None:
    client = Client()
    portal_password(client, make_user())

    assert set(client.cookies) >= {"sessionid"}
    assert not client.cookies["sessionid"]["secure"]


def directives_of(answer: Any) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in answer["Content-Security-Policy"].split(";")]
    return {name: value for name, _, value in parts}


PAGES = [LOGIN, "/settings/", "/", "/nothing-here", "/orders/"]


@pytest.mark.parametrize("path", PAGES)
def test_asvs_v3_4_3_policy_of_a_page_is_strict_and_its_nonce_is_new(path: str) -> None:
    client = Client() if path == LOGIN else signed_in()
    answers = [client.get(path) for _ in range(2)]
    nonces = []
    for answer in answers:
        policy = directives_of(answer)
        assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in answer["Content-Security-Policy"]
        found = re.fullmatch(r"'nonce-([A-Za-z0-9+/=]{22,})'", policy["script-src"])
        assert found
        nonces.append(found[1])
        tags = re.findall(r"<script\b[^>]*>", answer.content.decode())
        assert all(f'nonce="{found[1]}"' in tag for tag in tags)
        assert "<style" not in answer.content.decode()
        assert not re.search(r"\s(style|on[a-z]+)=", answer.content.decode())
    assert nonces[0] != nonces[1]


def test_asvs_v3_4_3_policy_of_the_desk_has_a_nonce_and_allows_this_origin_alone() -> None:
    answer = staff_browser(Role.COMPLIANCE_OFFICER).get("/admin/compliance/kycrecord/")

    assert answer.status_code == 200
    assert re.fullmatch(r"'nonce-\S+' 'self'", directives_of(answer)["script-src"])
    assert "unsafe" not in answer["Content-Security-Policy"]


def _fail(*_: object, **__: object) -> None:
    raise ZeroDivisionError


EVERYWHERE = [
    ("GET", "/livez", 200),
    ("GET", "/static/css/base.css", 200),
    ("GET", "/static/css/nothing.css", 404),
    ("GET", LOGIN, 200),
    ("GET", "/settings/", 302),
    ("GET", "/nothing", 404),
    ("TRACE", "/", 405),
    ("POST", REPORTS, 415),
    ("GET", "/api/v1/account", 401),
    ("GET", "/api/v1/nothing", 404),
    ("GET", "/metrics", 200),
    ("OPTIONS", "/api/v1/account", 401),
]


def _everywhere() -> list[Any]:
    answers = []
    for method, path, status in EVERYWHERE:
        answer = Client().generic(method, path)
        assert (method, path, answer.status_code) == (method, path, status)
        answer.getvalue()
        answers.append(answer)
    answers.append(Client().get("/", headers={"Host": "evil.example"}))
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    answers.append(Client().options("/api/v1/account", headers=preflight))
    answers.append(Client(enforce_csrf_checks=True).post(LOGIN))
    assert [answer.status_code for answer in answers[-3:]] == [400, 200, 403]
    return answers


def _failing(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    monkeypatch.setattr("apps.users.selectors.account_get", _fail)
    monkeypatch.setattr("django.shortcuts.render", _fail)
    monkeypatch.setattr("apps.portal.views.settings.render", _fail)
    client = signed_in(raise_request_exception=False)
    answers = [client.get("/api/v1/account"), client.get("/settings/")]
    assert [answer.status_code for answer in answers] == [500, 500]
    return answers


def test_asvs_v3_4_4_every_answer_forbids_guessing_its_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for answer in _everywhere() + _failing(monkeypatch):
        assert answer["X-Content-Type-Options"] == "nosniff", answer


def test_asvs_v3_4_5_every_answer_keeps_addresses_from_other_sites(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for answer in _everywhere() + _failing(monkeypatch):
        assert answer["Referrer-Policy"] == "same-origin", answer


def test_asvs_v3_4_6_every_answer_forbids_framing(monkeypatch: pytest.MonkeyPatch) -> None:
    for answer in _everywhere() + _failing(monkeypatch):
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"], answer


def test_asvs_v3_4_8_every_answer_has_windows_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for answer in _everywhere() + _failing(monkeypatch):
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin", answer
        assert answer["Cross-Origin-Resource-Policy"] == "same-origin", answer


OLD = {
    "csp-report": {
        "document-uri": "https://stratford.example/orders/?q=ada@b.example",
        "effective-directive": "script-src-elem",
        "blocked-uri": "https://evil.example/steal?from=ada@b.example",
        "script-sample": "alert('ada@b.example')",
    }
}
NEW = [
    {
        "type": "csp-violation",
        "age": 10,
        "url": "https://stratford.example/orders/",
        "body": {
            "documentURL": "https://stratford.example/orders/?q=ada@b.example",
            "effectiveDirective": "script-src-elem",
            "blockedURL": "https://evil.example/steal",
            "disposition": "enforce",
        },
    }
]


@pytest.mark.parametrize(
    ("kind", "report"), [("application/csp-report", OLD), ("application/reports+json", NEW)]
)
def test_asvs_v3_4_7_report_of_a_browser_is_taken_where_the_policy_says_and_logged(
    kind: str, report: Any, security_events: list[dict[str, Any]]
) -> None:
    page = Client().get(LOGIN)
    policy = directives_of(page)
    assert page["Reporting-Endpoints"] == f'{policy["report-to"]}="{policy["report-uri"]}"'

    answer = Client(enforce_csrf_checks=True).post(policy["report-uri"], json.dumps(report), kind)

    assert answer.status_code == 204
    assert len(security_events) == 1
    assert security_events[0] == {
        "event": "csp.violation",
        "user_id": None,
        "directive": "script-src-elem",
        "page": "orders/",
        "blocked": "https://evil.example",
    }


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b"{}", 415),
        ("application/csp-report", b"{", 400),
        ("application/csp-report", b"[]", 400),
        ("application/csp-report", b'{"csp-report": "text"}', 400),
        ("application/reports+json", b'[{"type": "csp-violation", "body": 3}, 4]', 400),
        ("application/reports+json", b"[" * 5000, 400),
        ("application/csp-report", b" " * 20_000, 413),
        ("application/csp-report", b'{"csp-report": {"blocked-uri": "http://[::1"}}', 204),
    ],
)
def test_report_that_is_hostile_is_bounded(kind: str, body: bytes, status: int) -> None:
    assert Client().post(REPORTS, body, kind).status_code == status


def test_reports_beyond_their_number_are_not_logged(security_events: list[dict[str, Any]]) -> None:
    Client().post(REPORTS, json.dumps(NEW * 30), "application/reports+json")

    assert len(security_events) == 10


def test_reports_from_one_address_are_limited(settings: Settings) -> None:
    settings.RATELIMIT_ENABLE = True
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reports": "2/m"}
    breaker("rate-limit").close()

    statuses = [
        Client().post(REPORTS, json.dumps(OLD), "application/csp-report").status_code
        for _ in range(3)
    ]

    assert statuses == [204, 204, 429]
