"""Two things at once on real connections, and a process that dies: each happens once or never."""

import os
import signal
import time
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from apps.core.domain.money import Money
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get, ledger_differences
from apps.trading.models import Execution, Order, Portfolio
from apps.trading.services.brackets import bracket_place
from apps.trading.services.cash import deposit_receive, withdrawal_request
from apps.trading.services.orders import order_cancel
from apps.trading.services.routing import cancel_route, order_expire, order_match, order_route
from tests.market.factories import put_quote
from tests.trading.factories import hold_units, make_market, make_portfolio, place_order
from tests.trading.test_concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


def test_deposits_against_withdrawals_never_lose_or_invent_a_cent(settings: Settings) -> None:
    settings.CASH_CHECKS = []
    portfolio = make_portfolio(cash="100")

    def race(number: int) -> str:
        command = withdrawal_request if number % 2 else deposit_receive
        transfer = command(
            actor=portfolio.client,
            portfolio_id=portfolio.id,
            amount=Money.of(D(30 if number % 2 else 10), "USD"),
            idempotency_key=f"transfer-{number}",
        )
        return str(transfer.kind)

    answers = Counter(at_once(race, 40))

    assert answers["DEPOSIT"] == 20
    assert answers["WITHDRAWAL"] + answers["insufficient_funds"] == 20
    cash = balance_get(portfolio.id, AccountKind.CASH, "USD")
    assert cash == 100 + 10 * 20 - 30 * answers["WITHDRAWAL"] >= 0
    assert list(ledger_differences()) == []


def test_many_venue_workers_on_one_order_fill_it_once_a_quote() -> None:
    make_market()
    portfolio = make_portfolio(cash="100000")
    order = place_order(portfolio, quantity="10")
    quote = put_quote("AAPL", "100", "100", volume="16")

    results = at_once(lambda number: order_match(order_id=order.id, quote=quote), 20)

    assert Counter(results) == {True: 1, False: 19}
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("PARTIALLY_FILLED", 4)
    assert list(ledger_differences()) == []


def test_expiry_against_fill_ends_in_one_of_the_two_and_the_books_agree() -> None:
    make_market()
    portfolio = make_portfolio(cash="100000")
    orders = [place_order(portfolio, quantity="10") for _ in range(10)]
    quote = put_quote("AAPL", "100", "100", volume="1000")

    def race(number: int) -> object:
        order = orders[number // 2]
        if number % 2:
            return order_expire(order_id=order.id)
        return order_match(order_id=order.id, quote=quote)

    results = at_once(race, 20)

    assert sum(map(bool, results)) == 10, "each order filled or expired"
    for order in Order.objects.all():
        assert (order.status, order.filled_quantity) in {("FILLED", 10), ("EXPIRED", 0)}
    assert balance_get(portfolio.id, AccountKind.HELD, "USD") == 0
    assert list(ledger_differences()) == []


def test_entry_that_fills_while_its_exits_are_canceled_leaves_no_unit_held_twice() -> None:
    make_market()
    portfolio = make_portfolio(cash="100000")
    groups = [
        bracket_place(
            actor=portfolio.client,
            portfolio_id=portfolio.id,
            symbol="AAPL",
            order_type="MARKET",
            quantity=D(10),
            take_profit_price=D(120),
            stop_loss_price=D(90),
            client_order_id=f"bracket-{number}",
        )
        for number in range(8)
    ]
    quote = put_quote("AAPL", "100", "100", volume="24")

    def race(number: int) -> object:
        order = groups[number // 3][number % 3]
        if number % 3 == 0:
            return order_match(order_id=order.id, quote=quote)
        order_cancel(actor=portfolio.client, order_id=order.id)
        return cancel_route(order_id=order.id).status

    results = at_once(race, 24)

    assert set(results) <= {True, False, "CANCELED", "illegal_transition"}
    assert list(ledger_differences()) == []


def test_first_trades_of_many_clients_at_once_make_the_firms_accounts_once() -> None:
    make_market()
    portfolios = [make_portfolio(cash="1000") for _ in range(20)]
    orders = [place_order(portfolio) for portfolio in portfolios]

    results = at_once(lambda number: order_route(order_id=orders[number].id).status, 20)

    assert Counter(results) == {"FILLED": 20}
    assert balance_get(None, AccountKind.CLEARING, "AAPL") == -20
    assert balance_get(None, AccountKind.CLEARING, "USD") == 2000
    assert list(ledger_differences()) == []


def test_two_portfolios_that_sell_the_same_symbol_each_sell_their_own_lots() -> None:
    portfolios = [make_portfolio() for _ in range(2)]
    for portfolio in portfolios:
        hold_units(portfolio, "5")

    def race(number: int) -> str:
        order = place_order(portfolios[number % 2], side="SELL", quantity="5")
        return str(order_route(order_id=order.id).status)

    results = at_once(race, 10)

    assert Counter(results) == {"FILLED": 2, "insufficient_position": 8}
    assert set(Execution.objects.filter(side="SELL").values_list("portfolio", flat=True)) == {
        portfolio.id for portfolio in portfolios
    }
    assert list(ledger_differences()) == []


def trade_until_killed(portfolio: Portfolio, life: int, heard: Path) -> None:
    """Place and fill orders, writing down each as soon as it is acknowledged; never returns."""
    for name in connections:
        # The parent's connections stay the parent's.
        inherited: Any = connections[name]
        inherited.connection = None
        inherited._connection_pools.clear()
    with heard.open("ab", buffering=0) as file:
        for number in range(10_000):
            side = "SELL" if number % 3 == 2 else "BUY"
            order = place_order(portfolio, side=side, client_order_id=f"life-{life}-{number}")
            file.write(f"placed {order.id} {order.client_order_id}\n".encode())
            order = order_route(order_id=order.id)
            file.write(f"filled {order.id} {order.status}\n".encode())


def test_process_killed_at_any_moment_loses_nothing_acknowledged_and_repeats_nothing(
    tmp_path: Path,
) -> None:
    make_market()
    portfolio = make_portfolio(cash="1000000")
    for life in range(4):
        heard = tmp_path / f"heard-{life}"
        heard.touch()
        child = os.fork()
        if child == 0:
            try:
                trade_until_killed(portfolio, life, heard)
            finally:
                os._exit(1)
        deadline = time.monotonic() + 30
        while heard.read_bytes().count(b"\n") < 5 + 2 * life and time.monotonic() < deadline:
            time.sleep(0.003)
        time.sleep(life * 0.004)
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        _check_heard(portfolio, heard)
    assert list(ledger_differences()) == []


def _check_heard(portfolio: Portfolio, heard: Path) -> None:
    said = [line.split() for line in heard.read_text().splitlines() if line.count(" ") == 2]
    assert len(said) >= 5
    for what, order_id, word in said:
        order = Order.objects.get(id=UUID(order_id))
        if what == "placed":
            # A client that heard nothing asks again under its own id.
            again = place_order(portfolio, side=order.side, client_order_id=word)
            assert again.id == order.id
        else:
            assert order.status == word == "FILLED"
            assert Execution.objects.filter(order=order).count() == 1


def test_overdue_order_that_is_swept_by_two_workers_ends_once() -> None:
    make_market()
    portfolio = make_portfolio(cash="10000")
    order = place_order(portfolio)
    Order.objects.filter(id=order.id).update(expires_at=timezone.now() - timedelta(seconds=1))

    results: list[Any] = at_once(lambda number: order_expire(order_id=order.id), 10)

    assert Counter(results) == {True: 1, False: 9}
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == 10000
