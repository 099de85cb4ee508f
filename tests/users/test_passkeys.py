"""Passkeys: enrol, sign in and step up, and everything that a false one may try."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from apps.users.domain.roles import Role
from apps.users.models import Passkey, RecoveryCode, TotpDevice, User
from apps.users.selectors import portal_user_get
from apps.users.services.access import access_confirm, access_propose
from apps.users.services.passkeys import (
    passkey_enrol,
    passkey_enrol_options,
    passkey_prove_options,
    passkey_remove,
    passkey_verify,
)
from apps.users.services.second_factor import second_factor_remove, totp_provision
from apps.users.services.tokens import api_session_open
from tests.users.factories import PASSWORD, api_client, make_user, totp_device
from tests.users.helpers import (
    age_second_factor,
    code_of,
    event_names,
    portal_password,
    portal_sign_in,
)
from tests.users.soft_passkey import ORIGIN, PRESENT, VERIFIED, SoftPasskey

pytestmark = pytest.mark.django_db
SECURITY = "/settings/security/"
Session = Any


@pytest.fixture(autouse=True)
def _origin(settings: Settings) -> None:
    settings.WEBAUTHN_ORIGIN = ORIGIN


def no_session() -> Session:
    """Return what a session is to these commands: a mapping of its own."""
    return {}


def enrol(user: User, key: SoftPasskey, session: Session | None = None) -> Passkey:
    session = no_session() if session is None else session
    options = passkey_enrol_options(user=user, session=session)
    passkey, _ = passkey_enrol(
        user=user, session=session, credential=key.create(options), name="key"
    )
    return passkey


def prove(user: User, key: SoftPasskey, session: Session | None = None) -> Passkey | None:
    session = no_session() if session is None else session
    options = passkey_prove_options(user=user, session=session)
    assert options is not None
    return passkey_verify(user=user, session=session, credential=key.get(options))


def browser() -> Client:
    return Client(headers={"host": "localhost:8000"})


def options_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="passkey-options" type="application/json">(.*?)</script>', page)
    assert found
    options: dict[str, Any] = json.loads(found[1].replace("\\u003C", "<"))
    return options


def sign_in_with(user: User, key: SoftPasskey) -> Client:
    client = browser()
    portal_password(client, user)
    options = options_of(client.get(reverse("otp_login")).content.decode())
    client.post(reverse("otp_login"), {"credential": key.get(options)})
    return client


def test_options_name_this_site_its_user_and_the_keys_that_are_known() -> None:
    user = make_user()
    first = SoftPasskey()
    enrol(user, first)

    options = passkey_enrol_options(user=user, session=no_session())

    assert options["rp"] == {"name": "Stratford", "id": "localhost"}
    assert options["user"]["name"] == user.email
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert len(options["excludeCredentials"]) == 1
    assert passkey_prove_options(user=make_user(), session=no_session()) is None


def test_passkey_proves_with_a_rising_counter_and_refuses_a_copy() -> None:
    user = make_user()
    key = SoftPasskey(count=5)
    enrol(user, key)
    key.count = 6
    assert prove(user, key) is not None
    assert Passkey.objects.get().sign_count == 6
    assert prove(user, key) is None
    key.count = 4
    assert prove(user, key) is None


def test_challenge_works_once_in_its_own_session_for_its_own_user() -> None:
    user, session = make_user(), no_session()
    key = SoftPasskey()
    enrol(user, key, session)
    options = passkey_prove_options(user=user, session=session)
    assert options
    answer = key.get(options)
    copy = dict(session)
    assert passkey_verify(user=user, session=no_session(), credential=answer) is None
    assert passkey_verify(user=user, session=session, credential=answer)
    again: Session
    for again in (session, copy):
        assert passkey_verify(user=user, session=again, credential=answer) is None


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:8001"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
    ],
)
def test_passkey_of_another_site_or_without_its_user_is_refused(lie: dict[str, Any]) -> None:
    user, honest = make_user(), SoftPasskey()
    with pytest.raises(InvalidInput):
        enrol(user, SoftPasskey(**lie))
    assert not Passkey.objects.exists()
    enrol(user, honest)
    for name, value in lie.items():
        setattr(honest, name, value)
    assert prove(user, honest) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "nonsense",
        "[" * 9000,
        '{"id": "a", "rawId": 5}',
        '{"id": "\\ud800"}',
    ],
)
def test_answer_that_is_nonsense_is_refused(text: str) -> None:
    user, session = make_user(), no_session()
    enrol(user, SoftPasskey())
    passkey_prove_options(user=user, session=session)
    assert passkey_verify(user=user, session=session, credential=text) is None
    passkey_enrol_options(user=user, session=session)
    with pytest.raises(InvalidInput):
        passkey_enrol(user=user, session=session, credential=text, name="x")


def test_passkey_of_somebody_else_opens_nothing() -> None:
    victim, attacker = make_user(), make_user()
    mine, theirs = SoftPasskey(), SoftPasskey()
    enrol(victim, theirs)
    enrol(attacker, mine)
    assert prove(victim, mine) is None
    with pytest.raises(Conflict):
        enrol(attacker, SoftPasskey(id=theirs.id))


def test_first_passkey_brings_recovery_codes_and_ends_other_sessions() -> None:
    user = make_user()
    token = api_session_open(user=user, methods=["pwd"])
    client = browser()
    portal_password(client, user)
    other = portal_sign_in(user)
    options = options_of(client.get(SECURITY).content.decode())
    form = {
        "action": "passkey_add",
        "name": "My <key>",
        "credential": SoftPasskey().create(options),
    }
    page = client.post(SECURITY, form).content.decode()

    assert len(re.findall(r"<li><code>", page)) == 10
    assert "My &lt;key&gt;" in page
    assert client.get(SECURITY).status_code == 200
    assert other.get(SECURITY).status_code == 302
    api = APIClient(headers={"Authorization": f"Bearer {token.access}"})
    assert api.get("/api/v1/account").status_code == 401
    assert "users.second_factor.changed" in event_names(user)


def test_passkey_signs_in_and_is_demanded_from_then_on() -> None:
    user, key = make_user(), SoftPasskey()
    enrol(user, key)
    half = browser()
    assert portal_password(half, user)["Location"] == reverse("otp_login")
    assert half.get(SECURITY).status_code == 302
    bad = half.post(reverse("otp_login"), {"credential": "{}"})
    assert bad.status_code == 400
    client = sign_in_with(user, key)
    assert client.get(SECURITY).status_code == 200
    assert portal_user_get(client.session) == user
    refused = APIClient().post(
        "/api/v1/auth/token", {"email": user.email, "password": PASSWORD}, format="json"
    )
    assert refused.json()["code"] == "second_factor_required"


def test_passkey_steps_up_and_the_form_goes_on() -> None:
    user, key = make_user(), SoftPasskey()
    enrol(user, key)
    client = sign_in_with(user, key)
    age_second_factor(client)
    asked = client.post(SECURITY, {"action": "renew"})
    assert asked.status_code == 403
    form = {
        "step_up_next": SECURITY,
        "step_up_resumes": "True",
        "step_up_credential": key.get(options_of(asked.content.decode())),
        "action": "renew",
    }
    bad = client.post(reverse("step_up_confirm"), {**form, "step_up_credential": "{}"})
    assert bad.status_code == 400
    asked = client.post(SECURITY, {"action": "renew"})
    form["step_up_credential"] = key.get(options_of(asked.content.decode()))
    page = client.post(reverse("step_up_confirm"), form, follow=True)
    assert page.redirect_chain == [(SECURITY, 307)]
    assert page.content.decode().count("<li><code>") == 10


def test_asvs_v7_5_1_passkey_is_added_and_removed_only_with_a_fresh_second_factor() -> None:
    user = make_user(with_totp=True)
    passkey = enrol(user, SoftPasskey())
    client = portal_sign_in(user, totp_device(user))
    age_second_factor(client)
    for form in (
        {"action": "passkey_add", "name": "x", "credential": "{}"},
        {"action": "passkey_remove", "passkey": str(passkey.pk)},
    ):
        assert client.post(SECURITY, form).status_code == 403
    assert Passkey.objects.count() == 1


def test_passkey_removal_leaves_others_alone_and_takes_the_codes_with_the_last() -> None:
    user = make_user()
    passkey = enrol(user, SoftPasskey())
    with pytest.raises(NotFound):
        passkey_remove(user=make_user(), passkey_id=passkey.pk)
    assert RecoveryCode.objects.count() == 10
    passkey_remove(user=user, passkey_id=passkey.pk)
    assert not Passkey.objects.exists()
    assert not RecoveryCode.objects.exists()


def test_staff_keep_one_factor_whichever_it_is() -> None:
    user = make_user(Role.OPERATIONS)
    passkey = enrol(user, SoftPasskey())
    with pytest.raises(NotPermitted):
        passkey_remove(user=user, passkey_id=passkey.pk)
    totp_provision(user=user)
    second_factor_remove(user=user)
    assert not TotpDevice.objects.exists()
    with pytest.raises(NotPermitted):
        second_factor_remove(user=make_user(Role.OPERATIONS, with_totp=True))


def test_asvs_v6_3_3_staff_of_a_firm_that_demands_passkeys_get_nowhere_by_codes(
    settings: Settings,
) -> None:
    settings.STAFF_NEED_PASSKEY = True
    user = make_user(Role.AUDITOR, with_totp=True)
    device = totp_device(user)
    token = api_client(user)

    body = {"email": user.email, "password": PASSWORD, "otp": code_of(device)}
    signed_in = APIClient().post("/api/v1/auth/token", body, format="json")
    assert (signed_in.status_code, signed_in.json()["code"]) == (401, "passkey_required")
    assert token.get("/api/v1/account").json()["code"] == "passkey_required"
    client = browser()
    portal_password(client, user)
    client.post(reverse("otp_login"), {"code": code_of(device)})
    assert client.get("/")["Location"] == reverse("security")
    assert client.get("/admin/")["Location"] == reverse("security")
    assert client.get("/api/v1/account").status_code == 401
    assert portal_user_get(client.session) is None

    key = SoftPasskey()
    options = options_of(client.get(SECURITY).content.decode())
    form = {"action": "passkey_add", "name": "key", "credential": key.create(options)}
    assert client.post(SECURITY, form).status_code == 200
    assert client.get("/admin/").status_code == 200
    late = browser()
    portal_password(late, user)
    TotpDevice.objects.update(last_step=-1)
    assert late.post(reverse("otp_login"), {"code": code_of(device)}).status_code == 400
    assert sign_in_with(user, key).get("/admin/").status_code == 200


def test_asvs_v6_3_3_staff_without_any_second_factor_get_nowhere() -> None:
    user = make_user(Role.OPERATIONS)
    client = portal_sign_in(user)
    assert client.get("/admin/")["Location"] == reverse("security")
    assert client.get("/api/v1/account").status_code == 401
    assert portal_user_get(client.session) is None


def test_reset_by_two_administrators_takes_passkeys_too() -> None:
    first, second = (make_user(Role.ADMINISTRATOR, with_totp=True) for _ in range(2))
    user = make_user()
    enrol(user, SoftPasskey())
    change = access_propose(
        actor=first, user_id=user.pk, kind="RESET_SECOND_FACTOR", role="", reason="Lost the key."
    )
    access_confirm(actor=second, change_id=change.pk)
    assert not Passkey.objects.exists()
    assert not RecoveryCode.objects.exists()


def test_page_at_another_address_says_where_passkeys_work() -> None:
    user = make_user()
    page = portal_sign_in(user).get(SECURITY).content.decode()
    assert f"{ORIGIN}{SECURITY}" in page
    assert "data-passkey" not in page
