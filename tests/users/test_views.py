"""The sign-in pages and the security settings, as a browser uses them."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.infrastructure.security_log import security_events_total
from apps.users.domain.roles import Role
from apps.users.models import RecoveryCode, TotpDevice, User
from apps.users.services.accounts import password_set
from apps.users.services.second_factor import recovery_codes_renew
from apps.users.services.tokens import access_token_verify, api_session_open
from tests.users.factories import PASSWORD, make_user, totp_device
from tests.users.helpers import (
    age_second_factor,
    code_of,
    event_names,
    portal_password,
    portal_sign_in,
)

pytestmark = pytest.mark.django_db
DASHBOARD = "/settings/security/"


def test_sign_up_with_a_confirmed_address_leads_to_enrolment() -> None:
    client = Client()
    form = {"email": "New.Person@Example.com", "password1": PASSWORD, "password2": PASSWORD}
    answer = client.post(reverse("account_signup"), form)
    assert answer["Location"] == reverse("account_email_verification_sent")
    assert client.get(answer["Location"]).status_code == 200
    user = User.objects.get(email="new.person@example.com")
    assert user.has_role(Role.CLIENT)
    assert not user.is_staff
    event = AuditEvent.objects.get(name="users.user.registered")
    assert event.payload == {"user_id": str(user.pk), "roles": ["CLIENT"]}
    assert portal_password(client, user)["Location"] == reverse("account_email_verification_sent")
    link = re.search(r"http://testserver(/accounts/confirm-email/\S+)", str(mail.outbox[0].body))
    assert link
    assert "Confirm" in client.get(link[1]).content.decode()
    assert client.post(link[1]).status_code == 302
    answer = portal_password(client, user)
    assert answer["Location"] == reverse("security")
    assert "Set up an authenticator app" in client.get(answer["Location"]).content.decode()
    assert "new.person" not in str(list(AuditEvent.objects.values_list("payload", flat=True)))


def test_sign_up_with_a_taken_address_looks_the_same_and_changes_nothing() -> None:
    user = make_user()
    before = AuditEvent.objects.count()
    form = {"email": user.email.upper(), "password1": PASSWORD + "!", "password2": PASSWORD + "!"}
    answer = Client().post(reverse("account_signup"), form)
    assert answer["Location"] == reverse("account_email_verification_sent")
    assert User.objects.count() == 1
    assert AuditEvent.objects.count() == before
    assert "has one already" in str(mail.outbox[0].body)


@pytest.mark.django_db(transaction=True)
def test_sign_up_twice_at_once_makes_one_user() -> None:
    form = {"email": "a@example.com", "password1": PASSWORD, "password2": PASSWORD}
    barrier = Barrier(4)

    def sign_up(_: int) -> str:
        browser = Client()
        browser.get(reverse("account_signup"))
        barrier.wait(30)
        try:
            return browser.post(reverse("account_signup"), form)["Location"]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(sign_up, range(4)))
    assert set(answers) == {reverse("account_email_verification_sent")}
    assert User.objects.count() == 1


@pytest.mark.parametrize("password", ["short", "password1234", "x" * 129])
def test_sign_up_with_a_bad_password_is_refused(password: str) -> None:
    form = {"email": "a@example.com", "password1": password, "password2": password}
    answer = Client().post(reverse("account_signup"), form)
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert not User.objects.exists()


def test_password_alone_opens_nothing_for_a_user_with_a_device() -> None:
    user = make_user(with_totp=True)
    client = Client()
    assert portal_password(client, user)["Location"] == reverse("otp_login")
    assert client.get(DASHBOARD)["Location"].startswith(reverse("account_login"))
    assert client.get("/admin/").status_code == 302
    assert client.get("/api/v1/account").status_code == 401
    assert client.post("/api/v1/ws-tokens").status_code == 401
    assert "users.sign_in.succeeded" not in event_names(user)


def test_right_code_opens_the_session_and_works_once() -> None:
    user = make_user(with_totp=True)
    client = Client()
    portal_password(client, user)
    code = code_of(totp_device(user))
    assert client.get(reverse("otp_login")).status_code == 200
    assert client.post(reverse("otp_login"), {"code": code})["Location"] == "/"
    assert client.get(DASHBOARD).status_code == 200
    assert client.get("/api/v1/account").json()["has_second_factor"] is True
    assert event_names(user)[-1] == "users.sign_in.succeeded"
    other = Client()
    portal_password(other, user)
    assert other.post(reverse("otp_login"), {"code": code}).status_code == 400
    assert other.get(DASHBOARD).status_code == 302


@pytest.mark.parametrize("how", ["password", "disabled"])
def test_code_after_a_password_that_counts_no_more_opens_nothing(how: str) -> None:
    user = make_user(with_totp=True)
    client = Client()
    portal_password(client, user)
    if how == "password":
        password_set(user=user, password="quite another long password")
    else:
        User.objects.filter(pk=user.pk).update(is_active=False)

    answer = client.post(reverse("otp_login"), {"code": code_of(totp_device(user))})

    assert answer["Location"] == reverse("account_login")
    assert client.get(reverse("otp_login"))["Location"] == reverse("account_login")
    assert client.get(DASHBOARD).status_code == 302
    assert "users.sign_in.succeeded" not in event_names(user)
    assert totp_device(user).last_step == -1


@pytest.mark.parametrize("page", ["account_login", "otp_login", "step_up_confirm"])
def test_too_many_attempts_on_a_page_are_written_down(page: str) -> None:
    user = make_user(with_totp=True)
    device = totp_device(user)
    client = portal_sign_in(user, device) if page == "step_up_confirm" else Client()
    if page == "otp_login":
        portal_password(client, user)
    form = {"login": user.email, "password": "not it", "code": "000000", "step_up_code": "000000"}
    counter = security_events_total.labels("throttled")
    for _ in range(5):
        client.post(reverse(page), form)
    before = counter._value.get()

    assert "Too many attempts" in client.post(reverse(page), form).content.decode()

    assert counter._value.get() == before + 1


@pytest.mark.parametrize(
    "code", ["000000", "", "nonsense", "\uff11\uff12\uff13\uff14\uff15\uff16", "9" * 40, "\x00"]
)
def test_wrong_code_is_refused(code: str) -> None:
    user = make_user(with_totp=True)
    client = Client()
    portal_password(client, user)
    answer = client.post(reverse("otp_login"), {"code": code})
    assert answer.status_code == 400
    assert "aria-describedby" in answer.content.decode()
    assert client.get(DASHBOARD).status_code == 302


def test_code_page_without_a_password_leads_to_sign_in() -> None:
    assert Client().get(reverse("otp_login"))["Location"] == reverse("account_login")


@pytest.mark.parametrize("email", ["", "nobody@example.com"])
def test_wrong_password_and_unknown_address_read_the_same(email: str) -> None:
    user = make_user()
    answer = Client().post(
        reverse("account_login"), {"login": email or user.email, "password": "not the password"}
    )
    assert answer.status_code == 200
    assert "are not correct" in answer.content.decode()
    event = AuditEvent.objects.get(name="users.sign_in.failed")
    assert event.payload["reason"] == "credentials"
    assert "@" not in str(event.payload)
    assert "@" not in event.stream


def test_deactivated_user_reads_as_a_wrong_password() -> None:
    answer = portal_password(Client(), make_user(is_active=False))
    assert "are not correct" in answer.content.decode()


def test_sixth_attempt_waits_but_other_addresses_do_not() -> None:
    user = make_user()
    client = Client()
    for _ in range(5):
        portal_password(client, user, "not the password")
    assert "Too many attempts" in portal_password(client, user).content.decode()
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert portal_password(elsewhere, user).status_code == 302


def test_enrolment_shows_a_secret_and_codes_and_ends_other_sessions() -> None:
    user = make_user()
    other, client = portal_sign_in(user), portal_sign_in(user)
    token = api_session_open(user=user, methods=["pwd"])
    client.post(DASHBOARD, {"action": "begin"})
    pending = TotpDevice.objects.get(user=user)
    page = client.get(DASHBOARD).content.decode()
    assert "data:image/svg+xml" in page
    assert not pending.confirmed
    assert client.post(DASHBOARD, {"action": "confirm", "code": "000000"}).status_code == 400
    assert client.post(DASHBOARD, {"action": "confirm", "code": ""}).status_code == 400
    answer = client.post(DASHBOARD, {"action": "confirm", "code": code_of(pending)})
    codes = re.findall(r"<code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>", answer.content.decode())
    assert len(codes) == 10
    assert not set(codes) & set(RecoveryCode.objects.values_list("code_hash", flat=True))
    assert "never_cache" not in answer.headers
    assert "no-store" in answer.headers["Cache-Control"]
    assert client.get(DASHBOARD).status_code == 200
    assert other.get(DASHBOARD)["Location"].startswith(reverse("account_login"))
    assert access_token_verify(token.access) is None
    assert "users.second_factor.changed" in event_names(user)
    # A recovery code opens one session, once.
    lost = Client()
    portal_password(lost, user)
    assert lost.post(reverse("otp_login"), {"code": codes[0].upper()}).status_code == 302
    assert lost.get(DASHBOARD).status_code == 200
    again = Client()
    portal_password(again, user)
    assert again.post(reverse("otp_login"), {"code": codes[0]}).status_code == 400


def test_enrolment_without_a_secret_is_refused() -> None:
    client = portal_sign_in(make_user())
    answer = client.post(DASHBOARD, {"action": "confirm", "code": "123456"}, follow=True)
    assert "begin again" in answer.content.decode()
    assert not TotpDevice.objects.exists()


def test_enrolment_is_cancelled_by_the_user() -> None:
    client = portal_sign_in(make_user())
    client.post(DASHBOARD, {"action": "begin"})
    client.post(DASHBOARD, {"action": "cancel"})
    assert not TotpDevice.objects.exists()


@pytest.mark.parametrize("action", ["begin", "renew", "remove", "confirm"])
def test_asvs_v7_5_1_change_of_the_second_factor_needs_a_fresh_code(action: str) -> None:
    user = make_user(with_totp=True)
    device = totp_device(user)
    client = portal_sign_in(user, device)
    age_second_factor(client)
    events = event_names(user)
    page = client.post(DASHBOARD, {"action": action, "code": code_of(device)})
    assert page.status_code == 403
    assert f'name="action" value="{action}"' in page.content.decode()
    assert TotpDevice.objects.get(user=user).secret == device.secret
    assert event_names(user) == events


def test_replacement_drops_the_former_device() -> None:
    user = make_user(with_totp=True)
    former = totp_device(user)
    client = portal_sign_in(user, former)
    client.post(DASHBOARD, {"action": "begin"})
    pending = TotpDevice.objects.get(user=user, confirmed=False)
    client.post(DASHBOARD, {"action": "confirm", "code": code_of(pending)})
    assert TotpDevice.objects.get(user=user).pk == pending.pk
    assert client.get(DASHBOARD).status_code == 200


def test_secret_that_waits_is_shown_and_confirmed_in_its_own_session_only() -> None:
    user = make_user()
    thief, owner = portal_sign_in(user), portal_sign_in(user)
    owner.post(DASHBOARD, {"action": "begin"})
    pending = TotpDevice.objects.get(user=user)
    assert pending.secret in owner.get(DASHBOARD).content.decode()
    assert pending.secret not in thief.get(DASHBOARD).content.decode()
    answer = thief.post(DASHBOARD, {"action": "confirm", "code": code_of(pending)}, follow=True)
    assert "begin again" in answer.content.decode()
    pending.refresh_from_db()
    assert not pending.confirmed


def test_new_recovery_codes_are_shown_once_and_can_be_downloaded() -> None:
    user = make_user(with_totp=True)
    client = portal_sign_in(user, totp_device(user))
    page = client.post(DASHBOARD, {"action": "renew"}).content.decode()
    codes = re.findall(r"<li><code>([^<]+)</code>", page)
    assert len(codes) == 10
    assert f'href="data:text/plain;charset=utf-8,{codes[0]}%0A' in page
    assert RecoveryCode.objects.count() == 10
    again = client.get(DASHBOARD).content.decode()
    assert "<li><code>" not in again
    assert "10 recovery codes left" in again


def test_session_opened_by_a_recovery_code_outlives_the_renewal_of_the_codes() -> None:
    user = make_user(with_totp=True)
    (code, *_) = recovery_codes_renew(user=user)
    client, other = Client(), Client()
    for browser in (client, other):
        portal_password(browser, user)
    client.post(reverse("otp_login"), {"code": code})
    assert client.post(DASHBOARD, {"action": "renew"}).status_code == 200
    assert client.get(DASHBOARD).status_code == 200
    other.post(reverse("otp_login"), {"code": code})
    assert other.get(DASHBOARD).status_code == 302


def test_client_removes_the_second_factor() -> None:
    user = make_user(with_totp=True)
    client = portal_sign_in(user, totp_device(user))
    client.post(DASHBOARD, {"action": "remove"})
    assert not TotpDevice.objects.exists()
    assert client.get(DASHBOARD).status_code == 200


def test_staff_cannot_remove_the_second_factor() -> None:
    user = make_user(Role.OPERATIONS, with_totp=True)
    device = totp_device(user)
    client = portal_sign_in(user, device)
    assert "Remove the second factor" not in client.get(DASHBOARD).content.decode()
    client.post(DASHBOARD, {"action": "remove"})
    assert TotpDevice.objects.filter(pk=device.pk).exists()


def test_staff_without_a_device_reach_only_the_page_that_enrols_one() -> None:
    client = portal_sign_in(make_user(Role.AUDITOR))
    assert client.get("/")["Location"] == reverse("security")
    assert client.get("/admin/")["Location"] == reverse("security")
    assert client.get("/api/v1/account").status_code == 401
    assert client.get(DASHBOARD).status_code == 200
    assert client.get(reverse("account_logout")).status_code == 200


def test_unknown_action_is_refused() -> None:
    client = portal_sign_in(make_user())
    assert client.post(DASHBOARD, {"action": "whatever"}).status_code == 400


def test_password_reset_by_mail_ends_sessions_and_tokens() -> None:
    user = make_user()
    old = portal_sign_in(user)
    token = api_session_open(user=user, methods=["pwd"])
    client = Client()
    answer = client.post(reverse("account_reset_password"), {"email": user.email})
    assert client.get(answer["Location"]).status_code == 200
    link = re.search(
        r"http://testserver(/accounts/password/reset/key/\S+)", str(mail.outbox[0].body)
    )
    assert link
    form_url = client.get(link[1])["Location"]
    assert client.get(form_url).status_code == 200
    new = "quite another password"
    answer = client.post(form_url, {"password1": new, "password2": new}, follow=True)
    assert "Your password is changed" in answer.content.decode()
    assert old.get(DASHBOARD).status_code == 302
    assert access_token_verify(token.access) is None
    assert "users.password.changed" in event_names(user)
    assert portal_password(Client(), user, new).status_code == 302
    assert "was used already" in client.get(link[1], follow=True).content.decode()


def test_password_reset_for_an_unknown_address_looks_the_same() -> None:
    answer = Client().post(reverse("account_reset_password"), {"email": "nobody@example.com"})
    assert answer["Location"] == reverse("account_reset_password_done")
    assert "no account" in str(mail.outbox[0].body)


def test_password_change_keeps_this_session_and_ends_the_others() -> None:
    user = make_user()
    client, other = portal_sign_in(user), portal_sign_in(user)
    new = "quite another password"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert client.get(reverse("account_change_password")).status_code == 200
    client.post(reverse("account_change_password"), form)
    assert client.get(DASHBOARD).status_code == 200
    assert other.get(DASHBOARD).status_code == 302


def test_sign_out_ends_the_session() -> None:
    client = portal_sign_in(make_user())
    client.post(reverse("account_logout"))
    assert client.get(DASHBOARD).status_code == 302


@pytest.mark.parametrize(
    "name", ["account_login", "account_signup", "account_reset_password", "account_inactive"]
)
def test_sign_in_pages_have_labels_and_nothing_inline(name: str) -> None:
    page = Client().get(reverse(name)).content.decode()
    assert "<script>" not in page
    assert " style=" not in page
    for identifier in re.findall(r'<input type="(?:email|password|text)"[^>]*\bid="([^"]+)"', page):
        assert f'<label for="{identifier}">' in page
