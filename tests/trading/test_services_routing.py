"""Routing, matching and expiry under unkind circumstances."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.compliance.models import OperationsAlert
from apps.core.errors import Conflict
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get, ledger_differences
from apps.market.models import Instrument
from apps.trading.models import Execution, Order, Portfolio
from apps.trading.services import routing
from apps.trading.services.executions import execution_record
from tests.market.factories import put_quote
from tests.trading.factories import make_market, make_portfolio, place_order

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def portfolio() -> Portfolio:
    make_market()
    return make_portfolio(cash="10000")


def overdue(portfolio: Portfolio) -> Order:
    order = place_order(portfolio)
    Order.objects.filter(id=order.id).update(expires_at=timezone.now() - timedelta(seconds=1))
    return order


@pytest.mark.parametrize("by", ["route", "match"])
def test_order_past_its_time_in_force_does_not_fill_before_the_sweep_ends_it(
    portfolio: Portfolio, by: str
) -> None:
    order = overdue(portfolio)

    if by == "route":
        routing.order_route(order_id=order.id)
    else:
        routing.quotes_match(symbols=["AAPL"])

    assert not Execution.objects.exists()
    assert routing.orders_expire() == 1
    order.refresh_from_db()
    assert (order.status, order.held_amount) == ("EXPIRED", 0)
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == 10000


def test_quotes_match_of_an_order_that_breaks_leaves_the_others_alone(
    portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = place_order(portfolio), place_order(portfolio)
    match = routing.order_match

    def breaks_once(*, order_id: UUID, **more: Any) -> bool:
        if order_id == first.id:
            raise ZeroDivisionError
        return match(order_id=order_id, **more)

    monkeypatch.setattr(routing, "order_match", breaks_once)

    assert routing.quotes_match(symbols=["AAPL"]) == 1
    assert Execution.objects.get().order_id == second.id
    assert routing.quotes_match(symbols=["AAPL"]) == 0
    alert = OperationsAlert.objects.get()
    assert (alert.kind, alert.subject, alert.occurrences) == ("ORDER_MATCH_FAILED", "AAPL", 2)
    assert alert.facts == {"order_id": str(first.id), "error": "ZeroDivisionError"}


def test_order_that_cannot_expire_leaves_the_others_alone(
    portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = place_order(portfolio), place_order(portfolio)
    Order.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    expire = routing.order_expire

    def breaks_once(*, order_id: UUID) -> bool:
        if order_id == first.id:
            raise ZeroDivisionError
        return expire(order_id=order_id)

    monkeypatch.setattr(routing, "order_expire", breaks_once)

    assert routing.orders_expire() == 1
    assert {row.status for row in Order.objects.filter(id=second.id)} == {"EXPIRED"}
    assert OperationsAlert.objects.get().kind == "ORDER_EXPIRY_FAILED"


def test_fill_that_costs_more_than_its_hold_is_refused_and_takes_from_no_other_hold(
    portfolio: Portfolio, settings: Settings
) -> None:
    dear = place_order(portfolio, quantity="10", order_type="LIMIT", limit_price="100")
    other = place_order(portfolio, quantity="5", order_type="LIMIT", limit_price="100")
    settings.COMMISSION = {
        "model": "apps.trading.domain.costs.FixedCommission",
        "options": {"amount": "9"},
    }

    with pytest.raises(Conflict) as refused:
        execution_record(
            order_id=dear.id,
            venue="PAPER",
            venue_execution_id="1",
            quantity=D(10),
            price=D(100),
        )

    assert refused.value.code == "worse_than_held"
    assert not Execution.objects.exists()
    held = dear.held_amount + other.held_amount
    assert balance_get(portfolio.id, AccountKind.HELD, "USD") == held
    assert list(ledger_differences()) == []


def test_execution_of_another_order_is_not_taken_for_this_one(portfolio: Portfolio) -> None:
    first, second = place_order(portfolio), place_order(portfolio)
    terms: dict[str, Any] = {"venue": "PAPER", "quantity": D(1), "price": D(100)}
    execution_record(order_id=first.id, venue_execution_id="7", **terms)

    with pytest.raises(Conflict) as refused:
        execution_record(order_id=second.id, venue_execution_id="7", **terms)

    assert refused.value.code == "execution_reused"
    second.refresh_from_db()
    assert (second.status, second.filled_quantity) == ("NEW", 0)


def test_order_on_a_stale_quote_waits_for_a_fresh_one(portfolio: Portfolio) -> None:
    order = place_order(portfolio)
    put_quote("AAPL", "100", "100", at=timezone.now() - timedelta(seconds=61))

    assert routing.order_route(order_id=order.id).status == "NEW"
    assert routing.quotes_match(symbols=["AAPL"]) == 0


def test_trailing_stop_of_a_halted_instrument_follows_no_quote(portfolio: Portfolio) -> None:
    order = place_order(portfolio, order_type="TRAILING_STOP", trail_amount=D(5))
    Instrument.objects.update(status="HALTED")

    put_quote("AAPL", "90", "90", last="90")
    routing.quotes_match(symbols=["AAPL"])
    order.refresh_from_db()
    halted = (order.mark_price, order.stop_price)
    Instrument.objects.update(status="ACTIVE")
    routing.quotes_match(symbols=["AAPL"])

    order.refresh_from_db()
    assert halted == (100, 105)
    assert (order.mark_price, order.stop_price) == (90, 95)
