"""Administrators manage access: alone what closes doors, in pairs what opens them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from apps.infrastructure.security_log import security_events_total
from apps.users.domain.roles import Role
from apps.users.models import AccessChange, PortalSession, TotpDevice, User
from apps.users.services import access
from apps.users.services.api_keys import api_key_create, api_key_verify
from apps.users.services.tokens import access_token_verify, api_session_open
from tests.users.factories import PASSWORD, make_user, totp_device
from tests.users.helpers import event_names, portal_sign_in

pytestmark = pytest.mark.django_db
PAGE = "/settings/security/"


@pytest.fixture
def admin() -> User:
    return make_user(Role.ADMINISTRATOR, with_totp=True)


def propose(admin: User, user: User, kind: str, role: str = "") -> AccessChange:
    return access.access_propose(
        actor=admin, user_id=user.pk, kind=kind, role=role, reason="asked by telephone"
    )


@pytest.mark.parametrize("how", ["disable", "remove_role", "end_sessions", "reset_password"])
def test_asvs_v7_4_5_administrator_ends_sessions_and_tokens(admin: User, how: str) -> None:
    user = make_user()
    browser = portal_sign_in(user)
    token = api_session_open(user=user, methods=["pwd"])
    desk = portal_sign_in(admin, totp_device(admin))
    address = reverse("admin:users_user_change", args=[user.pk])

    assert desk.post(address, {"command": how, "role": "CLIENT"}).status_code == 302

    assert browser.get(PAGE).status_code == 302
    assert browser.get("/api/v1/account").status_code == 401
    assert access_token_verify(token.access) is None
    assert not PortalSession.objects.filter(user=user).exists()


def test_asvs_v8_3_2_a_removed_role_bites_on_the_next_request(admin: User) -> None:
    officer = make_user(Role.COMPLIANCE_OFFICER, with_totp=True)
    desk = portal_sign_in(officer, totp_device(officer))
    alerts = reverse("admin:compliance_alert_changelist")
    assert desk.get(alerts).status_code == 200
    access.role_remove(actor=admin, user_id=officer.pk, role=Role.COMPLIANCE_OFFICER)
    assert desk.get(alerts).status_code == 302
    officer = User.objects.get(pk=officer.pk)
    assert not officer.is_staff
    assert not officer.has_perm("compliance.view_alert")
    assert "users.role.removed" in event_names(officer)


def test_asvs_v6_4_6_no_page_of_the_desk_takes_a_password(admin: User) -> None:
    user = make_user()
    desk = portal_sign_in(admin, totp_device(admin))
    address = reverse("admin:users_user_change", args=[user.pk])
    assert 'type="password"' not in desk.get(address).content.decode()
    form = {"password1": "chosen by staff 1", "password2": "chosen by staff 1", "password": "x"}
    for path in (f"/admin/users/user/{user.pk}/password/", "/admin/password_change/", address):
        desk.post(path, {**form, "command": "set_password"})
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    answer = desk.get("/admin/password_change/")
    assert answer["Location"] == reverse("account_change_password")


def test_role_is_given_by_two_administrators_and_ends_sessions(admin: User) -> None:
    user, second = make_user(Role.OPERATIONS), make_user(Role.ADMINISTRATOR)
    token = api_session_open(user=user, methods=["pwd", "otp"])
    change = propose(admin, user, "GIVE_ROLE", "AUDITOR")
    assert User.objects.get(pk=user.pk).role_names == {"OPERATIONS"}

    access.access_confirm(actor=second, change_id=change.pk)

    assert User.objects.get(pk=user.pk).role_names == {"OPERATIONS", "AUDITOR"}
    assert access_token_verify(token.access) is None
    assert "users.role.given" in event_names(user)


def test_lost_second_factor_is_reset_by_two_administrators(admin: User) -> None:
    user, second = make_user(with_totp=True), make_user(Role.ADMINISTRATOR)
    change = propose(admin, user, "RESET_SECOND_FACTOR")
    with pytest.raises(NotPermitted):
        access.access_confirm(actor=admin, change_id=change.pk)
    assert TotpDevice.objects.filter(user=user).exists()
    access.access_confirm(actor=second, change_id=change.pk)
    assert not TotpDevice.objects.filter(user=user).exists()
    with pytest.raises(Conflict):
        access.access_confirm(actor=second, change_id=change.pk)


def test_disabled_user_is_enabled_by_two_administrators(admin: User) -> None:
    user, second = make_user(), make_user(Role.ADMINISTRATOR)
    access.user_disable(actor=admin, user_id=user.pk)
    change = propose(admin, user, "ENABLE_USER")
    with pytest.raises(Conflict):
        propose(second, user, "ENABLE_USER")
    access.access_confirm(actor=second, change_id=change.pk)
    assert User.objects.get(pk=user.pk).is_active


def test_declined_proposal_changes_nothing(admin: User) -> None:
    user = make_user(Role.OPERATIONS)
    change = propose(admin, user, "GIVE_ROLE", "AUDITOR")
    access.access_decline(actor=admin, change_id=change.pk)
    with pytest.raises(Conflict):
        access.access_confirm(actor=make_user(Role.ADMINISTRATOR), change_id=change.pk)
    assert User.objects.get(pk=user.pk).role_names == {"OPERATIONS"}


@pytest.mark.parametrize("how", ["disable", "remove_role", "reset_password"])
def test_api_keys_end_for_good_when_an_administrator_closes_the_account(
    admin: User, how: str
) -> None:
    user = make_user()
    _, text = api_key_create(actor=user, name="bot", mode="PAPER", scopes=["orders:write"], days=1)
    desk = portal_sign_in(admin, totp_device(admin))
    address = reverse("admin:users_user_change", args=[user.pk])

    desk.post(address, {"command": how, "role": "CLIENT"})
    # As if it was opened again later.
    User.objects.filter(pk=user.pk).update(is_active=True)
    user.groups.add(Group.objects.get(name="CLIENT"))

    assert api_key_verify(text=text, address="127.0.0.1") is None
    assert "users.api_key.revoked" in event_names(user)


def test_api_keys_end_with_a_second_factor_that_is_reset(admin: User) -> None:
    user, second = make_user(with_totp=True), make_user(Role.ADMINISTRATOR)
    _, text = api_key_create(actor=user, name="bot", mode="PAPER", scopes=["orders:write"], days=1)
    change = propose(admin, user, "RESET_SECOND_FACTOR")
    access.access_confirm(actor=second, change_id=change.pk)
    assert api_key_verify(text=text, address="127.0.0.1") is None


def test_own_access_and_own_proposal_at_the_desk_are_refused_and_recorded(admin: User) -> None:
    user = make_user(Role.OPERATIONS)
    change = propose(admin, user, "GIVE_ROLE", "AUDITOR")
    desk = portal_sign_in(admin, totp_device(admin))
    counter = security_events_total.labels("admin.denied")
    before = counter._value.get()
    address = reverse("admin:users_user_change", args=[user.pk])
    own = reverse("admin:users_user_change", args=[admin.pk])

    desk.post(address, {"command": "confirm", "change": str(change.pk)})
    for command in ("disable", "end_sessions", "reset_password"):
        desk.post(own, {"command": command})

    assert counter._value.get() == before + 4
    admin = User.objects.get(pk=admin.pk)
    assert admin.is_active
    assert admin.check_password(PASSWORD)
    assert User.objects.get(pk=user.pk).role_names == {"OPERATIONS"}


def test_database_refuses_a_confirmation_by_the_proposer_or_the_user(admin: User) -> None:
    user = make_user(Role.OPERATIONS)
    change = propose(admin, user, "GIVE_ROLE", "AUDITOR")
    for decider in (admin, user):
        with pytest.raises(IntegrityError), transaction.atomic():
            AccessChange.objects.filter(pk=change.pk).update(status="CONFIRMED", decided_by=decider)


def ways(actor: User, user: User) -> list[Callable[[], Any]]:
    return [
        lambda: propose(actor, user, "GIVE_ROLE", "ADMINISTRATOR"),
        lambda: access.role_remove(actor=actor, user_id=user.pk, role=Role.ADMINISTRATOR),
        lambda: access.user_disable(actor=actor, user_id=user.pk),
        lambda: access.user_sessions_end(actor=actor, user_id=user.pk),
    ]


def test_own_access_and_that_of_others_by_no_administrator_changes_nothing(admin: User) -> None:
    supervisor = make_user(Role.COMPLIANCE_SUPERVISOR)
    for way in [*ways(admin, admin), *ways(supervisor, admin)]:
        with pytest.raises(NotPermitted):
            way()
    admin = User.objects.get(pk=admin.pk)
    assert admin.is_active
    assert admin.role_names == {"ADMINISTRATOR"}
    assert not AccessChange.objects.exists()


def test_last_active_administrator_stays(admin: User) -> None:
    other = make_user(Role.ADMINISTRATOR)
    User.objects.filter(pk=admin.pk).update(is_active=False)
    # The actor was read before somebody disabled them.
    for way in (
        access.user_disable,
        lambda **who: access.role_remove(role=Role.ADMINISTRATOR, **who),
    ):
        with pytest.raises(Conflict):
            way(actor=admin, user_id=other.pk)
    assert User.objects.get(pk=other.pk).has_role(Role.ADMINISTRATOR)


@pytest.mark.parametrize(
    ("kind", "role", "reason", "error"),
    [
        ("GIVE_ROLE", "EMPEROR", "x", InvalidInput),
        ("BECOME", "", "x", InvalidInput),
        ("GIVE_ROLE", "AUDITOR", " ", InvalidInput),
        ("GIVE_ROLE", "AUDITOR", "x" * 501, InvalidInput),
        ("GIVE_ROLE", "AUDITOR", "x", Conflict),  # a client never becomes staff
        ("GIVE_ROLE", "CLIENT", "x", Conflict),
        ("ENABLE_USER", "", "x", Conflict),
        ("RESET_SECOND_FACTOR", "", "x", Conflict),
    ],
)
def test_senseless_proposal_is_refused(
    admin: User, kind: str, role: str, reason: str, error: type[Exception]
) -> None:
    user = make_user()
    with pytest.raises(error):
        access.access_propose(actor=admin, user_id=user.pk, kind=kind, role=role, reason=reason)
    assert not AccessChange.objects.exists()


def test_nobody_is_not_found(admin: User) -> None:
    with pytest.raises(NotFound):
        access.user_disable(actor=admin, user_id=User().pk)
    with pytest.raises(NotFound):
        access.access_confirm(actor=admin, change_id=User().pk)


def test_page_proposes_and_confirms_with_another_administrator(admin: User) -> None:
    user, second = make_user(Role.OPERATIONS), make_user(Role.ADMINISTRATOR, with_totp=True)
    address = reverse("admin:users_user_change", args=[user.pk])
    first_desk = portal_sign_in(admin, totp_device(admin))
    form = {"command": "propose", "kind": "GIVE_ROLE", "role": "AUDITOR", "reason": "audit season"}
    assert first_desk.post(address, form).status_code == 302
    change = AccessChange.objects.get()
    desk = portal_sign_in(second, totp_device(second))
    assert "audit season" in desk.get(address).content.decode()
    desk.post(address, {"command": "confirm", "change": str(change.pk)})
    assert "AUDITOR" in User.objects.get(pk=user.pk).role_names
    assert desk.post(address, {"command": "confirm", "change": "x"}).status_code == 302
    assert desk.post(address, {"command": "rule"}).status_code == 404
    for address in ("/admin/users/user/x/change/", f"/admin/users/user/{User().pk}/change/"):
        assert desk.get(address).status_code == 404


def test_client_is_found_by_the_whole_address_only(admin: User) -> None:
    client, officer = make_user(), make_user(Role.AUDITOR)
    desk = portal_sign_in(admin, totp_device(admin))
    listing = reverse("admin:users_user_changelist")
    page = desk.get(listing).content.decode()
    assert officer.email in page
    assert client.email not in page
    assert client.email not in desk.get(listing, {"q": client.email[:12]}).content.decode().replace(
        f'value="{client.email[:12]}"', ""
    )
    assert str(client.pk) in desk.get(listing, {"q": client.email.upper()}).content.decode()
