"""What sales realised, FX apart, and the tax report over a client's portfolios."""

from decimal import Decimal

import pytest

from apps.audit.models import AuditEvent
from apps.core.errors import InvalidInput, NotFound
from apps.trading.domain.gains import gain_of
from apps.trading.models import Lot, LotConsumption, Portfolio
from apps.trading.selectors.gains import gain_list, lot_views
from apps.trading.selectors.positions import position_list
from apps.trading.selectors.tax_reports import tax_report
from apps.trading.services.lot_method import lot_method_change
from tests.market.factories import put_quote, put_rates
from tests.trading.factories import make_portfolio
from tests.trading.issuers import applied, split, take_back, trade
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def portfolio() -> Portfolio:
    return make_portfolio()


@pytest.mark.parametrize(
    ("cost", "value", "rates", "effects"),
    [
        ("1000", "1200", ("0.90", "0.80"), ("180", "-120")),
        ("1000", "1000", ("0.90", "0.95"), ("0", "50")),
        ("1000", "800", ("1", "1"), ("-200", "0")),
        ("0", "10", ("0.5", "0.6"), ("5", "1")),
    ],
    ids=["both", "currency only", "price only", "for nothing"],
)
def test_gain_parts_the_price_from_the_currency(
    cost: str, value: str, rates: tuple[str, str], effects: tuple[str, str]
) -> None:
    then, now = rates
    gain = gain_of(cost=D(cost), value=D(value), rate_then=D(then), rate_now=D(now))

    assert (gain.price_effect, gain.fx_effect) == (D(effects[0]), D(effects[1]))
    assert gain.total == D(value) * D(now) - D(cost) * D(then)


def test_gain_of_rates_that_do_not_end_adds_up_exactly() -> None:
    gain = gain_of(
        cost=D("99.99"), value=D("133.33"), rate_then=D("0.923617001847"), rate_now=D("0.8137")
    )

    total = (D("133.33") * D("0.8137") - D("99.99") * D("0.923617001847")).quantize(D("1e-8"))
    assert gain.price_effect + gain.fx_effect == gain.total == total


def test_position_in_another_currency_shows_price_and_currency_apart(
    portfolio: Portfolio,
) -> None:
    trade(portfolio, "BUY", "10", "100", on="2024-01-02")
    Portfolio.objects.filter(id=portfolio.id).update(currency="EUR")
    Lot.objects.update(fx_rate=D("0.90"))
    put_rates({"USD": "1.25"})
    put_quote("AAPL", "120", "120")

    (position,) = position_list(portfolio.id)

    # 1000.50 USD at 0.90; 1200 USD at 0.80.
    assert (position.currency, position.portfolio_currency) == ("USD", "EUR")
    assert (position.portfolio_cost, position.worth) == (D("900.45"), D("960.00"))
    assert (position.price_effect, position.fx_effect) == (D("179.55"), D("-120.00"))
    assert position.portfolio_profit == D("59.55")
    (lot,) = lot_views(portfolio.id, "AAPL", rate=D("0.8"))
    assert lot.gain is not None
    assert lot.gain.total == D("59.55")


def test_position_without_a_rate_has_no_worth(portfolio: Portfolio) -> None:
    trade(portfolio, "BUY", "10", "100", on="2024-01-02")
    Portfolio.objects.filter(id=portfolio.id).update(currency="EUR")

    (position,) = position_list(portfolio.id)

    assert (position.worth, position.portfolio_profit, position.fx_effect) == (None, None, None)
    assert position.cost == D("1000.50")


def test_sale_keeps_the_evidence_of_the_lots_it_took(portfolio: Portfolio) -> None:
    trade(portfolio, "BUY", "3", "100", on="2020-01-02")
    trade(portfolio, "BUY", "7", "110", on="2021-01-04")
    sale = trade(portfolio, "SELL", "5", "120", on="2021-02-01")

    rows = list(gain_list(portfolio.id))

    assert [(row.quantity, row.held_days, row.term.value) for row in reversed(rows)] == [
        (Decimal(3), 396, "LONG"),
        (Decimal(2), 28, "SHORT"),
    ]
    assert {row.method for row in rows} == {"FIFO"}
    assert sum(row.proceeds or 0 for row in rows) == sale.amount - sale.fees
    assert sum(row.gain.local for row in rows) == sale.profit
    assert gain_list(portfolio.id, year=2020).count() == 0
    assert gain_list(portfolio.id, year=2021, symbol="AAPL").count() == 2


