"""The client's portfolios: one total, opening, naming, closing, and the switch on every page."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.core.domain.money import Money
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get
from apps.market.models import ReferenceRate
from apps.trading.models import InvestmentPlan, Order, Portfolio, PortfolioTransfer
from apps.trading.services.portfolios import portfolio_open
from apps.trading.services.transfers import cash_move
from apps.users.models import User
from tests.compliance.factories import make_kyc
from tests.market.factories import put_rates
from tests.trading.factories import fund, hold_units, make_market, make_portfolio, place_order
from tests.users.factories import make_user
from tests.users.helpers import prove_second_factor

pytestmark = pytest.mark.django_db(databases=["default", "timescale"])


def test_portfolios_page_adds_all_up(pages: Client, user: User) -> None:
    make_kyc(user)
    make_portfolio(user, cash="1000")
    hold_units(make_portfolio(user, cash="500"), "10")
    make_portfolio(cash="9000")

    page = pages.get("/portfolios/").content.decode()

    assert "$2,599.50" in page  # 1,000 + 500 + 1,000 in units + the 99.50 that hold_units leaves
    assert len(re.findall(r'href="/portfolios/[0-9a-f-]{36}/"', page)) == 2


def test_total_counts_other_currencies_at_the_reference_rate(pages: Client, user: User) -> None:
    put_rates({"USD": "1.25"})
    make_portfolio(user, cash="1000")
    euros = portfolio_open(actor=user, client=user, name="Euros", currency="EUR")
    fund(euros, "100", "EUR")

    assert "$1,125.00" in pages.get("/portfolios/").content.decode()

    ReferenceRate.objects.all().delete()
    page = pages.get("/portfolios/").content.decode()
    assert "$1,000.00 <small>without what has no price or rate" in page


@pytest.mark.parametrize("path", ["/", "/trade/", "/orders/", "/activity/", "/money/deposit/"])
def test_switch_is_on_every_page_and_leads_back(pages: Client, user: User, path: str) -> None:
    make_portfolio(user)
    make_portfolio(user)

    page = pages.get(path).content.decode()

    assert 'id="portfolio-choice"' in page
    assert f'name="next" value="{path}"' in page


def test_switch_leads_to_no_other_site(pages: Client, user: User) -> None:
    portfolio = make_portfolio(user)

    answer = pages.post(
        "/portfolios/select/", {"portfolio": str(portfolio.id), "next": "//evil.example/"}
    )

    assert answer["Location"] == "/"


def test_portfolio_is_opened_renamed_and_closed(pages: Client, user: User) -> None:
    terms = {"name": "Pension", "currency": "EUR", "lot_method": "LIFO"}
    assert pages.post("/portfolios/", terms).status_code == 302
    opened = Portfolio.objects.get(client=user)
    assert (opened.currency, opened.lot_method) == ("EUR", "LIFO")

    assert pages.post(f"/portfolios/{opened.id}/", {"name": "Old age"}).status_code == 302
    assert pages.post(f"/portfolios/{opened.id}/close/").status_code == 302

    opened.refresh_from_db()
    assert opened.name == "Old age"
    assert opened.is_closed
    assert "closed" in pages.get(f"/portfolios/{opened.id}/").content.decode()


def test_close_of_a_portfolio_with_cash_says_what_is_left(pages: Client, user: User) -> None:
    portfolio = make_portfolio(user, cash="7.50")

    answer = pages.post(f"/portfolios/{portfolio.id}/close/")

    assert answer.status_code == 422
    assert "7.5 USD" in answer.content.decode()
    portfolio.refresh_from_db()
    assert not portfolio.is_closed


@pytest.mark.parametrize("way", ["get", "post"])
def test_portfolio_page_of_another_client_is_not_found(pages: Client, way: str) -> None:
    other = make_portfolio()

    assert getattr(pages, way)(f"/portfolios/{other.id}/", {"name": "Mine"}).status_code == 404
    assert pages.post(f"/portfolios/{other.id}/close/").status_code == 404
    other.refresh_from_db()
    assert not other.is_closed


PLAN = {"amount": "100", "weights": "AAPL 50", "frequency": "MONTHLY", "day": "1"}


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, page
    return found[1]


def test_cash_and_units_are_moved_once_per_form(pages: Client, user: User) -> None:
    make_kyc(user)
    source = make_portfolio(user, cash="50")
    hold_units(source, "3")
    target = make_portfolio(user)
    form = {"target": str(target.id)}
    for asset, quantity in (("USD", "20"), ("AAPL", "2")):
        form |= {"asset": asset, "quantity": quantity}
        form["key"] = hidden(pages.get("/money/transfer/").content.decode(), "key")
        assert pages.post("/money/transfer/", form).status_code == 302
        assert pages.post("/money/transfer/", form).status_code == 302

    assert PortfolioTransfer.objects.count() == 2
    assert balance_get(target.id, AccountKind.SECURITIES, "AAPL") == 2
    refused = {**form, "quantity": "99", "key": "forged"}
    assert pages.post("/money/transfer/", refused).status_code == 409


def test_target_is_set_and_its_orders_are_placed_on_the_clients_word(
    pages: Client, user: User
) -> None:
    make_kyc(user)
    make_market()
    portfolio = make_portfolio(user, cash="10000")
    form = {"weights": "AAPL 90", "cash": "10", "absolute_band": "5"}

    assert pages.post("/portfolios/target/", {**form, "cash": "20"}).status_code == 400
    assert pages.post("/portfolios/target/", form).status_code == 302
    assert "outside its band" in pages.get("/portfolios/target/").content.decode()
    assert pages.get("/portfolios/rebalance/")["Location"] == "/portfolios/target/"
    proposed = pages.post("/portfolios/rebalance/")["Location"]
    assert not Order.objects.exists()
    for _ in range(2):
        assert pages.post(proposed).status_code == 302

    assert Order.objects.get(portfolio=portfolio).side == "BUY"
    assert "Place these orders" not in pages.get(proposed).content.decode()
    other = Client()
    other.force_login(make_user(), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert other.get(proposed).status_code == 404
    assert other.post(proposed).status_code == 404


def test_plan_needs_a_fresh_second_factor(pages: Client, user: User) -> None:
    portfolio = make_portfolio(user)
    make_market()
    page = pages.get("/portfolios/plans/").content.decode()
    form = {**PLAN, "start_date": str(timezone.now().date()), "key": hidden(page, "key")}

    assert pages.post("/portfolios/plans/", form)["Location"] == "/settings/security/"
    assert not InvestmentPlan.objects.exists()

    prove_second_factor(pages, user)
    assert pages.post("/portfolios/plans/", form).status_code == 302
    plan = InvestmentPlan.objects.get(portfolio=portfolio)
    assert plan.weights == {"AAPL": "0.5"}
    change = f"/portfolios/plans/{plan.id}/change/"
    shown = pages.get(change).content.decode()
    assert "AAPL 50" in shown
    other = {
        "amount": "77.5",
        "weights": "AAPL 25",
        "day": str(plan.day),
        "end_date": "2100-01-01",
        "version": plan.version,
    }
    assert pages.post(change, other).status_code == 302
    plan.refresh_from_db()
    assert (str(plan.amount.normalize()), plan.weights) == ("77.5", {"AAPL": "0.25"})
    stale = pages.post(change, {**other, "amount": "78"})
    assert (stale.status_code, "has changed since" in stale.content.decode()) == (412, True)
    for action, status in (("pause", "PAUSED"), ("resume", "ACTIVE"), ("end", "ENDED")):
        assert pages.post(f"/portfolios/plans/{plan.id}/", {"action": action}).status_code == 302
        plan.refresh_from_db()
        assert plan.status == status
    assert "Ended" in pages.get("/portfolios/plans/").content.decode()


def test_export_is_a_table_to_keep(pages: Client, user: User) -> None:
    make_kyc(user)
    portfolio = make_portfolio(user)
    hold_units(portfolio, "3")
    cash_move(
        actor=user,
        source_id=portfolio.id,
        target_id=make_portfolio(user).id,
        amount=Money.of("5", "USD"),
        idempotency_key="one",
    )

    place_order(portfolio, order_type="LIMIT", limit_price="1")

    for what in ("positions", "lots", "transactions", "orders", "executions"):
        answer: Any = pages.get(f"/portfolios/export/{what}/")
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert '"AAPL"' in answer.getvalue().decode()
    assert pages.get("/portfolios/export/secrets/").status_code == 404
