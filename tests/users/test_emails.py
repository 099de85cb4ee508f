"""Changing the e-mail address: a fresh second factor, a link, and both addresses told."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import outbox_deliver
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.notifications.models import Notification
from apps.notifications.services.messages import notification_mail
from apps.users.models import EmailChange, PortalSession, User
from apps.users.services import emails
from apps.users.services.attempts import TooManyAttempts
from apps.users.services.tokens import access_token_verify, api_session_open
from tests.users.factories import PASSWORD, make_user, totp_device
from tests.users.helpers import age_second_factor, event_names, portal_password, portal_sign_in

PAGE = "/settings/email/"
NEW = "another@example.com"


def link() -> str:
    found = re.search(r"http://\S+?(/settings/email/confirm/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def token() -> str:
    return link().rstrip("/").rsplit("/", 1)[1]


@pytest.fixture
def user(transactional_db: None) -> User:
    return make_user(with_totp=True)


@pytest.fixture
def browser(user: User) -> Client:
    return portal_sign_in(user, totp_device(user))


def test_asvs_v7_5_1_change_of_the_address_needs_a_fresh_code(user: User, browser: Client) -> None:
    age_second_factor(browser)
    answer = browser.post(PAGE, {"email": NEW})
    assert answer.status_code == 403
    assert "fresh code" in answer.content.decode()
    assert not EmailChange.objects.exists()
    assert mail.outbox == []
    without = make_user()
    other = portal_sign_in(without)
    assert other.post(PAGE, {"email": NEW})["Location"] == "/settings/security/"
    assert Client().post(PAGE, {"email": NEW})["Location"].startswith("/accounts/login/")
    assert not EmailChange.objects.exists()


def test_new_address_counts_when_its_link_was_opened_and_not_before(
    user: User, browser: Client
) -> None:
    former = user.email
    elsewhere = api_session_open(user=user, methods=["pwd"])
    stale = Client()
    portal_password(stale, user)
    assert browser.post(PAGE, {"email": "Another@Example.com"})["Location"] == PAGE
    assert mail.outbox[-1].to == [NEW]
    user.refresh_from_db()
    assert user.email == former
    assert not EmailAddress.objects.filter(email=NEW).exists()
    assert NEW in browser.get(link()).content.decode()
    user.refresh_from_db()
    assert user.email == former
    assert browser.post(link())["Location"] == "/settings/security/"
    user.refresh_from_db()
    assert user.email == NEW
    address = EmailAddress.objects.get(user=user)
    assert (address.email, address.verified, address.primary) == (NEW, True, True)
    assert browser.get("/settings/security/").status_code == 200
    assert access_token_verify(elsewhere.access) is None
    assert PortalSession.objects.filter(user=user).count() == 1
    assert "users.email.changed" in event_names(user)
    assert "example.com" not in str(list(AuditEvent.objects.values_list("payload", flat=True)))
    assert browser.post(link()).status_code == 404


def test_asvs_v6_3_7_a_changed_address_is_told_to_both_addresses(
    user: User, browser: Client
) -> None:
    former = user.email
    browser.post(PAGE, {"email": NEW})
    browser.post(link())
    outbox_deliver(context="notifications")
    mail.outbox.clear()
    told = Notification.objects.of(user.pk).get(body_code="email_changed")
    assert notification_mail(notification_id=told.pk) is True
    assert sorted(message.to[0] for message in mail.outbox) == sorted([former, NEW])
    assert all(len(message.to) == 1 for message in mail.outbox)
    assert notification_mail(notification_id=told.pk) is False


def test_asvs_v6_3_8_a_taken_address_looks_like_a_free_one(user: User, browser: Client) -> None:
    owner = make_user()
    browser.get(PAGE)  # shows what was said at sign-in
    answers, texts = [], []
    for email in (owner.email, NEW):
        answer = browser.post(PAGE, {"email": email}, follow=True)
        answers.append((answer.status_code, answer.redirect_chain))
        texts.append(re.sub(r'(nonce|value)="[^"]*"', "", answer.content.decode()).split("\n"))
    assert answers[0] == answers[1]
    assert texts[0] == texts[1]
    assert [message.to for message in mail.outbox] == [[owner.email], [NEW]]
    assert "confirm" not in str(mail.outbox[0].body)
    user.refresh_from_db()
    assert user.email != owner.email


def test_link_opens_nothing_for_anybody_else(user: User, browser: Client) -> None:
    browser.post(PAGE, {"email": NEW})
    stranger = portal_sign_in(make_user())
    assert stranger.get(link()).status_code == 404
    assert stranger.post(link()).status_code == 404
    assert Client().post(link())["Location"].startswith("/accounts/login/")
    user.refresh_from_db()
    assert user.email != NEW


def test_link_that_is_old_or_was_replaced_opens_nothing(user: User, browser: Client) -> None:
    browser.post(PAGE, {"email": "first@example.com"})
    first = link()
    browser.post(PAGE, {"email": NEW})
    assert browser.post(first).status_code == 404
    EmailChange.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert browser.post(link()).status_code == 404
    user.refresh_from_db()
    assert user.email not in {"first@example.com", NEW}


def test_address_that_was_taken_meanwhile_is_refused(user: User) -> None:
    emails.email_change_request(user=user, email=NEW)
    make_user(email=NEW)
    with pytest.raises(Conflict):
        emails.email_change_confirm(user=user, token=token(), keep=None)
    user.refresh_from_db()
    assert user.email != NEW
    assert EmailChange.objects.get().confirmed_at is None


def test_link_used_many_times_at_once_counts_once(user: User) -> None:
    emails.email_change_request(user=user, email=NEW)
    text = token()

    def confirm(_: int) -> bool:
        try:
            emails.email_change_confirm(user=user, token=text, keep=None)
        except NotFound:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(confirm, range(4))) == 1
    assert event_names(user).count("users.email.changed") == 1


@pytest.mark.parametrize("email", ["", "nonsense", "a@b", "x@example.com\nBcc: y@example.com"])
def test_what_is_no_address_is_refused(user: User, email: str) -> None:
    with pytest.raises(InvalidInput):
        emails.email_change_request(user=user, email=email)
    with pytest.raises(InvalidInput):
        emails.email_change_request(user=user, email=user.email.upper())
    assert mail.outbox == []


def test_mails_to_new_addresses_are_limited(user: User) -> None:
    for number in range(5):
        emails.email_change_request(user=user, email=f"n{number}@example.com")
    with pytest.raises(TooManyAttempts):
        emails.email_change_request(user=user, email=NEW)
    assert len(mail.outbox) == 5


def test_former_address_signs_in_no_more(user: User, browser: Client) -> None:
    former = user.email
    browser.post(PAGE, {"email": NEW})
    browser.post(link())
    answer = Client().post("/accounts/login/", {"login": former, "password": PASSWORD})
    assert answer.status_code == 200
    answer = Client().post("/accounts/login/", {"login": NEW, "password": PASSWORD})
    assert answer.status_code == 302
