"""The desk's one door, and what administrators may do to users."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.core.errors import NotFound, NotPermitted
from apps.users.domain.roles import Role
from apps.users.models import User
from apps.users.services.access import password_expire
from tests.users.factories import PASSWORD, make_user, totp_device
from tests.users.helpers import event_names, portal_sign_in

pytestmark = pytest.mark.django_db
LIST = "/admin/users/user/"


def test_sign_in_of_the_admin_is_the_portals(client: object) -> None:
    browser = portal_sign_in(make_user())
    browser.logout()
    answer = browser.get("/admin/login/?next=/admin/users/")
    assert answer["Location"] == f"{reverse('account_login')}?next=/admin/users/"
    user = make_user(Role.ADMINISTRATOR, with_totp=True)
    form = {"username": user.email, "password": PASSWORD}
    assert browser.post("/admin/login/", form).status_code == 302
    assert browser.get("/admin/").status_code == 302


def test_admin_after_the_second_factor_opens_for_staff_and_not_for_clients() -> None:
    staff = make_user(Role.ADMINISTRATOR, with_totp=True)
    assert portal_sign_in(staff, totp_device(staff)).get("/admin/").status_code == 200
    user = make_user(with_totp=True)
    browser = portal_sign_in(user, totp_device(user))
    assert browser.get("/admin/", follow=True).status_code == 403


def test_users_are_read_only_and_seen_by_administrators_alone() -> None:
    person = make_user()
    admin = make_user(Role.ADMINISTRATOR, with_totp=True)
    browser = portal_sign_in(admin, totp_device(admin))
    assert person.email in browser.get(LIST, {"q": person.email}).content.decode()
    page = browser.get(f"{LIST}{person.pk}/change/").content.decode()
    assert person.email in page
    assert 'type="password"' not in page
    assert browser.get(f"{LIST}add/").status_code == 403
    assert browser.post(f"{LIST}{person.pk}/change/", {"is_staff": "on"}).status_code == 404
    assert browser.get(f"{LIST}{person.pk}/password/", follow=True).status_code != 500
    assert browser.post(f"{LIST}{person.pk}/delete/", {"post": "yes"}).status_code == 405
    assert not User.objects.get(pk=person.pk).is_staff
    for role in (Role.COMPLIANCE_OFFICER, Role.OPERATIONS):
        other = make_user(role, with_totp=True)
        assert portal_sign_in(other, totp_device(other)).get(LIST).status_code == 403


def test_required_password_reset_expires_the_password_and_mails_a_link() -> None:
    person = make_user()
    theirs = portal_sign_in(person)
    admin = make_user(Role.ADMINISTRATOR, with_totp=True)
    browser = portal_sign_in(admin, totp_device(admin))
    form = {"command": "reset_password"}
    assert browser.post(f"{LIST}{person.pk}/change/", form).status_code == 302
    person.refresh_from_db()
    assert not person.has_usable_password()
    assert mail.outbox[0].to == [person.email]
    assert "/accounts/password/reset/key/" in str(mail.outbox[0].body)
    assert theirs.get("/settings/security/").status_code == 302
    assert event_names(person)[-1] == "users.password.expired"


def test_link_of_a_required_password_reset_takes_a_new_password() -> None:
    person = make_user()
    admin = make_user(Role.ADMINISTRATOR, with_totp=True)
    desk = portal_sign_in(admin, totp_device(admin))
    desk.post(f"{LIST}{person.pk}/change/", {"command": "reset_password"})
    link = re.search(r"/accounts/password/reset/key/\S+", str(mail.outbox[0].body))
    assert link is not None

    browser = Client()
    page = browser.get(link[0])
    new = "quite another long password"
    answer = browser.post(page["Location"], {"password1": new, "password2": new})

    assert answer.status_code == 302
    person.refresh_from_db()
    assert person.check_password(new)


@pytest.mark.parametrize("column", ["password__startswith", "display_name_index", "email__gt"])
def test_list_of_users_is_not_searched_by_columns_that_it_does_not_offer(column: str) -> None:
    admin = make_user(Role.ADMINISTRATOR, with_totp=True)
    desk = portal_sign_in(admin, totp_device(admin))
    assert desk.get(LIST, {"is_active__exact": "1"}).status_code == 200
    answer = desk.get(LIST, {column: "argon2"})
    assert answer.status_code == 400
    assert admin.email not in answer.content.decode()


def test_password_expire_by_anybody_else_changes_nothing() -> None:
    person = make_user()
    with pytest.raises(NotPermitted):
        password_expire(actor=make_user(Role.COMPLIANCE_SUPERVISOR), user_id=person.pk)
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_password_expire_of_nobody_is_not_found() -> None:
    admin = make_user(Role.ADMINISTRATOR)
    ghost = User()
    with pytest.raises(NotFound):
        password_expire(actor=admin, user_id=ghost.pk)
