"""A client's whole way by API: joins, is checked and approved, looked at again, and frozen."""

import re
from datetime import date, timedelta
from typing import Any
from unittest import mock

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from apps.audit.services import outbox_deliver
from apps.compliance import tasks
from apps.compliance.services.own_list import entry_propose_put, own_list_confirm
from apps.trading.models import Portfolio
from apps.users.models import User
from apps.users.services.second_factor import totp_begin, totp_confirm
from tests.compliance.alert_factories import make_officer
from tests.compliance.factories import ANSWERS, image_bytes
from tests.trading.factories import fund, make_market
from tests.users.factories import api_client
from tests.users.helpers import code_of, next_code_of

pytestmark = pytest.mark.django_db
EMAIL, PASSWORD = "ada@client.example", "a-long-enough-passphrase-7"
LISTED = {"uid": "own-1", "kind": "PERSON", "name": "Ada Lovelace", "birth_dates": "1985-12-10"}
V1 = "/api/v1"


def ask(api: APIClient, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
    """Send one request to the API; fail unless it is answered so."""
    send = getattr(api, method.lower())
    headers = {"Idempotency-Key": f"{method}-{path}-{status}"[:100]}
    if method == "GET":
        answer = send(f"{V1}{path}", body or {})
    else:
        answer = send(f"{V1}{path}", body or {}, format="json", headers=headers)
    assert answer.status_code == status, answer.content
    return answer.json()


def registered() -> APIClient:
    """Register in the portal, follow the mail's link, enrol a second factor, sign in by API."""
    portal = Client()
    form = {"email": EMAIL, "password1": PASSWORD, "password2": PASSWORD}
    assert portal.post("/accounts/signup/", form).status_code == 302
    outbox_deliver(context="notifications")
    link = re.search(r"/accounts/confirm-email/\S+/", str(mail.outbox[-1].body))
    assert link is not None
    portal.post(link[0])
    user = User.objects.get(email=EMAIL)
    device = totp_begin(user=user)
    totp_confirm(user=user, code=code_of(device))
    api = APIClient()
    said = {"email": EMAIL, "password": PASSWORD, "otp": next_code_of(device)}
    token = ask(api, "POST", "/auth/token", said)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {token['access']}")
    return api


def hand_in(api: APIClient) -> None:
    """Answer every step, upload a passport, sign for the tax residence, hand in."""
    for step, answers in ANSWERS.items():
        ask(api, "PUT", f"/kyc/steps/{step}", answers)
    passport = {
        "kind": "PASSPORT",
        "file": SimpleUploadedFile("passport.jpg", image_bytes()),
        "expiry_date": (timezone.localdate() + timedelta(days=3000)).isoformat(),
    }
    assert api.post(f"{V1}/kyc/documents", passport, format="multipart").status_code == 201
    wording = ask(api, "GET", "/kyc/self-certification")["wording_version"]
    ask(api, "POST", "/kyc/self-certification", {"wording_version": wording})
    assert ask(api, "POST", "/kyc/submit")["status"] == "SUBMITTED"
    outbox_deliver(context="compliance")


def decide(officer: APIClient, file: dict[str, Any]) -> dict[str, Any]:
    said = {"outcome": "APPROVE", "reason_code": "VERIFIED"}
    read = {"evidence_version": file["evidence_version"]}
    path = f"/kyc-records/{file['id']}"
    made = ask(officer, "POST", f"{path}/decisions", {**said, **read}, status=201)
    assert made["status"] == "FINAL"
    return dict(ask(officer, "GET", path))


def test_client_is_approved_reviewed_and_frozen_by_api() -> None:
    client, officer = registered(), api_client(make_officer())
    hand_in(client)

    work = ask(officer, "POST", "/work-items/next")["item"]
    assert work["kind"] == "KYC"
    file = ask(officer, "GET", f"/kyc-records/{work['subject_id']}")
    assert (file["status"], file["risk_rating"], file["hits"]) == ("IN_REVIEW", "LOW", [])
    file = decide(officer, file)
    assert (file["status"], ask(client, "GET", "/kyc")["status"]) == ("APPROVED", "APPROVED")

    portfolio_id = trade(client)
    file = review(officer, file)
    assert (file["status"], file["review"]) == ("APPROVED", None)

    freeze(officer, file)
    assert ask(client, "GET", "/kyc")["status_text"] == "Your account is paused. Please contact us."
    for path, body in business(portfolio_id):
        refused = ask(client, "POST", path, body, status=422)
        assert refused["code"] == "account_frozen", path
    assert "match" not in str(ask(client, "GET", "/notifications")).lower()


def business(portfolio_id: str) -> list[tuple[str, dict[str, str]]]:
    """Return an order and a withdrawal."""
    order = {"portfolio_id": portfolio_id, "symbol": "AAPL", "side": "SELL", "type": "MARKET"}
    cash = {"amount": "10", "currency": "USD"}
    return [
        ("/orders", {**order, "quantity": "1"}),
        (f"/portfolios/{portfolio_id}/withdrawals", cash),
    ]


def trade(client: APIClient) -> str:
    """Open a portfolio and rest an order in it, which a freeze must cancel."""
    make_market()
    portfolio = ask(client, "POST", "/portfolios", {"name": "Mine"}, status=201)
    fund(Portfolio.objects.get(), "1000")
    order = {"portfolio_id": portfolio["id"], "symbol": "AAPL", "side": "BUY", "quantity": "1"}
    resting = {"type": "LIMIT", "limit_price": "95"}
    ask(client, "POST", "/orders", {**order, **resting}, status=201)
    return str(portfolio["id"])


def review(officer: APIClient, file: dict[str, Any]) -> dict[str, Any]:
    """Let the day of the periodic review come, and approve anew."""
    due = date.fromisoformat(file["next_review_date"])
    with mock.patch("django.utils.timezone.localdate", return_value=due - timedelta(days=1)):
        tasks.watch_reviews()
    assert ask(officer, "GET", f"/kyc-records/{file['id']}")["status"] == "APPROVED"
    with mock.patch("django.utils.timezone.localdate", return_value=due):
        tasks.watch_reviews()
    under = ask(officer, "GET", f"/kyc-records/{file['id']}")
    assert (under["status"], under["review"]["reasons"]) == ("UNDER_REVIEW", ["PERIODIC"])
    assert ask(officer, "GET", "/work-items", {"kind": "KYC"})["results"][0]["topic"]
    return decide(officer, under)


def freeze(officer: APIClient, file: dict[str, Any]) -> None:
    """Two officers list a name; the hit that the change brings is a true match."""
    change = entry_propose_put(actor=make_officer(), cells=LISTED, reason="A court order")
    own_list_confirm(actor=make_officer(), change_id=change.id)
    tasks.rescreen_clients()
    whose = {"status": "OPEN", "client_id": file["client_id"]}
    (hit,) = ask(officer, "GET", "/screening/hits", whose)["results"]
    said = {"disposition": "TRUE_MATCH", "reason_code": "IDENTIFIERS_MATCH", "reason": "Same birth"}
    stale = {**said, "evidence_version": file["evidence_version"]}
    path = f"/screening/hits/{hit['id']}/decisions"
    assert ask(officer, "POST", path, stale, status=409)["code"] == "stale_evidence"
    ask(officer, "POST", path, {**said, "evidence_version": hit["evidence_version"]})
    frozen = ask(officer, "GET", f"/kyc-records/{file['id']}")
    assert (frozen["status"], frozen["risk_rating"]) == ("SUSPENDED", "PROHIBITED")
    assert ask(officer, "GET", "/work-items", {"kind": "CASE", "held": "ME"})["results"]
