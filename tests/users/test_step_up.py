"""A fresh second factor before what could not be undone, by every way in."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.cache import SessionStore
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from apps.core.errors import NotPermitted
from apps.users.models import ApiSession, User
from apps.users.services.tokens import api_session_open
from apps.users.step_up import require_step_up, safe_next, step_up_required
from tests.users.factories import api_client, make_user, totp_device
from tests.users.helpers import (
    age_second_factor,
    code_of,
    event_names,
    next_code_of,
    portal_sign_in,
)

pytestmark = pytest.mark.django_db
STEP_UP = "/api/v1/auth/step-up"


def age_api() -> None:
    long_ago = timezone.now() - timedelta(seconds=settings.STEP_UP_SECONDS + 1)
    ApiSession.objects.update(second_factor_at=long_ago)


def post(user: User, session: Any, **fields: Any) -> Any:
    """Send a form to a guarded view as the user, in the session."""

    @step_up_required
    def view(_: Any) -> HttpResponse:
        return HttpResponse("done")

    request = RequestFactory().post("/money/withdraw/?from=1", fields)
    request.user = user
    request.session = session
    return view(request)


def portal_request(user: User, client: Client) -> Any:
    request = RequestFactory().post("/")
    request.user = user
    user.otp_device = totp_device(user)  # type: ignore[attr-defined]
    request.session = client.session
    return request


def test_sign_in_with_the_second_factor_counts_for_a_while() -> None:
    user = make_user(with_totp=True)
    client = portal_sign_in(user, totp_device(user))

    require_step_up(portal_request(user, client))
    age_second_factor(client)
    with pytest.raises(NotPermitted) as refusal:
        require_step_up(portal_request(user, client))
    assert refusal.value.code == "step_up_required"


@pytest.mark.parametrize("proven", ["", "nonsense", "9999-01-01T00:00:00+00:00"])
def test_step_up_with_no_good_moment_in_the_session_is_required(proven: str) -> None:
    user = make_user(with_totp=True)
    client = portal_sign_in(user, totp_device(user))
    session = client.session
    session["second_factor_at"] = proven
    session.save()

    with pytest.raises(NotPermitted):
        require_step_up(portal_request(user, client))


def test_interrupted_form_goes_on_after_the_code_and_nothing_of_it_is_lost() -> None:
    user = make_user(with_totp=True)
    client = portal_sign_in(user, totp_device(user))
    age_second_factor(client)
    user.otp_device = totp_device(user)  # type: ignore[attr-defined]
    page = post(user, client.session, amount="<40>", key=["a", "b"])

    html = page.content.decode()
    assert page.status_code == 403
    assert 'name="amount" value="&lt;40&gt;"' in html
    assert html.count('name="key"') == 2
    assert 'value="/money/withdraw/?from=1"' in html
    confirmed = client.post(
        reverse("step_up_confirm"),
        {
            "step_up_code": next_code_of(totp_device(user)),
            "step_up_next": "/money/withdraw/?from=1",
            "step_up_resumes": "True",
            "amount": "<40>",
        },
    )
    assert (confirmed.status_code, confirmed["Location"]) == (307, "/money/withdraw/?from=1")
    assert post(user, client.session).content == b"done"
    assert event_names(user)[-1] == "users.second_factor.confirmed"


def test_confirm_page_keeps_the_form_after_a_wrong_code() -> None:
    user = make_user(with_totp=True)
    client = portal_sign_in(user, totp_device(user))
    age_second_factor(client)

    for code in ("000000", ""):
        page = client.post(
            reverse("step_up_confirm"),
            {"step_up_code": code, "step_up_next": "/x/", "step_up_resumes": "True", "a": "1"},
        )
        assert page.status_code == 400
        assert 'name="a" value="1"' in page.content.decode()
        assert 'name="step_up_resumes" value="True"' in page.content.decode()
    assert "users.sign_in.failed" in event_names(user)
    with pytest.raises(NotPermitted):
        require_step_up(portal_request(user, client))


def test_confirm_page_leads_on_to_the_page_that_asked() -> None:
    user = make_user(with_totp=True)
    client = portal_sign_in(user, totp_device(user))
    page = client.get(reverse("step_up_confirm"), {"next": "/orders/"})
    assert 'value="/orders/"' in page.content.decode()

    code = next_code_of(totp_device(user))
    answer = client.post(
        reverse("step_up_confirm"), {"step_up_code": code, "step_up_next": "/orders/"}
    )
    assert (answer.status_code, answer["Location"]) == (302, "/orders/")


@pytest.mark.parametrize(
    "address",
    [
        *("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"),
        *("", "orders/", "/\t/evil.example", "\\\\evil.example", "http:///evil.example"),
    ],
)
def test_confirm_page_never_leads_to_another_site(address: str) -> None:
    assert safe_next(address) == "/"


def test_confirm_page_without_a_second_factor_leads_to_enrolment() -> None:
    user = make_user()
    client = portal_sign_in(user)
    assert client.get(reverse("step_up_confirm"))["Location"] == reverse("security")
    assert Client().get(reverse("step_up_confirm")).status_code == 302
    assert client.post(STEP_UP, {"otp": "123456"}, "application/json").status_code == 403


def test_asvs_v7_5_3_api_session_steps_up_with_a_code_that_did_not_sign_in() -> None:
    user = make_user(with_totp=True)
    code = code_of(totp_device(user))
    signed_in = APIClient().post(
        "/api/v1/auth/token",
        {"email": user.email, "password": "long enough for a test", "otp": code},
        format="json",
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {signed_in.json()['access']}")
    age_api()

    replayed = client.post(STEP_UP, {"otp": code}, format="json")
    assert (replayed.status_code, replayed.json()["code"]) == (403, "invalid_code")
    age = ApiSession.objects.get().second_factor_at
    assert age
    assert age < timezone.now() - timedelta(seconds=settings.STEP_UP_SECONDS)
    fresh = client.post(STEP_UP, {"otp": next_code_of(totp_device(user))}, format="json")
    assert fresh.status_code == 200
    assert ApiSession.objects.get().second_factor_at > age  # type: ignore[operator]


def test_step_up_counts_for_its_own_session_only() -> None:
    user = make_user(with_totp=True)
    first, second = api_client(user), api_client(user)
    age_api()
    code = code_of(totp_device(user))
    assert first.post(STEP_UP, {"otp": code}, format="json").status_code == 200
    proven = [row.second_factor_at for row in ApiSession.objects.order_by("created_at")]

    assert proven[0] > proven[1]  # type: ignore[operator]
    assert second.post(STEP_UP, {"otp": code}, format="json").status_code == 403


def test_step_up_of_a_session_without_the_second_factor_is_refused() -> None:
    user = make_user()
    client = APIClient()
    pair = api_session_open(user=user, methods=["pwd"])
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
    answer = client.post(STEP_UP, {"otp": "123456"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_missing")


def test_step_up_by_other_proofs_than_a_session_is_refused() -> None:
    user = make_user(with_totp=True)
    request = portal_request(user, portal_sign_in(user, totp_device(user)))
    request.auth = object()

    with pytest.raises(NotPermitted):
        require_step_up(request)


def test_guarded_form_of_a_user_without_second_factor_leads_to_enrolment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("apps.users.step_up.messages.warning", lambda *_: None)
    answer = post(make_user(), SessionStore(), amount="1")
    assert answer["Location"] == reverse("security")
