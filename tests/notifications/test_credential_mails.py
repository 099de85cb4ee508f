"""Whoever's credential changes hears of it, by whatever way it changed."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.audit.services import outbox_deliver
from apps.core.events import DomainEvent
from apps.notifications.handlers import (
    tell_api_key_created,
    tell_api_key_revoked,
    tell_password_changed,
    tell_password_expired,
    tell_refresh_token_reused,
    tell_role_given,
    tell_second_factor_changed,
    tell_social_account_changed,
)
from apps.notifications.models import Notification
from apps.users import events
from apps.users.services.accounts import password_set
from apps.users.services.sign_in import sign_in_record
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


def test_asvs_v6_3_7_a_changed_password_is_told_to_its_user() -> None:
    user = make_user()
    password_set(user=user, password="quite another password")
    outbox_deliver(context="notifications")
    assert "password_changed" in Notification.objects.of(user.pk).values_list(
        "body_code", flat=True
    )


@pytest.mark.parametrize(
    "change",
    [
        *("ENROLLED", "REPLACED", "REMOVED", "RESET", "RECOVERY_CODES_RENEWED"),
        *("PASSKEY_ADDED", "PASSKEY_REMOVED"),
    ],
)
def test_asvs_v6_3_7_a_changed_second_factor_is_told_to_its_user(change: str) -> None:
    user = make_user()
    event = events.SecondFactorChanged(stream=user.stream, user_id=str(user.pk), change=change)
    tell_second_factor_changed(event)
    tell_second_factor_changed(event)
    assert Notification.objects.of(user.pk).get().kind == "SECURITY"


def test_asvs_v6_3_7_keys_tokens_and_roles_are_told_to_their_user() -> None:
    user = make_user()
    who: dict[str, Any] = {"stream": user.stream, "user_id": str(user.pk)}
    told: list[tuple[Callable[[Any], None], DomainEvent]] = [
        (tell_password_expired, events.PasswordExpired(**who)),
        (tell_refresh_token_reused, events.RefreshTokenReused(**who, session_id="x")),
        (tell_role_given, events.RoleGiven(**who, role="AUDITOR")),
        (tell_api_key_revoked, events.ApiKeyRevoked(**who, key_id="x", reason="OWNER")),
        (
            tell_api_key_created,
            events.ApiKeyCreated(**who, key_id="x", mode="PAPER", scopes=[], expires_at=""),
        ),
        (tell_password_changed, events.PasswordChanged(**who)),
    ]
    for tell, event in told:
        tell(event)
    assert Notification.objects.of(user.pk).count() == len(told)


def test_sign_in_is_told_only_from_a_device_or_a_network_that_is_new() -> None:
    user = make_user()
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:{}.0) Gecko/20100101 Firefox/{}.0"
    told = []
    for address, user_agent in (
        ("203.0.113.7", firefox.format(140, 140)),
        ("203.0.113.7", firefox.format(141, 141)),
        ("198.51.100.7", firefox.format(141, 141)),
        ("198.51.100.7", "curl/8.5.0"),
        ("198.51.100.7", "curl/8.6.0"),
    ):
        sign_in_record(
            user=user, channel="API", methods=["pwd"], address=address, user_agent=user_agent
        )
        outbox_deliver(context="notifications")
        told.append(Notification.objects.of(user.pk).filter(body_code="signed_in").count())
    assert told == [1, 1, 2, 3, 3]


def test_provider_that_opens_an_account_or_no_more_is_told_to_its_user() -> None:
    user = make_user()
    for change in ("CONNECTED", "DISCONNECTED"):
        event = events.SocialAccountChanged(
            stream=user.stream, user_id=str(user.pk), provider="acme", change=change
        )
        tell_social_account_changed(event)
    codes = set(Notification.objects.of(user.pk).values_list("body_code", flat=True))
    assert codes == {"social_account_connected", "social_account_disconnected"}