def test_lot_method_change_counts_for_later_sales_only(portfolio: Portfolio) -> None:
    trade(portfolio, "BUY", "5", "100", on="2020-01-02")
    trade(portfolio, "BUY", "5", "110", on="2021-01-04")
    first = trade(portfolio, "SELL", "2", "120", on="2021-02-01")

    lot_method_change(actor=portfolio.client, portfolio_id=portfolio.id, method="LIFO")
    lot_method_change(actor=portfolio.client, portfolio_id=portfolio.id, method="LIFO")
    second = trade(portfolio, "SELL", "2", "120", on="2021-02-02")

    days = {
        sale.id: LotConsumption.objects.get(execution=sale).lot.acquired_at.year
        for sale in (first, second)
    }
    assert days == {first.id: 2020, second.id: 2021}
    event = AuditEvent.objects.get(name="trading.portfolio.lot_method_changed")
    assert (event.payload["before"], event.payload["after"]) == ("FIFO", "LIFO")
    assert event.payload["effective_at"]


def test_lot_method_of_another_client_is_not_changed(portfolio: Portfolio) -> None:
    with pytest.raises(NotFound):
        lot_method_change(actor=make_user(), portfolio_id=portfolio.id, method="LIFO")
    with pytest.raises(InvalidInput):
        lot_method_change(actor=portfolio.client, portfolio_id=portfolio.id, method="WORST")

    portfolio.refresh_from_db()
    assert portfolio.lot_method == "FIFO"


def test_tax_report_finds_the_replacement_in_another_portfolio(portfolio: Portfolio) -> None:
    other = make_portfolio(client=portfolio.client)
    trade(portfolio, "BUY", "10", "100", on="2020-01-02")
    trade(portfolio, "SELL", "10", "80", on="2021-12-20")
    trade(other, "BUY", "4", "82", on="2022-01-10")
    trade(other, "SELL", "4", "90", on="2022-03-01")

    report = tax_report(portfolio.client_id, 2021)

    assert [(row.description, row.code, row.adjustment) for row in report.rows] == [
        ("4 AAPL", "W", D("80.36")),
        ("6 AAPL", "", 0),
    ]
    (total,) = report.totals
    assert (total.term, total.gain) == ("LONG", D("-120.54"))
    # The loss that was put off comes back in the sale of the units that replaced.
    (later,) = tax_report(portfolio.client_id, 2022).rows
    assert (later.term, later.cost) == ("LONG", D("328.16") + D("80.36"))
    # The books keep what was paid.
    assert Lot.objects.get(portfolio=other).cost == D("328.16")


def test_tax_report_sees_a_replacement_through_a_split(portfolio: Portfolio) -> None:
    trade(portfolio, "BUY", "10", "100", on="2020-01-02")
    trade(portfolio, "SELL", "5", "80", on="2020-08-20")
    applied(split("2020-08-31", "4"))
    trade(portfolio, "BUY", "8", "20", on="2020-09-04")

    (washed, rest) = tax_report(portfolio.client_id, 2020).rows

    # 8 new units are 2 old ones.
    assert (washed.description, washed.code) == ("2 AAPL", "W")
    assert rest.description == "3 AAPL"


def test_tax_report_leaves_out_what_was_taken_back(portfolio: Portfolio) -> None:
    trade(portfolio, "BUY", "15", "100", on="2020-01-02")
    action = applied(split("2020-08-31", "1", "10", cash_in_lieu=D(900)))
    assert len(tax_report(portfolio.client_id, 2020).rows) == 1

    take_back(action)

    assert tax_report(portfolio.client_id, 2020).rows == ()
    assert list(gain_list(portfolio.id)) == []


def test_tax_report_of_others_and_of_absurd_years_is_empty_or_refused(
    portfolio: Portfolio,
) -> None:
    trade(portfolio, "BUY", "1", "100", on="2020-01-02")
    trade(portfolio, "SELL", "1", "90", on="2020-02-03")

    assert tax_report(make_user().id, 2020).rows == ()
    with pytest.raises(NotFound):
        tax_report(portfolio.client_id, 3000)
