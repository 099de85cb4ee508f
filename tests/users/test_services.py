"""Provisioning, and who a bare portal session belongs to."""

import uuid

import pytest

from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.users.backends import SessionStore
from apps.users.domain.permissions import permissions_of
from apps.users.domain.roles import Role
from apps.users.models import TotpDevice, User
from apps.users.selectors import portal_user_get, user_get
from apps.users.services import second_factor
from apps.users.services.accounts import user_provision
from apps.users.services.second_factor import recovery_codes_renew, totp_provision
from tests.users.factories import PASSWORD, make_user, totp_device
from tests.users.helpers import code_of, portal_password, portal_sign_in

pytestmark = pytest.mark.django_db


def test_user_provision_with_totp_returns_a_secret_that_works() -> None:
    user, secret = user_provision(
        email="Officer@Example.com",
        password=PASSWORD,
        display_name="Officer",
        roles=[Role.COMPLIANCE_OFFICER],
        with_totp=True,
    )
    assert user.email == "officer@example.com"
    assert user.is_staff
    assert secret
    assert len(code_of(totp_device(user))) == 6
    assert portal_sign_in(user, totp_device(user)).get("/admin/").status_code == 200


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [("not an address", PASSWORD, "email"), ("a@example.com", "short", "password")],
)
def test_user_provision_with_bad_input_changes_nothing(
    email: str, password: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        user_provision(
            email=email, password=password, display_name="", roles=[Role.CLIENT], with_totp=False
        )
    assert caught.value.facts["field"] == field
    assert not User.objects.exists()


def test_user_provision_with_a_taken_address_is_a_conflict() -> None:
    user = make_user()
    with pytest.raises(Conflict):
        make_user(email=user.email.upper())
    assert User.objects.count() == 1


def test_second_device_is_not_provisioned() -> None:
    user = make_user(with_totp=True)
    with pytest.raises(InvalidInput):
        totp_provision(user=user)


def test_recovery_codes_without_an_app_are_refused() -> None:
    with pytest.raises(Conflict):
        recovery_codes_renew(user=make_user())


def test_user_get_of_nobody_is_not_found() -> None:
    user = make_user()
    assert user_get(user.pk) == user
    with pytest.raises(NotFound):
        user_get(uuid.uuid4())


def test_permissions_of_a_name_that_is_no_role_are_none() -> None:
    assert permissions_of(["SOMETHING"]) == frozenset()


def test_portal_session_names_its_user_only_after_the_second_factor() -> None:
    plain = make_user()
    assert portal_user_get(portal_sign_in(plain).session) == plain
    user = make_user(with_totp=True)
    half = portal_sign_in(plain)
    half.logout()
    portal_password(half, user)
    assert portal_user_get(half.session) is None
    full = portal_sign_in(user, totp_device(user))
    assert portal_user_get(full.session) == user
    user.set_password("quite another password")
    user.save()
    assert portal_user_get(full.session) is None
    assert portal_user_get(SessionStore()) is None


def test_portal_session_older_than_the_device_names_nobody() -> None:
    user = make_user()
    session = portal_sign_in(user).session
    totp_provision(user=user)
    assert portal_user_get(session) is None


def test_confirmation_of_a_secret_that_another_request_confirmed_is_a_conflict() -> None:
    user = make_user()
    device = second_factor.totp_begin(user=user)
    second_factor._device_enrol(user=user, device=device)

    with pytest.raises(Conflict, match="begin again"):
        second_factor._device_enrol(user=user, device=device)

    assert TotpDevice.objects.filter(user=user, confirmed=True).count() == 1
