"""Portfolios in several currencies: orders, positions and cash, each in its own."""

from datetime import date
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.analytics.models import PortfolioValuation
from apps.analytics.selectors import summary_of
from apps.analytics.services import valuations_record
from apps.core.errors import Refused
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get, ledger_differences
from apps.trading.models import Order, Portfolio
from apps.trading.selectors.cash import cash_list
from apps.trading.selectors.positions import position_list
from apps.trading.services.orders import order_cancel
from apps.trading.services.routing import cancel_route, order_route
from tests.market.factories import make_instrument, put_quote, put_rates
from tests.trading.factories import fund, make_portfolio, place_order

D = Decimal
pytestmark = pytest.mark.django_db(databases=["default", "timescale"])


@pytest.fixture
def portfolio() -> Portfolio:
    make_instrument("SAP", currency="EUR", lot_size=D(1))
    put_quote("SAP", "100", "100", last="100", volume="1000000")
    put_rates({"USD": "1.25", "JPY": "150"})
    return make_portfolio(cash="10000")


def test_order_in_a_foreign_currency_without_its_cash_is_refused(portfolio: Portfolio) -> None:
    with pytest.raises(Refused, match="not enough EUR") as caught:
        place_order(portfolio, symbol="SAP")

    assert caught.value.code == "insufficient_buying_power"
    assert caught.value.facts["limit"] == "0"
    assert not Order.objects.exists()
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == 10000


def test_order_in_a_foreign_currency_trades_with_its_cash_alone(portfolio: Portfolio) -> None:
    fund(portfolio, "2000", "EUR")

    order = place_order(portfolio, symbol="SAP", quantity="3")
    order_route(order_id=order.id)

    order.refresh_from_db()
    assert (order.status, order.currency) == ("FILLED", "EUR")
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == 10000
    assert balance_get(portfolio.id, AccountKind.CASH, "EUR") == D("1699.85")
    assert order.executions.get().fx_rate == D("1.25")
    assert balance_get(portfolio.id, AccountKind.HELD, "EUR") == 0
    assert not list(ledger_differences())


def test_order_in_a_currency_without_a_rate_is_refused(portfolio: Portfolio) -> None:
    fund(portfolio, "2000", "KWD")
    make_instrument("SAP", currency="KWD")

    with pytest.raises(Refused) as caught:
        place_order(portfolio, symbol="SAP")

    assert caught.value.code == "exchange_rate_missing"
    assert not Order.objects.exists()


def test_canceled_order_in_a_foreign_currency_frees_its_cash(portfolio: Portfolio) -> None:
    fund(portfolio, "2000", "EUR")
    order = place_order(
        portfolio,
        symbol="SAP",
        quantity="3",
        order_type="LIMIT",
        limit_price="90",
        time_in_force="GTC",
    )
    assert balance_get(portfolio.id, AccountKind.HELD, "EUR") == D("270.14")
    order_route(order_id=order.id)

    order_cancel(actor=portfolio.client, order_id=order.id)
    cancel_route(order_id=order.id)

    assert balance_get(portfolio.id, AccountKind.CASH, "EUR") == 2000


def test_position_shows_its_own_and_the_portfolios_currency(portfolio: Portfolio) -> None:
    fund(portfolio, "3", "SAP")

    (position,) = position_list(portfolio.id)

    assert (position.currency, position.market_value) == ("EUR", D(300))
    assert (position.portfolio_currency, position.worth) == ("USD", D(375))
    assert position.fx is not None
    assert (position.fx.rate, position.fx.on) == (D("1.25"), timezone.now().date())


def test_cash_list_has_the_own_currency_first_and_its_worth(portfolio: Portfolio) -> None:
    fund(portfolio, "1500", "JPY")
    fund(portfolio, "10", "EUR")

    rows = cash_list(portfolio.id, "USD")

    assert [(row.currency, row.free, row.worth) for row in rows] == [
        ("USD", D(10000), D(10000)),
        ("EUR", D(10), D("12.5")),
        ("JPY", D(1500), D("12.5")),
    ]


def test_values_of_the_portfolio_are_in_its_currency_at_the_days_rates(
    portfolio: Portfolio,
) -> None:
    put_rates({"USD": "2"}, on=date(2020, 1, 2))
    fund(portfolio, "10", "EUR")
    fund(portfolio, "3", "SAP")

    summary = summary_of(portfolio)
    valuations_record()

    valuation = PortfolioValuation.objects.get(portfolio_id=portfolio.id)
    assert (summary.cash, summary.invested) == (D("10012.5"), D(375))
    assert summary.value == D("10387.5")
    assert summary.is_complete
    assert summary.fx_rates_on == timezone.now().date()
    assert (valuation.total, valuation.is_complete) == (summary.value, True)


def test_values_without_a_rate_are_left_out_and_marked(portfolio: Portfolio) -> None:
    fund(portfolio, "1", "KWD")

    summary = summary_of(portfolio)
    valuations_record()

    valuation = PortfolioValuation.objects.get(portfolio_id=portfolio.id)
    assert (summary.value, summary.is_complete) == (D(10000), False)
    assert (valuation.total, valuation.is_complete) == (D(10000), False)
