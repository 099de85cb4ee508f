"""Ids of others in path, query, body, nested addresses and topics; fields nobody may set."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django import forms
from rest_framework import serializers

from apps.infrastructure.api.serializers import InputSerializer
from apps.market.consumers.frames import FrameError, parse
from apps.trading.models import Order
from apps.users.access import url_operations
from apps.users.domain.roles import Role
from tests.users.factories import make_user
from tests.users.world import Visitor, make_account, visitor, visitor_of

PRIVILEGED = {
    *("id", "pk", "user", "user_id", "client", "client_id", "owner", "owner_id", "actor"),
    *("is_staff", "is_superuser", "is_active", "groups", "roles", "permissions", "reach"),
    *("mode", "lot_method", "risk_rating", "evidence_version", "reviewed", "held_amount"),
}
# What these ask for: a key is made for one mode, staff name whom a limit or a restriction is for
# and which evidence they read, whose rows they look for, an entity who owns it and in which roles.
CHOSEN = {
    "ApiKeyInput": {"mode"},
    "ApiKeyForm": {"mode"},
    "HitDecisionInput": {"evidence_version"},
    "KycDecisionInput": {"evidence_version"},
    "InformationRequestInput": {"evidence_version"},
    "ConfirmationInput": {"evidence_version"},
    "FindingInput": {"evidence_version"},
    "HitFilter": {"client_id"},
    "WorkFilter": {"client_id"},
    "KycRecordFilter": {"client_id", "risk_rating"},
    "HoldingForm": {"owner", "roles"},
    "HoldingInput": {"owner", "roles"},
    "LimitForm": {"owner"},
    "LotMethodInput": {"lot_method"},
    "PortfolioInput": {"mode", "lot_method"},
    "PortfolioForm": {"mode", "lot_method"},
    "RestrictionForm": {"client_id"},
}
PATHS = (
    *("GET /api/v1/portfolios/{portfolio_id}", "GET /api/v1/portfolios/{portfolio_id}/positions"),
    *(
        "GET /api/v1/portfolios/{portfolio_id}/lots",
        "GET /api/v1/portfolios/{portfolio_id}/summary",
        "GET /api/v1/portfolios/{portfolio_id}/gains",
        "GET /api/v1/portfolios/{portfolio_id}/gains.csv",
        "GET /api/v1/portfolios/{portfolio_id}/exports/orders",
    ),
    "GET /api/v1/portfolios/{portfolio_id}/ledger-entries",
    "GET /api/v1/portfolios/{portfolio_id}/performance",
    "GET /api/v1/portfolios/{portfolio_id}/deposits",
    "GET /api/v1/portfolios/{portfolio_id}/withdrawals",
    "GET /api/v1/orders/{order_id}",
    "POST /api/v1/orders/{order_id}/cancel",
    "GET /api/v1/kyc/documents/{document_id}/content",
    "GET /api/v1/alerts/{alert_id}",
    *("GET /api/v1/kyc-records/{record_id}", "POST /api/v1/kyc-records/{record_id}/decisions"),
    "GET /orders/{order_id}/",
    "POST /orders/{order_id}/cancel/",
    "POST /portfolios/{portfolio_id}/",
    "POST /verification/documents/{document_id}/",
)


def told(answer: Any) -> Any:
    """Return what an API answer says, without the id of the request."""
    if not answer.headers["Content-Type"].startswith("application/"):
        return answer.status_code
    return answer.status_code, {**answer.json(), "request_id": ""}


@pytest.fixture
def account() -> dict[str, Any]:
    return make_account()


@pytest.fixture
def stranger() -> Visitor:
    return visitor(make_user())


@pytest.mark.django_db(databases=["default", "timescale"])
def test_asvs_v8_4_1_ids_of_another_client_in_the_path_look_absent(
    account: dict[str, Any], stranger: Visitor
) -> None:
    absent = {name: uuid4() for name in account}
    for line in PATHS:
        method, _, path = line.partition(" ")
        answer = stranger.ask(method, path.format(**account))
        assert answer.status_code == 404, line
        assert told(answer) == told(stranger.ask(method, path.format(**absent))), line
    assert Order.objects.get(pk=account["order_id"]).status == "NEW"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/orders", "/api/v1/orders/preview"])
def test_asvs_v8_4_1_portfolio_of_another_client_in_the_body_looks_absent(
    account: dict[str, Any], stranger: Visitor, path: str
) -> None:
    terms = {"symbol": "AAPL", "side": "BUY", "type": "MARKET", "quantity": "1"}
    portfolio = str(account["portfolio_id"])

    foreign = stranger.ask("POST", path, {**terms, "portfolio_id": portfolio})
    absent = stranger.ask("POST", path, {**terms, "portfolio_id": str(uuid4())})

    assert foreign.status_code == 404
    assert told(foreign) == told(absent)
    assert Order.objects.filter(portfolio_id=account["portfolio_id"]).count() == 2


@pytest.mark.django_db
def test_asvs_v8_4_1_portfolio_of_another_client_in_the_query_finds_nothing(
    account: dict[str, Any], stranger: Visitor
) -> None:
    answer = stranger.ask("GET", "/api/v1/orders", {"portfolio_id": str(account["portfolio_id"])})

    assert answer.json()["results"] == []
    assert stranger.ask("GET", "/api/v1/trades").json()["results"] == []
    assert stranger.ask("GET", "/api/v1/portfolios").json() == []


@pytest.mark.django_db(databases=["default", "timescale"])
def test_asvs_v8_4_1_portfolio_of_another_client_nested_under_an_own_one_is_not_found(
    account: dict[str, Any],
) -> None:
    other = make_account()
    adviser = visitor_of(Role.ADVISER, account["client"])
    mine, theirs = account["portfolio_id"], other["portfolio_id"]
    page = f"/clients/{account['client_id']}/portfolios"

    assert adviser.ask("GET", f"{page}/{mine}/").status_code == 200
    assert adviser.ask("GET", f"{page}/{theirs}/").status_code == 404
    assert adviser.ask("GET", f"/clients/{other['client_id']}/").status_code == 404


@pytest.mark.parametrize(
    "frame",
    [
        {"op": "subscribe", "channel": "orders.{}"},
        {"op": "subscribe", "channel": "user.{}"},
        {"op": "subscribe", "channel": "orders", "user_id": "{}"},
        {"op": "subscribe", "channel": "orders", "symbols": ["{}"]},
        {"op": "subscribe", "channel": "notifications", "portfolio_id": "{}"},
    ],
)
def test_asvs_v8_4_1_topic_of_the_live_feed_names_no_other_user(frame: dict[str, Any]) -> None:
    with pytest.raises(FrameError):
        parse(frame, max_symbols=10)


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)


# Walking the addresses loads every view, and with it every serializer and form.
assert list(url_operations())
INPUTS = sorted(
    {
        kind
        for kind in _subclasses(InputSerializer)
        if kind.__module__.startswith("apps.") and kind is not InputSerializer
    },
    key=lambda kind: kind.__qualname__,
)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", INPUTS, ids=lambda kind: kind.__name__)
def test_asvs_v15_3_3_input_of_the_api_refuses_fields_that_nobody_may_set(
    kind: type[InputSerializer],
) -> None:
    extra = PRIVILEGED - CHOSEN.get(kind.__name__, set())
    asked = kind(data=dict.fromkeys(sorted(extra)[:20], "x"))

    assert not asked.is_valid()
    codes = {name: [detail.code for detail in asked.errors[name]] for name in sorted(extra)[:20]}
    assert set(map(tuple, codes.values())) == {("unknown_field",)}
    assert not extra & set(kind().fields)


def test_asvs_v15_3_3_every_input_of_the_api_and_every_form_is_looked_at() -> None:
    assert {"OrderInput", "TransferInput", "PortfolioInput"} <= {kind.__name__ for kind in INPUTS}
    assert {"TicketForm", "TransferForm", "StepForm"} <= {kind.__name__ for kind in FORMS}


def test_asvs_v15_3_3_no_input_of_the_api_or_form_is_made_of_a_table() -> None:
    made = [
        kind.__qualname__
        for base in (serializers.ModelSerializer, forms.ModelForm)
        for kind in _subclasses(base)
        if kind.__module__.startswith("apps.")
    ]

    assert made == []


FORMS = sorted(
    {kind for kind in _subclasses(forms.Form) if kind.__module__.startswith("apps.")},
    key=lambda kind: kind.__qualname__,
)


@pytest.mark.parametrize("kind", FORMS, ids=lambda kind: kind.__name__)
def test_asvs_v15_3_3_form_of_a_page_has_no_field_that_nobody_may_set(
    kind: type[forms.Form],
) -> None:
    # Choosing both is what an assignment is, and only an administrator reaches the form.
    allowed = CHOSEN.get(kind.__name__, {"client"} if kind.__name__ == "AssignmentForm" else set())

    assert not (PRIVILEGED - allowed) & set(kind.base_fields)


@pytest.mark.django_db
def test_asvs_v15_3_3_portfolio_is_opened_for_the_caller_whatever_the_body_says(
    stranger: Visitor, account: dict[str, Any]
) -> None:
    body = {"name": "Mine", "client": str(account["client_id"])}

    assert stranger.ask("POST", "/api/v1/portfolios", body).status_code == 400


@pytest.mark.django_db
def test_asvs_v8_2_3_client_never_reads_how_the_firm_rates_or_screens_them(
    account: dict[str, Any],
) -> None:
    client = visitor(account["client"])

    answers = [client.ask("GET", path).json() for path in ("/api/v1/kyc", "/api/v1/account")]

    assert not {"risk_rating", "risk_factors", "hits", "score", "alerts"} & set(answers[0])
    assert not {"is_staff", "is_superuser", "password"} & set(answers[1])
    for method in ("PUT", "PATCH"):
        assert client.ask(method, "/api/v1/account", {"roles": ["AUDITOR"]}).status_code == 405


@pytest.mark.django_db
def test_asvs_v8_2_3_adviser_reads_the_account_and_no_kyc_and_no_alert(
    account: dict[str, Any],
) -> None:
    adviser = visitor_of(Role.ADVISER, account["client"])

    assert adviser.ask("GET", f"/api/v1/orders/{account['order_id']}").status_code == 200
    for path in (
        f"/api/v1/kyc/documents/{account['document_id']}/content",
        f"/api/v1/alerts/{account['alert_id']}",
        f"/admin/compliance/kycrecord/{account['record_id']}/change/",
    ):
        assert adviser.ask("GET", path).status_code in {403, 404}, path


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/metrics", "/health", "/admin/", "/api/v1/schema"])
def test_asvs_v13_4_5_machinery_and_descriptions_are_not_public(path: str) -> None:
    answer = visitor(None).ask("GET", path)

    assert answer.status_code in {302, 401, 403}
    assert b"openapi" not in answer.content


@pytest.mark.django_db
def test_asvs_v14_3_2_answers_with_personal_data_are_kept_by_no_cache(
    account: dict[str, Any],
) -> None:
    client = visitor(account["client"])
    officer = visitor_of(Role.COMPLIANCE_OFFICER, account["client"])
    document = account["document_id"]
    seen = [
        *(client.ask("GET", path) for path in ("/activity/", "/settings/", "/verification/")),
        client.ask("POST", f"/verification/documents/{document}/"),
        *(client.ask("GET", f"/api/v1/{path}") for path in ("account", "orders", "kyc")),
        client.ask("GET", f"/api/v1/kyc/documents/{document}/content"),
        officer.ask("GET", "/admin/compliance/kycrecord/"),
        officer.ask("GET", f"/admin/compliance/kycrecord/{account['record_id']}/change/"),
    ]

    assert {answer.status_code for answer in seen} == {200}
    assert all("no-store" in answer.headers["Cache-Control"] for answer in seen)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"type": "LIMIT", "quantity": "1"}, "limit_price"),
        ({"type": "STOP", "quantity": "1"}, "stop_price"),
        ({"type": "MARKET", "quantity": "1", "limit_price": "5"}, "limit_price"),
        ({"type": "MARKET", "quantity": "1", "notional": "5"}, "quantity"),
        ({"type": "MARKET"}, "quantity"),
    ],
)
def test_asvs_v2_2_3_fields_of_an_order_that_do_not_fit_together_are_refused(
    account: dict[str, Any], terms: dict[str, str], field: str
) -> None:
    client = visitor(account["client"])
    body = {"portfolio_id": str(account["portfolio_id"]), "symbol": "AAPL", "side": "BUY", **terms}

    answer = client.ask("POST", "/api/v1/orders/preview", body)

    assert (answer.status_code, answer.json()["facts"]["field"]) == (400, field)
