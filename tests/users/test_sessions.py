"""Sessions: one list, their limits, and everything that ends them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from apps.core.errors import NotFound
from apps.users.backends import SessionStore
from apps.users.domain import sessions as words
from apps.users.domain.roles import Role
from apps.users.models import ApiSession, PortalSession, User
from apps.users.services.second_factor import second_factor_remove
from apps.users.services.sessions import sessions_end
from apps.users.services.tokens import access_token_verify, api_session_open
from tests.users.factories import PASSWORD, api_client, make_user, totp_device
from tests.users.helpers import event_names, portal_sign_in, prove_second_factor

pytestmark = pytest.mark.django_db
SESSIONS = "/api/v1/sessions"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PAGE = "/settings/security/"
Later = Callable[[float], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Return a function that moves the clock of the application on by minutes."""
    real, passed = timezone.now, [0.0]

    def move(minutes: float) -> None:
        passed[0] += minutes

    def now() -> datetime:
        return real() + timedelta(minutes=passed[0])

    monkeypatch.setattr(timezone, "now", now)
    return move


def firefox_sign_in(user: User) -> Client:
    client = Client(headers={"user-agent": FIREFOX}, REMOTE_ADDR="81.2.69.160")
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    return client


def is_signed_in(client: Client) -> bool:
    return client.get(PAGE).status_code == 200


def test_list_has_portal_and_api_sessions_with_device_and_place() -> None:
    user = make_user()
    client = firefox_sign_in(user)
    api_session_open(user=user, methods=["pwd"], user_agent="curl/8.1", address="10.0.0.7")
    portal_sign_in(make_user())

    rows = {row["kind"]: row for row in client.get(SESSIONS).json()}

    assert len(rows) == 2
    portal, api = rows["PORTAL"], rows["API"]
    assert (portal["device"], portal["country"]) == ("Firefox on Linux", "GB")
    assert (portal["address"], portal["is_current"]) == ("81.2.69.160", True)
    assert portal["methods"] == ["pwd"]
    assert (api["device"], api["country"], api["is_current"]) == ("curl", "", False)
    page = client.get(reverse("portal:sessions")).content.decode()
    assert "Firefox on Linux" in page
    assert "United Kingdom" in page
    assert "This machine or network" in page


def test_list_and_table_hold_neither_keys_nor_addresses_in_clear() -> None:
    user = make_user()
    client = firefox_sign_in(user)
    key = client.cookies["sessionid"].value

    answers = client.get(SESSIONS).content + client.get(reverse("portal:sessions")).content

    assert key.encode() not in answers
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(s)::text FROM users_portalsession s")
        stored = " ".join(row[0] for row in cursor.fetchall())
    for text in (key, "81.2.69.160", "Firefox", user.email):
        assert text not in stored
        assert text.encode().hex() not in stored


def test_session_ended_by_its_owner_is_gone_and_others_are_not_found() -> None:
    user = make_user()
    here, there = portal_sign_in(user), firefox_sign_in(user)
    stranger = portal_sign_in(make_user())
    (target,) = [
        row["id"] for row in here.get(SESSIONS).json() if row["device"] != "Unknown device"
    ]

    assert stranger.delete(f"{SESSIONS}/{target}").status_code == 404
    assert stranger.post(reverse("portal:session_end", args=[target])).status_code == 404
    assert is_signed_in(there)
    assert here.post(reverse("portal:session_end", args=[target])).status_code == 302

    assert not is_signed_in(there)
    assert is_signed_in(here)
    assert here.delete(f"{SESSIONS}/{target}").status_code == 404
    assert event_names(user)[-1] == "users.session.ended"


@pytest.mark.parametrize("how", ["page", "api"])
def test_all_others_ended_keeps_the_one_that_asks(how: str) -> None:
    user = make_user()
    here, there = portal_sign_in(user), firefox_sign_in(user)
    pair = api_session_open(user=user, methods=["pwd"])

    if how == "page":
        here.post(reverse("portal:sessions_end_others"))
    else:
        assert here.delete(SESSIONS).json() == {"ended": 2}

    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert access_token_verify(pair.access) is None
    assert event_names(user).count("users.sessions.ended") == 1


def test_api_session_that_ends_all_others_goes_on() -> None:
    user = make_user()
    client, browser = api_client(user), portal_sign_in(user)
    assert client.delete(SESSIONS).json() == {"ended": 1}
    assert client.get(SESSIONS).status_code == 200
    assert not is_signed_in(browser)


