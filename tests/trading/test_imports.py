"""Lots from another broker: all or none, once, at their days and costs."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.core.errors import Conflict, DomainError, NotFound, NotPermitted, Refused
from apps.ledger.models import Entry
from apps.ledger.selectors import ledger_differences
from apps.trading.domain.imports import Column, ColumnMapping, DateOrder, DecimalSign
from apps.trading.models import Lot, Portfolio, PositionImport, ValueFlow
from apps.trading.selectors.positions import position_list
from apps.trading.services.imports import import_confirm, import_decline, positions_import
from apps.users.domain.roles import Role
from apps.users.services.step_up import SESSION_KEY
from tests.trading.factories import make_live_portfolio, make_market, make_portfolio
from tests.users.factories import make_user
from tests.users.world import visitor

pytestmark = pytest.mark.django_db
D = Decimal
TEXT = "Symbol,Quantity,Acquired,Cost\nAAPL,2,2020-01-02,150.10\nAAPL,0.5,2021-03-04,80\n"
PLACES = {Column.SYMBOL: 0, Column.QUANTITY: 1, Column.ACQUIRED: 2, Column.COST: 3}
MAPPING = ColumnMapping(PLACES, DateOrder.YMD, DecimalSign.POINT)


GATES = ["apps.compliance.gates.check_client_cleared"]


@pytest.fixture(autouse=True)
def _no_gates_for_money(settings: Settings) -> None:
    settings.CASH_CHECKS = []


def bring(portfolio: Portfolio, text: str = TEXT, key: str = "k", **terms: Any) -> PositionImport:
    given = {"actor": portfolio.client, "mapping": MAPPING, **terms}
    return positions_import(portfolio_id=portfolio.id, text=text, idempotency_key=key, **given)


def test_lots_come_into_a_paper_portfolio_at_once_and_once() -> None:
    make_market("AAPL", "100")
    portfolio = make_portfolio()

    batch = bring(portfolio)
    again = bring(portfolio)

    assert (again.id, batch.status, batch.value) == (batch.id, "APPLIED", D(250))
    lots = Lot.objects.filter(portfolio=portfolio).order_by("acquired_at")
    found = [(one.origin, one.quantity, one.cost, one.acquired_at.date()) for one in lots]
    assert found == [
        ("IMPORT", D(2), D("150.10"), date(2020, 1, 2)),
        ("IMPORT", D("0.5"), D(80), date(2021, 3, 4)),
    ]
    [position] = position_list(portfolio.id)
    assert (position.quantity, position.cost) == (D("2.5"), D("230.10"))
    assert ValueFlow.objects.get(portfolio=portfolio).amount == D(250)
    assert Entry.objects.filter(kind="TRANSFER_IN").count() == 1
    assert not list(ledger_differences())


def test_import_that_cannot_be_leaves_nothing(settings: Settings) -> None:
    make_market("AAPL", "100")
    portfolio = make_portfolio()
    refusals: list[tuple[dict[str, Any], type[DomainError], str]] = [
        ({"actor": make_user()}, NotFound, "not_found"),
        ({"text": TEXT + "NOPE,1,2020-01-02,1\n"}, Refused, "rows_refused"),
        ({"text": "nothing"}, Refused, "file_empty"),
        ({"key": ""}, DomainError, "invalid_input"),
    ]
    for terms, error, code in refusals:
        with pytest.raises(error) as refused:
            bring(portfolio, **terms)
        assert refused.value.code == code
    settings.CASH_CHECKS = GATES
    with pytest.raises(Refused):
        bring(portfolio)
    settings.CASH_CHECKS = []
    assert not PositionImport.objects.exists()
    assert not Lot.objects.exists()

    bring(portfolio)
    with pytest.raises(Conflict) as same_file:
        bring(portfolio, text=TEXT.replace("\n", "\r\n"), key="other")
    with pytest.raises(Conflict) as same_key:
        bring(portfolio, text=TEXT + "AAPL,1,2020-01-02,1\n")
    assert same_file.value.code == "file_imported"
    assert same_key.value.code == "idempotency_key_reused"
    assert Lot.objects.count() == 2


def test_live_portfolio_waits_for_operations() -> None:
    make_market("AAPL", "100")
    portfolio, officer = make_live_portfolio(), make_user(Role.OPERATIONS)

    batch = bring(portfolio)
    with pytest.raises(NotPermitted):
        import_confirm(actor=portfolio.client, import_id=batch.id)
    assert (batch.status, Lot.objects.count()) == ("REQUESTED", 0)
    import_decline(actor=officer, import_id=batch.id, reason="Nothing came")
    second = bring(portfolio, key="again")
    import_confirm(actor=officer, import_id=second.id)

    assert Lot.objects.filter(portfolio=portfolio).count() == 2
    with pytest.raises(Conflict):
        import_decline(actor=officer, import_id=second.id, reason="Too late")
    with pytest.raises(Conflict):
        import_confirm(actor=officer, import_id=batch.id)


def test_client_uploads_looks_and_imports_in_the_portal_and_by_the_api(client: Client) -> None:
    make_market("AAPL", "100")
    portfolio = make_portfolio()
    client.force_login(portfolio.client)
    content = f"{TEXT}<b>,1,2020-01-02,1\n".encode("utf-16")
    page = client.post("/portfolios/import/", {"file": SimpleUploadedFile("a.csv", content)})
    form = page.context["form"]
    values = {name: form[name].value() for name in form.fields}

    wrong = client.post("/portfolios/import/", {**values, "command": "import"})
    odd = client.post("/portfolios/import/", {"text": "x", "command": "import"})
    binary = client.post(
        "/portfolios/import/", {"file": SimpleUploadedFile("a.csv", b"PK\x03\x04\x00")}
    )
    right = client.post(
        "/portfolios/import/",
        {**values, "text": TEXT.replace("\n", "\r\n"), "command": "import"},
    )

    assert "Symbol unknown" in page.content.decode()
    statuses = [one.status_code for one in (page, wrong, odd, binary, right)]
    assert statuses == [200, 422, 422, 422, 302]
    assert "In the portfolio" in client.get("/portfolios/import/").content.decode()
    api, address = visitor(portfolio.client).api, f"/api/v1/portfolios/{portfolio.id}/imports"
    preview = api.post(f"{address}/preview", {"content": TEXT}, format="json").json()
    assert (len(preview["lots"]), preview["can_come_in"]) == (2, True)
    body = {"content": TEXT, "mapping": {"symbol": 0, "quantity": 1, "acquired": 2, "cost": 3}}
    answer = api.post(address, body, format="json", HTTP_IDEMPOTENCY_KEY="one")
    assert (answer.status_code, answer.json()["code"]) == (409, "file_imported")
    assert len(api.get(address).json()["results"]) == 1


def test_desk_confirms_what_arrived() -> None:
    make_market("AAPL", "100")
    batch = bring(make_live_portfolio())
    browser = visitor(make_user(Role.OPERATIONS, with_totp=True)).browser
    session = browser.session
    session[SESSION_KEY] = timezone.now().isoformat()
    session.save()

    browser.post(
        "/admin/trading/positionimport/", {"action": "confirm", "_selected_action": str(batch.id)}
    )

    batch.refresh_from_db()
    assert batch.status == "APPLIED"
    shown = browser.get(f"/admin/trading/positionimport/{batch.id}/change/").content.decode()
    assert "150.10" in shown
