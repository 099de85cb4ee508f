"""What an order costs in statements; a new one on this path is a decision, not an accident."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apps.trading.models import Order
from apps.trading.services.orders import order_cancel
from apps.trading.services.routing import cancel_route, order_route
from tests.compliance.factories import make_kyc
from tests.trading.factories import make_market, make_portfolio, place_order

pytestmark = pytest.mark.django_db


def statements(task: Callable[[], Any]) -> int:
    """Count them without the savepoint that a test's own transaction makes of each command's."""
    with CaptureQueriesContext(connection) as captured:
        task()
    return sum("SAVEPOINT" not in str(query["sql"]) for query in captured.captured_queries)


def test_order_is_placed_filled_and_canceled_in_a_known_number_of_statements(
    settings: Settings,
) -> None:
    settings.PRE_TRADE_CHECKS = ["apps.compliance.gates.check_kyc_approved"]
    make_market()
    portfolio = make_portfolio(cash="100000")
    make_kyc(portfolio.client)
    for side in ("BUY", "SELL"):
        # The first orders make the accounts.
        order_route(order_id=place_order(portfolio, side=side).id)
    orders: list[Order] = []

    placing = statements(lambda: orders.append(place_order(portfolio)))
    filling = statements(lambda: order_route(order_id=orders[0].id))
    selling = statements(lambda: orders.append(place_order(portfolio, side="SELL")))
    filling_sale = statements(lambda: order_route(order_id=orders[1].id))
    resting = place_order(portfolio)
    asking = statements(lambda: order_cancel(actor=portfolio.client, order_id=resting.id))
    canceling = statements(lambda: cancel_route(order_id=resting.id))

    counted = (placing, filling, selling, filling_sale, asking, canceling)
    assert counted == (15, 13, 15, 15, 5, 9)


def test_fill_of_many_lots_costs_as_many_statements_as_one() -> None:
    make_market()
    portfolio = make_portfolio(cash="100000")
    for _ in range(6):
        order_route(order_id=place_order(portfolio).id)
    one = place_order(portfolio, side="SELL", quantity="1")
    five = place_order(portfolio, side="SELL", quantity="5")

    assert statements(lambda: order_route(order_id=one.id)) == statements(
        lambda: order_route(order_id=five.id)
    )
