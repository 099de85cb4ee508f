"""Fills: routing, matching, lots, postings."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from prometheus_client import REGISTRY
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, DomainError, IllegalTransition, InvalidInput
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get, ledger_differences
from apps.trading.models import Execution, Lot, LotConsumption, Order, Portfolio
from apps.trading.selectors.positions import lot_list, position_list
from apps.trading.services.executions import execution_record
from apps.trading.services.orders import order_cancel
from apps.trading.services.routing import cancel_route, order_match, order_route, quotes_match
from tests.market.factories import make_instrument, put_quote
from tests.trading.factories import fund, hold_units, make_market, make_portfolio, place_order

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def portfolio() -> Portfolio:
    make_market()
    return make_portfolio(cash="10000")


def balance(portfolio: Portfolio, kind: AccountKind, asset: str = "USD") -> Decimal:
    return balance_get(portfolio.id, kind, asset)


def record(order: Order, quantity: str, price: str = "100", key: str = "") -> Execution:
    return execution_record(
        order_id=order.id,
        venue="PAPER",
        venue_execution_id=key or uuid4().hex,
        quantity=D(quantity),
        price=D(price),
    )


def fill(portfolio: Portfolio, side: str, quantity: str, price: str) -> Execution:
    """Trade at exactly that price, without a spread."""
    put_quote("AAPL", price, price, last=price, volume="1000000")
    order = place_order(portfolio, side=side, quantity=quantity)
    order_route(order_id=order.id)
    return order.executions.get()


def test_order_route_of_a_market_purchase_fills_at_the_ask(portfolio: Portfolio) -> None:
    put_quote("AAPL", "99.90", "100.10", volume="1000")
    order = place_order(portfolio, quantity="10")

    filled = order_route(order_id=order.id)

    assert (filled.status, filled.filled_quantity, filled.average_price) == (
        "FILLED",
        D(10),
        D("100.10"),
    )
    assert (filled.fees, filled.held_amount) == (D("0.50"), 0)
    assert balance(portfolio, AccountKind.CASH) == D("8998.50")
    assert balance(portfolio, AccountKind.HELD) == 0
    assert balance(portfolio, AccountKind.SECURITIES, "AAPL") == 10
    assert balance_get(None, AccountKind.FEES, "USD") == D("0.50")
    lot = Lot.objects.get()
    assert (lot.remaining_quantity, lot.remaining_cost) == (D(10), D("1001.50"))
    event = AuditEvent.objects.get(name="trading.order.filled")
    assert event.payload == {
        "order_id": str(order.id),
        "portfolio_id": str(portfolio.id),
        "client_id": str(portfolio.client_id),
        "symbol": "AAPL",
        "side": "BUY",
        "quantity": "10",
        "price": "100.1",
        "currency": "USD",
        "execution_id": str(order.executions.get().id),
        "fees": "0.5",
        "remaining": "0",
    }
    assert list(ledger_differences()) == []


def test_execution_record_times_the_fill_once_from_the_acceptance(
    portfolio: Portfolio, django_capture_on_commit_callbacks: Any
) -> None:
    labels = {"symbol": "AAPL", "side": "BUY", "amount": "<=1000"}

    def sample(name: str) -> float:
        return REGISTRY.get_sample_value(f"trade_execution_time_{name}", labels) or 0.0

    count, total = sample("count"), sample("sum")
    order = place_order(portfolio, quantity="4")

    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            execution_record(
                order_id=order.id,
                venue="PAPER",
                venue_execution_id="timed",
                quantity=D(4),
                price=D(100),
                executed_at=order.created_at + timedelta(seconds=7),
            )

    assert sample("count") - count == 1
    assert sample("sum") - total == pytest.approx(7)


def test_order_route_twice_fills_once(portfolio: Portfolio) -> None:
    order = place_order(portfolio, quantity="10")

    order_route(order_id=order.id)
    order_route(order_id=order.id)

    assert Execution.objects.count() == 1


def test_order_route_takes_a_share_of_the_volume_and_the_next_quotes_the_rest(
    portfolio: Portfolio,
) -> None:
    put_quote("AAPL", "100", "100", volume="16")
    order = place_order(portfolio, quantity="10")

    assert order_route(order_id=order.id).filled_quantity == 4
    assert quotes_match(symbols=["AAPL"]) == 0, "the same quote fills once"
    put_quote("AAPL", "100", "101", volume="16")
    assert quotes_match(symbols=["AAPL"]) == 1
    put_quote("AAPL", "103", "104", volume="16")
    assert quotes_match(symbols=["AAPL"]) == 0, "dearer than what is held"
    put_quote("AAPL", "99", "99", volume="16")
    assert quotes_match(symbols=["AAPL"]) == 1

    order.refresh_from_db()
    assert (order.status, order.average_price) == ("FILLED", D("100.2"))
    assert balance(portfolio, AccountKind.CASH) == 10000 - D("1002") - D("0.50")
    assert [lot.quantity for lot in lot_list(portfolio.id)] == [4, 4, 2]
    assert list(ledger_differences()) == []


def test_order_route_without_a_fresh_quote_waits(portfolio: Portfolio) -> None:
    order = place_order(portfolio)
    put_quote("AAPL", "100", "100", at=timezone.now() - timedelta(minutes=5))

    assert order_route(order_id=order.id).status == "NEW"
    assert quotes_match(symbols=["AAPL"]) == 0


@pytest.mark.parametrize("time_in_force", ["IOC", "FOK"])
def test_order_route_of_an_immediate_order_cancels_what_does_not_fill(
    portfolio: Portfolio, time_in_force: str
) -> None:
    put_quote("AAPL", "100", "100", volume="16")
    order = place_order(portfolio, quantity="10", time_in_force=time_in_force)

    done = order_route(order_id=order.id)

    assert (done.status, done.reason_code) == ("CANCELED", "not_filled_at_once")
    assert done.filled_quantity == (4 if time_in_force == "IOC" else 0)
    assert balance(portfolio, AccountKind.HELD) == 0
    assert list(ledger_differences()) == []


def test_order_route_in_an_instrument_halted_meanwhile_is_rejected(portfolio: Portfolio) -> None:
    order = place_order(portfolio)
    make_instrument("AAPL", status="HALTED")

    done = order_route(order_id=order.id)

    assert (done.status, done.reason_code) == ("REJECTED", "instrument_not_tradable")
    assert balance(portfolio, AccountKind.CASH) == 10000


def test_order_route_of_a_part_filled_order_in_a_halted_instrument_is_canceled(
    portfolio: Portfolio,
) -> None:
    order = place_order(portfolio, quantity="10")
    record(order, "4")
    make_instrument("AAPL", status="HALTED")

    assert order_route(order_id=order.id).status == "CANCELED"


@pytest.mark.parametrize(
    ("terms", "resting", "trading", "price"),
    [
        ({"side": "BUY", "order_type": "LIMIT", "limit_price": "95"}, "95.01", "94", "94"),
        ({"side": "SELL", "order_type": "LIMIT", "limit_price": "105"}, "104.99", "106", "106"),
        ({"side": "BUY", "order_type": "STOP", "stop_price": "105"}, "104.99", "106", "106"),
        ({"side": "SELL", "order_type": "STOP", "stop_price": "95"}, "95.01", "93", "93"),
    ],
)
def test_quotes_match_trades_the_orders_that_the_quote_reaches(
    portfolio: Portfolio, terms: dict[str, Any], resting: str, trading: str, price: str
) -> None:
    hold_units(portfolio, "5")
    order = place_order(portfolio, quantity="5", **terms)
    assert order_route(order_id=order.id).status == "NEW"

    put_quote("AAPL", resting, resting, volume="1000")
    assert quotes_match(symbols=["AAPL"]) == 0
    put_quote("AAPL", trading, trading, volume="1000")
    assert quotes_match(symbols=["AAPL"]) == 1

    order.refresh_from_db()
    assert (order.status, order.average_price) == ("FILLED", D(price))
    assert list(ledger_differences()) == []


def test_quotes_match_triggers_a_stop_limit_and_fills_it_later(portfolio: Portfolio) -> None:
    order = place_order(
        portfolio, order_type="STOP_LIMIT", stop_price="101.50", limit_price="101.75"
    )

    put_quote("AAPL", "102", "102", volume="1000")
    assert quotes_match(symbols=["AAPL"]) == 0
    order.refresh_from_db()
    assert order.triggered_at is not None
    put_quote("AAPL", "101.66", "101.66", volume="1000")
    assert quotes_match(symbols=["AAPL"]) == 1

    names = [event.name for event in AuditEvent.objects.stream(order.stream)]
    assert names == [
        "trading.order.accepted",
        "trading.order.triggered",
        "trading.order.filled",
    ]


def test_quotes_match_of_nothing_asks_nothing(portfolio: Portfolio) -> None:
    assert quotes_match(symbols=[]) == 0


def test_quotes_match_goes_on_after_an_order_that_fails(
    portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = place_order(portfolio), place_order(portfolio)

    def match(*, order_id: Any, **rest: Any) -> bool:
        if order_id == first.id:
            raise DomainError("Broken.")
        return order_match(order_id=order_id, **rest)

    monkeypatch.setattr("apps.trading.services.routing.order_match", match)

    assert quotes_match(symbols=["AAPL"]) == 1
    second.refresh_from_db()
    assert second.status == "FILLED"


def test_order_match_of_a_closed_order_does_nothing(portfolio: Portfolio) -> None:
    order = order_route(order_id=place_order(portfolio).id)

    assert not order_match(order_id=order.id, quote=put_quote("AAPL", "1", "1"))


def test_quotes_match_finds_orders_by_the_partial_index(portfolio: Portfolio) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM trading_order WHERE symbol = 'AAPL' AND side = 'BUY'"
            " AND worst_price >= 1 AND status IN ('NEW', 'PARTIALLY_FILLED')"
            " AND (stop_price IS NULL OR triggered_at IS NOT NULL)"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "trading_order_working" in plan


def test_execution_record_twice_counts_once(portfolio: Portfolio) -> None:
    order = place_order(portfolio, quantity="10")

    first, again = record(order, "4", key="x-1"), record(order, "4", key="x-1")

    assert first.id == again.id
    order.refresh_from_db()
    assert (order.filled_quantity, order.status) == (D(4), "PARTIALLY_FILLED")


def test_execution_record_while_a_cancel_is_pending_counts(portfolio: Portfolio) -> None:
    order = place_order(portfolio, quantity="10")
    order_cancel(actor=portfolio.client, order_id=order.id)

    record(order, "4")
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("PENDING_CANCEL", D(4))
    assert not order_match(order_id=order.id, quote=put_quote("AAPL", "1", "1"))

    done = cancel_route(order_id=order.id)
    assert (done.status, done.filled_quantity, done.held_amount) == ("CANCELED", D(4), 0)
    assert list(ledger_differences()) == []


def test_execution_record_on_a_closed_order_changes_nothing(portfolio: Portfolio) -> None:
    order = order_route(order_id=place_order(portfolio).id)

    with pytest.raises(IllegalTransition):
        record(order, "1")

    assert Execution.objects.count() == 1
    assert list(ledger_differences()) == []


@pytest.mark.parametrize(
    ("quantity", "price", "error", "code"),
    [
        ("11", "100", Conflict, "overfill"),
        ("1", "103", Conflict, "worse_than_held"),
        ("0", "100", InvalidInput, "invalid_input"),
        ("1", "-5", InvalidInput, "invalid_input"),
    ],
)
def test_execution_record_of_an_impossible_fill_changes_nothing(
    portfolio: Portfolio, quantity: str, price: str, error: type[DomainError], code: str
) -> None:
    order = place_order(portfolio, quantity="10")

    with pytest.raises(error) as refusal:
        record(order, quantity, price)

    assert refusal.value.code == code
    order.refresh_from_db()
    assert order.filled_quantity == 0
    assert not Execution.objects.exists()


def test_execution_record_in_parts_costs_what_one_fill_would(
    portfolio: Portfolio, settings: Settings
) -> None:
    settings.COMMISSION = {
        "model": "apps.trading.domain.costs.PerShareCommission",
        "options": {"rate": "0.0075", "minimum": "2.5"},
    }
    fund(portfolio, "60000")
    order = place_order(portfolio, quantity="500")

    fees = [record(order, units).fees for units in ("230", "170", "100")]

    # The cumulative minimum of Zipline's per-share commission: 2.5, 3, 3.75.
    assert fees == [D("2.50"), D("0.50"), D("0.75")]


def test_execution_record_of_fractions_of_a_cent_does_not_give_units_away(
    portfolio: Portfolio,
) -> None:
    make_instrument("AAPL", lot_size=D("0.0001"))
    order = place_order(portfolio, order_type="LIMIT", limit_price="100", quantity="0.0200")

    for _ in range(4):
        record(order, "0.0050", "99.5")

    order.refresh_from_db()
    assert order.status == "FILLED"
    paid = sum(execution.amount for execution in order.executions.all())
    assert paid == D("1.99")


@pytest.mark.parametrize(
    ("method", "profit", "left"),
    [
        ("FIFO", "2194.90", "5502.75"),
        ("LIFO", "1794.70", "5102.55"),
        ("HIFO", "1794.70", "5102.55"),
        ("AVERAGE", "1972.56666667", "5280.41666667"),
    ],
)
def test_sale_consumes_lots_by_the_portfolios_method(
    portfolio: Portfolio, method: str, profit: str, left: str
) -> None:
    Portfolio.objects.filter(id=portfolio.id).update(lot_method=method)
    fund(portfolio, "100000")
    fill(portfolio, "BUY", "40", "100")
    fill(portfolio, "BUY", "50", "110")
    sale = fill(portfolio, "SELL", "40", "155")

    assert sale.amount - sale.fees == D("6196.90")
    consumed = sum(part.cost for part in LotConsumption.objects.filter(execution=sale))
    assert sale.profit == sale.amount - sale.fees - consumed
    assert sale.profit == D(profit)
    assert sum(lot.remaining_cost for lot in lot_list(portfolio.id)) == D(left)
    assert list(ledger_differences()) == []


def test_sale_from_a_portfolio_with_specific_lots_takes_the_chosen(portfolio: Portfolio) -> None:
    Portfolio.objects.filter(id=portfolio.id).update(lot_method="SPECIFIC")
    fill(portfolio, "BUY", "10", "100")
    second = fill(portfolio, "BUY", "10", "110")
    order = place_order(portfolio, side="SELL", quantity="5", lot_ids=[second.lot.id])

    order_route(order_id=order.id)

    part = LotConsumption.objects.get()
    assert (part.lot_id, part.quantity) == (second.lot.id, D(5))


def test_position_list_values_what_is_owned_at_the_last_price(portfolio: Portfolio) -> None:
    fill(portfolio, "BUY", "10", "100")
    place_order(portfolio, side="SELL", order_type="LIMIT", limit_price="120", quantity="4")
    put_quote("AAPL", "109", "111", last="110")

    (position,) = position_list(portfolio.id)

    assert (position.symbol, position.quantity, position.available) == ("AAPL", D(10), D(6))
    assert (position.cost, position.average_cost) == (D("1000.50"), D("100.05"))
    assert (position.market_value, position.unrealised_profit) == (D("1100.00"), D("99.50"))


def test_position_list_without_a_quote_says_so(portfolio: Portfolio) -> None:
    fund(portfolio, "3", "MSFT")

    (position,) = position_list(portfolio.id)

    assert position.market_value is None
    assert position.unrealised_profit is None


def test_ledger_verify_names_a_lot_that_was_changed(portfolio: Portfolio) -> None:
    hold_units(portfolio, "10")
    Lot.objects.update(remaining_quantity=9)
    Order.objects.update(fees=7)

    differences = list(ledger_differences())

    assert len(differences) == 2
    assert f"portfolio {portfolio.id} AAPL: the ledger has 10" in differences[0]
    assert differences[1].startswith("order ")


def test_ledger_verify_names_an_order_that_holds_what_the_ledger_does_not(
    portfolio: Portfolio,
) -> None:
    order = place_order(portfolio)
    Order.objects.update(held_amount=7)

    (difference,) = ledger_differences()

    assert difference.startswith(f"order {order.id}: holds 7")


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": 0},
        {"filled_quantity": 11},
        {"limit_price": 5},
        {"stop_price": 5},
        {"status": "NONSENSE"},
        {"status": "CANCELED"},
        {"status": "FILLED"},
        {"side": "HOLD"},
        {"held_amount": -1},
    ],
)
def test_order_that_cannot_be_is_refused_by_the_database(
    portfolio: Portfolio, change: dict[str, Any]
) -> None:
    order = place_order(portfolio, quantity="10")

    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(id=order.id).update(**change)
