"""Who is asking, when the request itself claims to know."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from apps.infrastructure.access import is_local
from apps.infrastructure.proxies import CLAIMS, client_address, trusted_proxies
from apps.infrastructure.resilience import breaker

PROXIES = ["10.0.0.0/8", "fd00::/8"]


@pytest.fixture(autouse=True)
def _proxies(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = PROXIES
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def passed(peer: str, **headers: str) -> HttpRequest:
    """Return the request as the parts behind the middleware see it."""
    seen: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse()

    meta: dict[str, Any] = {f"HTTP_{name}": value for name, value in headers.items()}
    trusted_proxies(view)(RequestFactory().get("/", REMOTE_ADDR=peer, **meta))
    return seen[0]


@pytest.mark.parametrize(
    ("peer", "header", "client"),
    [
        ("203.0.113.9", "6.6.6.6", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7, 10.9.9.9", "198.51.100.7"),
        ("10.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("10.0.0.1", "6.6.6.6, rubbish", "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6, rubbish, 10.3.3.3", "10.3.3.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("fd00::1", "2001:db8::5", "2001:db8::5"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"),
        ("", "6.6.6.6", ""),
        ("10.0.0.1", ",".join(["10.0.0.2"] * 5000), "10.0.0.2"),
    ],
)
def test_asvs_v15_3_4_client_is_the_last_address_that_no_proxy_of_ours_has(
    peer: str, header: str, client: str
) -> None:
    assert client_address(peer, header) == client


@pytest.mark.parametrize("claim", sorted(CLAIMS))
@pytest.mark.parametrize("peer", ["203.0.113.9", "10.0.0.1"])
def test_asvs_v4_1_3_claims_of_a_client_reach_nobody(peer: str, claim: str) -> None:
    request = passed(peer, **{claim.removeprefix("HTTP_"): "6.6.6.6"})

    assert "6.6.6.6" not in str(dict(request.headers))
    believed = claim == "HTTP_X_FORWARDED_FOR" and peer == "10.0.0.1"
    assert request.META["REMOTE_ADDR"] == ("6.6.6.6" if believed else peer)
    assert not is_local(request)


def test_asvs_v4_1_3_tls_is_believed_from_a_trusted_proxy_only() -> None:
    assert passed("10.0.0.1", X_FORWARDED_PROTO="https").is_secure()
    assert not passed("203.0.113.9", X_FORWARDED_PROTO="https").is_secure()


def test_local_is_who_asks_from_here_without_a_proxy() -> None:
    assert is_local(passed("127.0.0.1"))
    assert not is_local(passed("127.0.0.1", X_FORWARDED_FOR="127.0.0.1"))
    assert not is_local(passed("10.0.0.1", X_FORWARDED_FOR="127.0.0.1"))
    assert not is_local(RequestFactory().get("/")), "nobody looked at its headers"


def test_asvs_v15_3_4_rotating_the_forwarded_address_escapes_no_limit(settings: Settings) -> None:
    settings.RATELIMIT_ENABLE = True
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "sign-in": "3/m"}
    breaker("rate-limit").close()
    client = Client(REMOTE_ADDR="203.0.113.9")

    statuses = [
        client.post(
            "/api/v1/auth/token",
            "{}",
            "application/json",
            headers={"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": f"6.6.6.{number}"},
        ).status_code
        for number in range(5)
    ]

    assert statuses == [400, 400, 400, 429, 429]


def test_clients_behind_a_trusted_proxy_have_limits_of_their_own(settings: Settings) -> None:
    settings.RATELIMIT_ENABLE = True
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "sign-in": "1/m"}
    breaker("rate-limit").close()
    client = Client(REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_PROTO="https")

    def ask(address: str) -> int:
        headers = {"X-Forwarded-For": f"6.6.6.6, {address}"}
        answer = client.post("/api/v1/auth/token", "{}", "application/json", headers=headers)
        return answer.status_code

    assert [ask(f"198.51.100.{number}") for number in (1, 2, 1)] == [400, 400, 429]
