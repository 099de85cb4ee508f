"""Sign-in at an identity provider: what opens an account, and everything that must not."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.auth import SESSION_KEY
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.users.domain.roles import Role
from apps.users.models import PortalSession, User
from apps.users.services.social import social_connect, subject_key
from stratford.social import providers
from tests.users.factories import PASSWORD, make_user, totp_device
from tests.users.helpers import (
    age_second_factor,
    code_of,
    event_names,
    portal_password,
    portal_sign_in,
)
from tests.users.identity_provider import OTHER_KEY, IdentityProvider

pytestmark = pytest.mark.django_db
PAGE = "/settings/security/"
ACME = """{"acme":
    {"name": "A", "issuer": "https://a.example", "client_id": "x", "client_secret": "y"}
}"""


@pytest.fixture(scope="module")
def server() -> Iterator[IdentityProvider]:
    provider = IdentityProvider()
    yield provider
    provider.stop()


@pytest.fixture
def provider(
    server: IdentityProvider, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> IdentityProvider:
    settings.SOCIAL_PROVIDERS = {"acme": server.config}
    for name in ("claims", "discovery"):
        monkeypatch.setattr(server, name, {})
    for name in ("key", "algorithm", "kid", "token_status", "names_issuer", "auth_methods"):
        monkeypatch.setattr(server, name, getattr(server, name))
    monkeypatch.setattr(server, "token_calls", [])
    return server


def leave(client: Client, address: str = "/accounts/social/acme/") -> str:
    """Press the button and return where the page leads to."""
    answer = client.post(address)
    assert answer.status_code == 200, answer.get("Location")
    assert "form-action 'self'" in answer["Content-Security-Policy"]
    return str(answer["Refresh"]).removeprefix("0; url=")


def come_back(client: Client, provider: IdentityProvider, address: str) -> Any:
    back = urlsplit(provider.authorize(address))
    return client.get(f"{back.path}?{back.query}")


def sign_in(client: Client, provider: IdentityProvider) -> Any:
    return come_back(client, provider, leave(client))


def connect(user: User, provider: IdentityProvider, subject: str = "subject-1") -> None:
    uid = subject_key(issuer=provider.issuer, subject=subject)
    social_connect(user=user, provider="acme", uid=uid)


def is_in(client: Client) -> bool:
    return SESSION_KEY in client.session


def test_no_provider_is_there_by_default() -> None:
    assert providers("", allow_http=False) == {}
    assert set(providers(ACME, allow_http=False)) == {"acme"}
    page = Client().get(reverse("account_login")).content.decode()
    assert "/accounts/social/" not in page
    assert Client().post("/accounts/social/acme/").status_code == 404
    assert Client().get("/accounts/social/acme/callback/?code=x&state=y").status_code == 404


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[]",
        '{"Acme/..": {}}',
        '{"acme": {"name": "A", "issuer": "https://a.example", "client_id": "x"}}',
        ACME.replace("y", ""),
        ACME.replace("https", "http"),
    ],
)
def test_settings_that_are_not_right_do_not_start(text: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        providers(text, allow_http=False)


def test_somebody_new_becomes_a_client_as_by_sign_up(provider: IdentityProvider) -> None:
    client = Client(headers={"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"})
    assert "Acme ID" in client.get(reverse("account_login")).content.decode()
    assert sign_in(client, provider)["Location"] == reverse("security")
    user = User.objects.get(email="new.person@example.com")
    assert user.has_role(Role.CLIENT)
    assert not user.has_usable_password()
    assert not user.is_staff
    assert EmailAddress.objects.get(user=user).verified
    assert event_names(user) == [
        *("users.user.registered", "users.social_account.changed", "users.sign_in.succeeded")
    ]
    session = PortalSession.objects.get(user=user)
    assert session.methods == ["oidc"]
    assert "Firefox" in session.user_agent
    account = SocialAccount.objects.get()
    assert account.extra_data == {}
    assert "subject" not in account.uid
    assert not SocialToken.objects.exists()
    assert "opaque" not in session.data
    assert "new.person" not in str(list(AuditEvent.objects.values_list("payload", flat=True)))
    again = Client()
    sign_in(again, provider)
    assert is_in(again)
    assert User.objects.count() == 1


def test_callback_is_at_the_public_address_whatever_the_host(
    provider: IdentityProvider, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["evil.example"]
    answer = Client(headers={"host": "evil.example"}).post("/accounts/social/acme/")
    assert "evil.example" not in answer["Refresh"]
    back = provider.authorize(answer["Refresh"].removeprefix("0; url="))
    assert back.startswith(f"{settings.PUBLIC_URL}/accounts/social/acme/callback/?")


def test_secret_in_the_form_is_sent_where_the_provider_wants_it(
    provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "auth_methods", ["client_secret_post"])
    client = Client()
    sign_in(client, provider)
    assert is_in(client)
    assert "client_secret" in provider.token_calls[0]


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody else"},
        {"aud": ["stratford & co", "another"]},
        {"azp": "another"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"exp": None},
        {"iat": 9_999_999_999, "exp": 9_999_999_999},
        {"sub": ""},
        {"sub": None},
    ],
)
def test_id_token_with_a_wrong_claim_opens_nothing(
    provider: IdentityProvider, claims: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(make_user(), provider)
    before = User.objects.count()
    monkeypatch.setattr(provider, "claims", claims)
    client = Client()
    assert sign_in(client, provider)["Location"] == reverse("account_login")
    assert not is_in(client)
    assert User.objects.count() == before


@pytest.mark.parametrize(
    "lie",
    [
        {"algorithm": "none"},
        {"algorithm": "HS256", "key": "a secret that is shared, of 32 bytes or more"},
        {"key": OTHER_KEY},
        {"kid": "two"},
        {"token_status": 400},
        {"token_status": 500},
        {"names_issuer": False},
        {"discovery": {"issuer": "https://evil.example"}},
        {"discovery": {"token_endpoint": "file:///etc/passwd"}},
    ],
)
def test_answer_that_is_not_the_providers_opens_nothing(
    provider: IdentityProvider, lie: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in lie.items():
        monkeypatch.setattr(provider, name, value)
    client = Client()
    answer = client.post("/accounts/social/acme/")
    if answer.status_code == 200:
        come_back(client, provider, answer["Refresh"].removeprefix("0; url="))
    assert not is_in(client)
    assert not User.objects.exists()


def test_provider_that_is_down_is_said_and_opens_nothing(
    provider: IdentityProvider, settings: Any
) -> None:
    settings.SOCIAL_PROVIDERS = {"acme": {**provider.config, "issuer": "http://127.0.0.1:9"}}
    client = Client()
    answer = client.post("/accounts/social/acme/", follow=True)
    assert "does not answer" in answer.content.decode()


def test_state_works_once_and_in_its_own_browser_only(provider: IdentityProvider) -> None:
    client, other = Client(), Client()
    back = urlsplit(provider.authorize(leave(client)))
    address = f"{back.path}?{back.query}"
    assert other.get(address)["Location"] == reverse("account_login")
    assert not is_in(other)
    assert not provider.token_calls
    assert client.get(address)["Location"] == reverse("security")
    client.post(reverse("account_logout"))
    assert not is_in(client)
    client.get(address)
    assert not is_in(client)
    assert len(provider.token_calls) == 1


@pytest.mark.parametrize("query", ["", "state=x", "code=x", "state=x&code=y&iss=z"])
def test_answer_that_nobody_asked_for_opens_nothing(provider: IdentityProvider, query: str) -> None:
    client = Client()
    assert client.get(f"/accounts/social/acme/callback/?{query}").status_code == 302
    assert not is_in(client)
    assert not provider.token_calls


def test_user_who_goes_back_is_told_so(provider: IdentityProvider) -> None:
    client = Client()
    state = leave(client).split("state=")[1].split("&")[0]
    address = f"/accounts/social/acme/callback/?error=access_denied&state={state}"
    assert "without signing in" in client.get(address, follow=True).content.decode()


@pytest.mark.parametrize("verified", [False, None, "true", "false", 1])
def test_unverified_address_makes_no_account(
    provider: IdentityProvider, verified: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "claims", {"email_verified": verified})
    client = Client()
    sign_in(client, provider)
    assert not is_in(client)
    assert not User.objects.exists()


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_address_of_an_existing_account_never_links_to_it(
    provider: IdentityProvider, is_confirmed: bool
) -> None:
    user = make_user(email="new.person@example.com")
    EmailAddress.objects.filter(user=user).update(verified=is_confirmed)
    client = Client()
    sign_in(client, provider)
    assert not is_in(client)
    assert not SocialAccount.objects.exists()
    assert User.objects.count() == 1


@pytest.mark.parametrize("role", [Role.COMPLIANCE_OFFICER, Role.ADMINISTRATOR])
def test_staff_are_never_signed_in_nor_connected(provider: IdentityProvider, role: Role) -> None:
    user = make_user()
    connect(user, provider)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client = Client()
    sign_in(client, provider)
    assert not is_in(client)
    officer = make_user(role, with_totp=True)
    desk = portal_sign_in(officer, totp_device(officer))
    assert desk.post("/settings/social/acme/connect/").status_code == 404
    assert "Acme ID" not in desk.get(PAGE).content.decode()


def test_disabled_user_is_not_signed_in(provider: IdentityProvider) -> None:
    user = make_user(is_active=False)
    connect(user, provider)
    client = Client()
    assert sign_in(client, provider)["Location"] == reverse("account_inactive")
    assert not is_in(client)


def test_second_factor_is_asked_for_all_the_same(provider: IdentityProvider) -> None:
    user = make_user(with_totp=True)
    connect(user, provider)
    client = Client()
    assert sign_in(client, provider)["Location"] == reverse("otp_login")
    assert client.get(PAGE).status_code == 302
    assert client.post(reverse("otp_login"), {"code": code_of(totp_device(user))})["Location"]
    assert client.get(PAGE).status_code == 200
    assert PortalSession.objects.get(user=user).methods == ["otp", "oidc"]


def test_owner_connects_under_a_fresh_second_factor_and_disconnects(
    provider: IdentityProvider,
) -> None:
    user = make_user(with_totp=True)
    client = portal_sign_in(user, totp_device(user))
    age_second_factor(client)
    assert client.post("/settings/social/acme/connect/").status_code == 403
    age_second_factor(client, seconds=1)
    address = leave(client, "/settings/social/acme/connect/")
    assert come_back(client, provider, address)["Location"] == PAGE
    assert SocialAccount.objects.get().user_id == user.pk
    assert event_names(user)[-1] == "users.social_account.changed"
    elsewhere = Client()
    assert sign_in(elsewhere, provider)["Location"] == reverse("otp_login")
    age_second_factor(client)
    assert client.post("/settings/social/acme/disconnect/").status_code == 403
    age_second_factor(client, seconds=1)
    assert client.post("/settings/social/acme/disconnect/").status_code == 302
    assert not SocialAccount.objects.exists()
    assert is_in(client)


def test_connecting_needs_the_fresh_second_factor_at_its_end_too(
    provider: IdentityProvider,
) -> None:
    user = make_user(with_totp=True)
    client = portal_sign_in(user, totp_device(user))
    address = leave(client, "/settings/social/acme/connect/")
    age_second_factor(client)
    come_back(client, provider, address)
    assert not SocialAccount.objects.exists()


def test_answer_for_another_user_or_for_nobody_connects_nothing(
    provider: IdentityProvider,
) -> None:
    client = Client()
    address = leave(client)
    user = make_user()
    portal_password(client, user)
    come_back(client, provider, address)
    assert not SocialAccount.objects.exists()
    assert client.session[SESSION_KEY] == str(user.pk)
    assert User.objects.count() == 1


def test_identity_of_somebody_else_is_not_connected_twice(provider: IdentityProvider) -> None:
    connect(make_user(), provider)
    user = make_user(with_totp=True)
    client = portal_sign_in(user, totp_device(user))
    come_back(client, provider, leave(client, "/settings/social/acme/connect/"))
    assert SocialAccount.objects.get().user_id != user.pk


def test_user_without_a_password_keeps_the_provider(provider: IdentityProvider) -> None:
    user = make_user(with_totp=True)
    connect(user, provider)
    user.set_unusable_password()
    user.save()
    assert portal_password(Client(), user, PASSWORD).status_code == 200
    client = Client()
    sign_in(client, provider)
    client.post(reverse("otp_login"), {"code": code_of(totp_device(user))})
    answer = client.post("/settings/social/acme/disconnect/", follow=True)
    assert "Choose a password first" in answer.content.decode()
    assert SocialAccount.objects.exists()
