"""Codes of the app and recovery codes: once each, for 30 seconds, guessed by nobody."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.core.cache import cache
from django.core.cache.backends.redis import RedisCache
from django.db import connection
from django_otp.oath import TOTP
from rest_framework.test import APIClient

from apps.core.errors import Unavailable
from apps.users.models import RecoveryCode, TotpDevice, User
from apps.users.services import code_attempts
from apps.users.services.attempts import TooManyAttempts, address_remember
from apps.users.services.code_attempts import code_from_address, code_from_session
from apps.users.services.second_factor import (
    code_verify,
    recovery_codes_renew,
    totp_address,
    totp_secret,
)
from tests.users.factories import PASSWORD, api_client, make_user, totp_device
from tests.users.helpers import code_of, next_code_of

pytestmark = pytest.mark.django_db
RFC_KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B: "12345678901234567890"


def in_parallel(work: Any, count: int) -> list[Any]:
    barrier = Barrier(count)

    def run(_: int) -> Any:
        try:
            barrier.wait(30)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.parametrize(
    ("at", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")]
)
def test_code_of_the_app_is_that_of_the_rfc(
    monkeypatch: pytest.MonkeyPatch, at: int, code: str
) -> None:
    device = TotpDevice.objects.create(user=make_user(), name="app", secret=RFC_KEY)
    monkeypatch.setattr(time, "time", lambda: at)
    assert not device.verify_token("000000")
    assert device.verify_token(code)
    assert not device.verify_token(code)


@pytest.mark.parametrize(("later", "is_good"), [(0, True), (29, True), (30, False), (-1, False)])
def test_asvs_v6_5_5_code_of_the_app_lives_for_thirty_seconds(
    monkeypatch: pytest.MonkeyPatch, later: int, is_good: bool
) -> None:
    device = TotpDevice.objects.create(user=make_user(), name="app", secret=RFC_KEY)
    began = 1_800_000_000
    totp = TOTP(device.key)
    totp.time = began
    code = f"{totp.token():06d}"
    monkeypatch.setattr(time, "time", lambda: began + later)
    assert device.verify_token(code) is is_good


@pytest.mark.django_db(transaction=True)
def test_asvs_v6_5_1_code_of_the_app_works_once_also_in_parallel() -> None:
    user = make_user(with_totp=True)
    code = code_of(totp_device(user))

    found = in_parallel(lambda: code_verify(user=user, code=code), 6)

    assert sum(device is not None for device in found) == 1
    assert code_verify(user=user, code=code) is None


@pytest.mark.django_db(transaction=True)
def test_asvs_v6_5_1_recovery_code_works_once_also_in_parallel() -> None:
    user = make_user(with_totp=True)
    codes = recovery_codes_renew(user=user)

    found = in_parallel(lambda: code_verify(user=user, code=codes[3].upper()), 6)

    assert sum(device is not None for device in found) == 1
    assert RecoveryCode.objects.count() == 9
    assert code_verify(user=user, code=codes[3]) is None
    assert code_verify(user=user, code=codes[4].replace("-", " ")) is not None


def test_recovery_code_of_somebody_else_is_refused() -> None:
    codes = recovery_codes_renew(user=make_user(with_totp=True))
    other = make_user(with_totp=True)
    recovery_codes_renew(user=other)
    assert code_verify(user=other, code=codes[0]) is None
    assert RecoveryCode.objects.count() == 20


def test_secrets_are_not_readable_in_the_database() -> None:
    user = make_user(with_totp=True)
    device = totp_device(user)
    codes = recovery_codes_renew(user=user)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM users_totpdevice")
        rows = repr([bytes(c) if isinstance(c, memoryview) else c for c in cursor.fetchall()[0]])
        cursor.execute("SELECT * FROM users_recoverycode")
        rows += repr(cursor.fetchall())

    assert totp_secret(device) not in rows
    assert repr(device.key)[2:-1] not in rows
    assert not any(code in rows or code.replace("-", "") in rows for code in codes)


def test_address_for_the_qr_code_names_the_secret_and_the_issuer() -> None:
    device = totp_device(make_user(with_totp=True, email="a+b@example.com"))
    assert totp_address(device) == (
        f"otpauth://totp/Stratford%3Aa%2Bb%40example.com?secret={device.secret}"
        "&issuer=Stratford&algorithm=SHA1&digits=6&period=30"
    )


def guess(user: User, address: str) -> str:
    """Guess one code; return `wrong` or `stopped`."""
    try:
        assert code_from_address(user=user, code="000000", address=address) is None
    except TooManyAttempts:
        return "stopped"
    return "wrong"


def test_asvs_v6_6_3_code_guesses_are_limited_across_addresses() -> None:
    user = make_user(with_totp=True)

    outcomes = [guess(user, f"192.0.2.{n}") for n in range(40)]

    assert outcomes == ["wrong"] * 20 + ["stopped"] * 20
    with pytest.raises(TooManyAttempts):
        code_from_address(user=user, code=code_of(totp_device(user)), address="192.0.2.99")
    assert guess(make_user(with_totp=True), "192.0.2.1") == "wrong"


def test_asvs_v6_6_3_code_guesses_from_one_address_are_limited() -> None:
    user = make_user(with_totp=True)
    assert [guess(user, "192.0.2.1") for _ in range(7)] == ["wrong"] * 5 + ["stopped"] * 2


def test_code_guesses_from_one_ipv6_network_are_limited_where_it_is_known() -> None:
    user = make_user(with_totp=True)
    address_remember(user.email, "2001:db8::7")
    outcomes = [guess(user, f"2001:db8::{n:x}") for n in range(7)]
    assert outcomes == ["wrong"] * 5 + ["stopped"] * 2


def test_guesses_of_strangers_keep_nobody_out_of_their_own_account() -> None:
    user = make_user(with_totp=True)
    address_remember(user.email, "198.51.100.7")
    for n in range(40):
        guess(user, f"192.0.2.{n}")

    right = code_of(totp_device(user))
    assert code_from_address(user=user, code=right, address="198.51.100.7") is not None
    right = next_code_of(totp_device(user))
    assert code_from_session(user=user, code=right, session_name="mine") is not None


def test_guesses_of_the_day_are_limited_even_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    user = make_user(with_totp=True)
    now = int(time.time()) // 86400 * 86400
    outcomes = []
    for hour in range(4):
        monkeypatch.setattr(time, "time", lambda hour=hour: now + hour * 3600)
        outcomes += [guess(user, f"192.0.{hour}.{n}") for n in range(20)]
    assert outcomes.count("wrong") == 50


def test_guesses_in_many_sessions_are_limited_together() -> None:
    user = make_user(with_totp=True)

    def guess_in(session: str) -> None:
        assert code_from_session(user=user, code="000000", session_name=session) is None

    for n in range(20):
        guess_in(str(n))
    with pytest.raises(TooManyAttempts):
        guess_in("21")


def test_right_codes_do_not_count() -> None:
    user = make_user(with_totp=True)
    for _ in range(8):
        code = next_code_of(totp_device(user))
        assert code_from_session(user=user, code=code, session_name="s") is not None


def test_codes_without_a_counter_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    user = make_user(with_totp=True)
    nowhere = RedisCache("unix:///nowhere/valkey.sock", {})
    monkeypatch.setattr(code_attempts, "cache", nowhere)
    code = code_of(totp_device(user))
    with pytest.raises(Unavailable):
        code_from_session(user=user, code=code, session_name="s")
    monkeypatch.setattr(code_attempts, "cache", cache)
    assert code_from_session(user=user, code=code, session_name="s") is not None


def test_asvs_v6_6_3_every_way_in_counts_wrong_codes() -> None:
    user = make_user(with_totp=True)
    body = {"email": user.email, "password": PASSWORD, "otp": "000000"}

    def status(n: int) -> int:
        client = APIClient(REMOTE_ADDR=f"192.0.2.{n}")
        return int(client.post("/api/v1/auth/token", body, format="json").status_code)

    assert [status(n) for n in range(22)] == [401] * 20 + [429] * 2
    client = api_client(user)
    steps = [client.post("/api/v1/auth/step-up", {"otp": "000000"}, "json") for _ in range(7)]
    assert [answer.status_code for answer in steps] == [403] * 5 + [429] * 2
    assert steps[-1]["Retry-After"]
