"""Many at once: the locks sell each cent and each unit once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from apps.core.errors import DomainError
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get, ledger_differences
from apps.trading.models import Execution, Order
from apps.trading.selectors.verification import position_differences
from apps.trading.services.brackets import oco_place
from apps.trading.services.executions import execution_record
from apps.trading.services.orders import order_cancel, order_cancel_all
from apps.trading.services.replacements import order_replace, replace_route
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


def test_asvs_v2_3_4_fifty_parallel_withdrawals_and_orders_never_spend_the_same_cash(
    settings: Settings,
) -> None:
    settings.CASH_CHECKS = []
    make_market()
    # A withdrawal takes 1,000.00; an order holds 10 x 100 x 1.02 and its fees: 1,020.51.
    portfolio = make_portfolio(cash="5102.60")
    api = api_client(portfolio.client)
    order = {
        "portfolio_id": str(portfolio.id),
        "symbol": "AAPL",
        "side": "BUY",
        "type": "MARKET",
        "quantity": "10",
    }

    def post(number: int) -> tuple[str, int]:
        path, body = (
            ("/api/v1/orders", order)
            if number % 2
            else (f"/api/v1/portfolios/{portfolio.id}/withdrawals", {"amount": "1000.00"})
        )
        headers = {"Idempotency-Key": f"key-{number}"}
        answer = api.post(path, body, format="json", headers=headers)
        return path.rpartition("/")[2], answer.status_code

    answers = Counter(at_once(post, 50))

    orders, withdrawals = answers["orders", 201], answers["withdrawals", 201]
    assert orders + withdrawals == 5
    assert answers["orders", 422] + answers["withdrawals", 422] == 45
    left = D("5102.60") - 1000 * withdrawals - D("1020.51") * orders
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == left >= 0
    assert list(ledger_differences()) == []


def test_asvs_v2_3_4_fifty_parallel_sales_through_the_api_sell_the_shares_once() -> None:
    portfolio = make_portfolio()
    hold_units(portfolio, "10")
    api = api_client(portfolio.client)
    body = {
        "portfolio_id": str(portfolio.id),
        "symbol": "AAPL",
        "side": "SELL",
        "type": "MARKET",
        "quantity": "4",
    }

    def post(number: int) -> int:
        headers = {"Idempotency-Key": f"key-{number}"}
        return api.post("/api/v1/orders", body, format="json", headers=headers).status_code

    assert Counter(at_once(post, 50)) == {201: 2, 422: 48}
    assert list(ledger_differences()) == []


def test_replace_against_fill_loses_no_update_and_the_books_agree() -> None:
    make_market()
    portfolio = make_portfolio(cash="100000")
    terms = {"order_type": "LIMIT", "limit_price": "100", "quantity": "10"}
    orders = [place_order(portfolio, **terms) for _ in range(10)]
    quote = put_quote("AAPL", "100", "100", volume="20")

    def race(number: int) -> object:
        order = orders[number // 2]
        if number % 2:
            order_replace(
                actor=portfolio.client,
                order_id=order.id,
                client_order_id=f"new-{number}",
                quantity=D(4 if number % 4 == 1 else 14),
            )
            return replace_route(order_id=order.id).status
        return order_match(order_id=order.id, quote=quote)

    results = at_once(race, 20)

    assert set(results) <= {True, False, "NEW", "PARTIALLY_FILLED", "quantity_filled"}
    for order in Order.objects.all():
        assert order.filled_quantity in {0, 4, 5}
        assert order.quantity in {4, 10, 14}
        assert order.filled_quantity <= order.quantity
    assert list(ledger_differences()) == []
    assert list(position_differences()) == []


def test_both_exits_and_a_cancel_at_once_sell_the_units_once_without_deadlock() -> None:
    portfolio = make_portfolio()
    hold_units(portfolio, "100")
    pairs = [
        oco_place(
            actor=portfolio.client,
            portfolio_id=portfolio.id,
            symbol="AAPL",
            quantity=D(10),
            take_profit_price=D(120),
            stop_loss_price=D(90),
            client_order_id=f"pair-{number}",
        )
        for number in range(10)
    ]

    def race(number: int) -> object:
        profit, loss = pairs[number // 4]
        if number % 4 == 3:
            return len(order_cancel_all(actor=portfolio.client, portfolio_id=portfolio.id))
        if number % 4 == 2:
            return Order.objects.trail([quote])
        order, price = ((profit, 120), (loss, 90))[number % 4]
        return execution_record(
            order_id=order.id,
            venue="PAPER",
            venue_execution_id=f"{order.id}",
            quantity=D(7),
            price=D(price),
        ).quantity

    quote = put_quote("AAPL", "110", "110")
    results = at_once(race, 40)

    assert set(results) <= {*range(21), D(7), "overfill", "illegal_transition"}
    sold = Execution.objects.filter(side="SELL").count() * 7
    assert sold <= 70
    owned = [
        balance_get(portfolio.id, kind, "AAPL")
        for kind in (AccountKind.SECURITIES, AccountKind.HELD)
    ]
    assert sum(owned) == 100 - sold
    assert list(ledger_differences()) == []
    assert list(position_differences()) == []