@pytest.mark.parametrize(("role", "minutes"), [(Role.CLIENT, 30), (Role.OPERATIONS, 15)])
def test_asvs_v7_3_1_an_idle_session_ends(role: Role, minutes: int, later: Later) -> None:
    user = make_user(role, with_totp=True)
    client = portal_sign_in(user, totp_device(user))
    token = api_session_open(user=user, methods=["pwd", "otp"])
    later(minutes - 1)
    assert is_signed_in(client)
    assert access_token_verify(token.access) is not None
    later(minutes - 1)
    assert is_signed_in(client), "use keeps it alive"
    later(minutes + 1)
    assert not is_signed_in(client)
    assert access_token_verify(token.access) is None
    refresh = APIClient().post("/api/v1/auth/refresh", {"refresh": token.refresh}, format="json")
    assert refresh.status_code == 401


def test_asvs_v7_3_1_what_a_page_asks_by_itself_is_no_use(later: Later) -> None:
    client = portal_sign_in(make_user())
    later(20)
    assert client.get(PAGE, headers={"x-background": "1"}).status_code == 200
    later(11)
    assert client.get(PAGE, headers={"x-background": "1"}).status_code == 302


def test_asvs_v7_3_2_a_session_ends_however_much_it_is_used(later: Later) -> None:
    user = make_user()
    client, token = portal_sign_in(user), api_session_open(user=user, methods=["pwd"])
    for _ in range(28):
        later(25)
        assert is_signed_in(client)
        assert access_token_verify(token.access) is not None
    later(21)
    assert not is_signed_in(client)
    assert access_token_verify(token.access) is None


def test_asvs_v7_3_2_a_new_key_does_not_begin_a_new_life(later: Later) -> None:
    user = make_user()
    client = portal_sign_in(user)
    for minutes in (29, 29):
        later(minutes)
        assert is_signed_in(client)
    before = PortalSession.objects.get(user=user)
    change_password(client, PASSWORD, "quite another password")
    after = PortalSession.objects.get(user=user)
    assert bytes(after.key_hash) != bytes(before.key_hash)
    assert (after.pk, after.signed_in_at) == (before.pk, before.signed_in_at)


def change_password(client: Client, old: str, new: str) -> Any:
    form = {"oldpassword": old, "password1": new, "password2": new}
    return client.post(reverse("account_change_password"), form)


def test_asvs_v7_4_3_a_changed_password_ends_the_other_sessions() -> None:
    user = make_user()
    here, there = portal_sign_in(user), portal_sign_in(user)
    token = api_session_open(user=user, methods=["pwd"])
    change_password(here, PASSWORD, "quite another password")
    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert access_token_verify(token.access) is None
    assert PortalSession.objects.filter(user=user).count() == 1
    assert ApiSession.objects.get().revoked_at is not None


def test_asvs_v7_4_3_a_changed_second_factor_ends_the_other_sessions() -> None:
    user = make_user(with_totp=True)
    device = totp_device(user)
    here = portal_sign_in(user, device)
    there = Client()
    there.force_login(user)
    prove_second_factor(there, user)
    token = api_session_open(user=user, methods=["pwd", "otp"])
    assert is_signed_in(there)
    sessions_of_user = PortalSession.objects.filter(user=user)
    assert sessions_of_user.count() == 2

    second_factor_drop(here, user)

    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert access_token_verify(token.access) is None
    assert sessions_of_user.count() == 1


def second_factor_drop(client: Client, user: User) -> None:
    session = SessionStore(client.cookies["sessionid"].value)
    second_factor_remove(user=user, keep=session.public_id)


def test_request_under_way_cannot_bring_an_ended_session_back() -> None:
    user = make_user()
    client = portal_sign_in(user)
    under_way = SessionStore(client.cookies["sessionid"].value)
    under_way["step"] = 1
    sessions_end(actor=user, user_id=user.pk, reason="ASKED")
    with pytest.raises(SessionInterrupted):
        under_way.cycle_key()
    with pytest.raises(UpdateError):
        under_way.save()
    assert not PortalSession.objects.filter(user=user).exists()


def test_sessions_end_of_nobody_is_not_found() -> None:
    with pytest.raises(NotFound):
        sessions_end(actor=None, user_id=uuid4(), reason="ASKED")


def test_stolen_table_opens_no_session() -> None:
    user = make_user()
    portal_sign_in(user)
    row = PortalSession.objects.get(user=user)
    thief = Client()
    for key in (bytes(row.key_hash).hex(), str(row.pk)):
        thief.cookies["sessionid"] = key
        assert not is_signed_in(thief)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("81.2.69.160", "United Kingdom"),
        ("::ffff:81.2.69.160", "United Kingdom"),
        ("2a00:1450::1", "Ireland"),
        ("127.0.0.1", "This machine or network"),
        ("fd00::1", "This machine or network"),
        ("", "Unknown place"),
        ("nonsense", "Unknown place"),
    ],
)
def test_place_of_an_address(address: str, place: str) -> None:
    assert words.place_words(address) == place


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [(FIREFOX, "Firefox on Linux"), ("", "Unknown device"), ("x" * 5000, "Unknown device")],
)
def test_device_of_a_header(user_agent: str, device: str) -> None:
    assert words.device_words(user_agent) == device
