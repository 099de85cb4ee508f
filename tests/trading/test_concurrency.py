"""Many at once: the locks sell each cent and each unit once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from apps.core.errors import DomainError
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get, ledger_differences
from apps.trading.models import Execution, Order
from apps.trading.services.orders import order_cancel
from apps.trading.services.routing import cancel_route, order_match, order_route
from tests.market.factories import put_quote
from tests.trading.factories import hold_units, make_market, make_portfolio, place_order
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal
THREADS = 10


def at_once(task: Callable[[int], Any], times: int) -> list[Any]:
    """Run the task that often, ten at a time from one starting gun; return results and errors."""
    gun = Barrier(THREADS)

    def run(number: int) -> Any:
        try:
            if number < THREADS:
                gun.wait(timeout=20)
            return task(number)
        except DomainError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(times)))


def test_fifty_market_orders_for_ten_times_the_buying_power_are_accepted_as_far_as_it_goes() -> (
    None
):
    make_market()
    # Each order holds 10 x 100 x 1.02 and its fees: 1,020.51; five of them fit, a sixth does not.
    portfolio = make_portfolio(cash="5102.60")

    results = at_once(lambda number: place_order(portfolio, quantity="10").status, 50)

    assert Counter(results) == {"NEW": 5, "insufficient_buying_power": 45}
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == D("0.05")
    assert list(ledger_differences()) == []
    twice = list(Order.objects.values_list("id", flat=True)) * 2
    filled = at_once(lambda number: order_route(order_id=twice[number]).status, len(twice))
    assert set(filled) == {"FILLED"}
    assert Execution.objects.count() == 5
    assert list(ledger_differences()) == []


def test_fifty_posts_with_one_idempotency_key_are_one_order_and_fifty_equal_answers() -> None:
    make_market()
    portfolio = make_portfolio(client=make_user(), cash="10000")
    api = api_client(portfolio.client)
    body = {
        "portfolio_id": str(portfolio.id),
        "symbol": "AAPL",
        "side": "BUY",
        "type": "MARKET",
        "quantity": "1",
    }

    def post(_: int) -> tuple[int, str]:
        answer = api.post(
            "/api/v1/orders", body, format="json", headers={"Idempotency-Key": "once"}
        )
        return answer.status_code, answer.content.decode()

    answers = at_once(post, 50)

    assert len(set(answers)) == 1
    assert answers[0][0] == 201
    assert Order.objects.count() == 1
    assert list(ledger_differences()) == []


def test_two_sales_of_one_lot_sell_it_once() -> None:
    portfolio = make_portfolio()
    hold_units(portfolio, "10")

    results = at_once(lambda number: place_order(portfolio, side="SELL", quantity="10").status, 10)

    assert Counter(results) == {"NEW": 1, "insufficient_position": 9}
    assert list(ledger_differences()) == []


def test_cancel_against_fill_ends_in_one_of_the_two_and_the_books_agree() -> None:
    make_market()
    portfolio = make_portfolio(cash="100000")
    orders = [place_order(portfolio, quantity="10") for _ in range(10)]
    quote = put_quote("AAPL", "100", "100", volume="20")

    def race(number: int) -> object:
        order = orders[number // 2]
        if number % 2:
            order_cancel(actor=portfolio.client, order_id=order.id)
            return cancel_route(order_id=order.id).status
        return order_match(order_id=order.id, quote=quote)

    at_once(race, 20)

    statuses = set(Order.objects.values_list("status", flat=True))
    assert statuses == {"CANCELED"}
    for order in Order.objects.all():
        assert order.filled_quantity in {0, 5}
    assert balance_get(portfolio.id, AccountKind.HELD, "USD") == 0
    assert list(ledger_differences()) == []
