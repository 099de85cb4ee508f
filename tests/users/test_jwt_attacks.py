"""Forged, foreign and stale tokens at the API's door."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.utils import timezone
from prometheus_client import REGISTRY
from rest_framework.test import APIClient

from apps.users.models import ApiSession, RefreshToken
from apps.users.services import tokens
from apps.users.services.ws_tokens import ws_token_issue
from tests.users.factories import make_user
from tests.users.helpers import event_names

pytestmark = pytest.mark.django_db


@pytest.fixture
def access() -> str:
    return tokens.api_session_open(user=make_user(), methods=["pwd"]).access


def key() -> bytes:
    return tokens._signing_key(settings.JWT_SIGNING_KEY)


def claims(access: str, **changes: Any) -> dict[str, Any]:
    return {**jwt.decode(access, options={"verify_signature": False}), **changes}


def status_of(token: str) -> int:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    answer = client.get("/api/v1/account")
    if answer.status_code == 401:
        assert answer.json()["code"] == "invalid_token"
        assert answer["WWW-Authenticate"].startswith("Bearer")
    return answer.status_code


def part(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def test_good_token_opens(access: str) -> None:
    assert status_of(access) == 200
    assert status_of(jwt.encode(claims(access), key(), "HS256")) == 200


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", "HS384", "RS256"])
def test_token_of_another_algorithm_is_refused(access: str, algorithm: str) -> None:
    body = access.split(".")
    head = part({"alg": algorithm, "typ": "JWT"})
    for signature in ("", body[2]):
        assert status_of(f"{head}.{body[1]}.{signature}") == 401


def test_token_signed_with_a_public_key_or_a_key_it_brings_is_refused(access: str) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    foreign = b"k" * 32
    own_jwk = {"kty": "oct", "k": part(foreign), "alg": "HS256"}
    assert status_of(jwt.encode(claims(access), private, "RS256")) == 401
    for secret in (foreign, public[:64], settings.JWT_SIGNING_KEY.encode(), b"\0" * 32):
        for header in ({}, {"jwk": own_jwk}, {"x5c": ["MIIB"]}):
            assert status_of(jwt.encode(claims(access), secret, "HS256", headers=header)) == 401


@pytest.mark.parametrize(
    "header",
    [
        *({"kid": "../../dev/null"}, {"kid": "' UNION SELECT 'x"}, {"kid": "/etc/hostname"}),
        *({"jku": "http://127.0.0.1:1/jwks.json"}, {"x5u": "http://127.0.0.1:1/"}),
        {"crit": ["b64"], "b64": False},
    ],
)
def test_header_that_names_a_key_or_an_address_changes_nothing(
    access: str, header: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("an address was called")

    monkeypatch.setattr("urllib.request.urlopen", never)
    for secret in (b"", b"\n", b"x" * 32):
        head, body = part({"alg": "HS256", **header}), access.split(".")[1]
        signed = f"{head}.{body}"
        mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
        signature = part(mac.sign(signed.encode(), secret or b"\0"))
        assert status_of(f"{signed}.{signature}") == 401


@pytest.mark.parametrize(
    "change",
    [
        *({"exp": 1}, {"exp": int(time.time()) - 1}, {"exp": "soon"}, {"exp": None}),
        *({"nbf": int(time.time()) + 86_400}, {"iat": int(time.time()) + 86_400}, {"sid": "x"}),
        *({"iss": "https://evil.example"}, {"iss": ""}, {"sub": "00000000-0000-0000-0000-0"}),
    ],
)
def test_claim_that_is_not_ours_is_refused(access: str, change: dict[str, Any]) -> None:
    assert status_of(jwt.encode(claims(access, **change), key(), "HS256")) == 401


@pytest.mark.parametrize("audience", ["", "other", ["other"], None, {"a": 1}, "stratford-api2"])
def test_asvs_v9_2_3_token_for_another_audience_is_refused(access: str, audience: Any) -> None:
    assert status_of(jwt.encode(claims(access, aud=audience), key(), "HS256")) == 401


@pytest.mark.parametrize("kind", ["refresh", "id", "ws", "password-reset", "", None, ["access"]])
def test_asvs_v9_2_2_signed_token_of_another_type_is_no_access_token(
    access: str, kind: Any
) -> None:
    assert status_of(jwt.encode(claims(access, typ=kind), key(), "HS256")) == 401


def test_asvs_v9_2_2_refresh_reset_and_websocket_tokens_are_no_access_tokens() -> None:
    user = make_user()
    pair = tokens.api_session_open(user=user, methods=["pwd"])
    others = (pair.refresh, ws_token_issue(user), default_token_generator.make_token(user))
    assert [status_of(text) for text in others] == [401, 401, 401]
    assert tokens.api_session_refresh(refresh=pair.access) is None


def test_truncated_huge_and_mangled_tokens_are_refused(access: str) -> None:
    head, body, signature = access.split(".")
    texts = [
        *(access[:-1], access[:20], head, f"{head}.{body}", f"{head}.{body}.", ".", "..", "..."),
        *(f"{head}..{signature}", f"{access}.{signature}", f"{head}.{part(b'[]')}.{signature}"),
        *("A" * 60_000, f"{head}.{'A' * 60_000}.{signature}", part(b"{" * 5000) + "." + body + "."),
    ]
    assert {status_of(text) for text in texts} == {401}


def test_asvs_v10_4_8_refresh_chain_has_an_absolute_end() -> None:
    pair = tokens.api_session_open(user=make_user(), methods=["pwd"])
    session = ApiSession.objects.get()
    end = session.expires_at
    for _ in range(3):
        renewed = tokens.api_session_refresh(refresh=pair.refresh)
        assert renewed is not None
        pair = renewed
        session.refresh_from_db()
        assert session.expires_at == end, "a refresh moves nothing"
    ApiSession.objects.update(expires_at=timezone.now())
    assert tokens.api_session_refresh(refresh=pair.refresh) is None
    assert status_of(pair.access) == 401


def test_asvs_v11_5_1_refresh_and_websocket_tokens_hold_256_random_bits() -> None:
    user = make_user()
    pair = tokens.api_session_open(user=user, methods=["pwd"])
    for text in (pair.refresh, ws_token_issue(user)):
        assert len(base64.urlsafe_b64decode(text + "=")) == 32
    assert pair.refresh.encode() not in bytes(RefreshToken.objects.get().token_hash)


def test_refresh_token_used_twice_ends_the_family_and_alerts() -> None:
    user = make_user()
    first = tokens.api_session_open(user=user, methods=["pwd"])
    second = tokens.api_session_refresh(refresh=first.refresh)
    assert second is not None
    name, labels = "security_events_total", {"event": "token.reused"}
    before = REGISTRY.get_sample_value(name, labels) or 0

    assert tokens.api_session_refresh(refresh=first.refresh) is None

    assert status_of(second.access) == 401
    assert tokens.api_session_refresh(refresh=second.refresh) is None
    assert event_names(user).count("users.refresh_token.reused") == 1
    assert REGISTRY.get_sample_value(name, labels) == before + 1
