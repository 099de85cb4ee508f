"""Limits and the switch while orders come in: once they have changed, nothing passes them."""

from collections import Counter
from decimal import Decimal
from threading import Event
from uuid import UUID

import pytest
from django.db import connection, transaction

from apps.core.errors import Refused
from apps.ledger.selectors import ledger_differences
from apps.trading.domain.limits import LimitKind, LimitScope
from apps.trading.domain.risk import FirmState
from apps.trading.models import FirmSwitch, Order, TradingLimit
from apps.trading.services import rules
from apps.trading.services.firm_switch import firm_switch_turn
from apps.trading.services.limits import limit_confirm, limit_propose
from apps.users.domain.roles import Role
from tests.trading.factories import make_market, make_portfolio, place_order, set_limit
from tests.trading.test_concurrency import at_once
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


def test_fifty_orders_against_a_daily_limit_are_accepted_as_far_as_it_goes() -> None:
    make_market()
    client = make_user()
    # The limit is the client's, so two portfolios share it.
    portfolios = [make_portfolio(client, cash="100000") for _ in range(2)]
    set_limit("ORDERS_A_DAY", "7", client=client)
    set_limit("NOTIONAL_A_DAY", "1000", client=client)

    results = at_once(lambda number: place_order(portfolios[number % 2]).status, 50)

    assert Counter(results) == {"NEW": 7, "daily_order_limit": 43}
    assert Order.objects.count() == 7
    assert list(ledger_differences()) == []


def test_no_order_is_accepted_after_the_switch_was_turned() -> None:
    make_market()
    portfolios = [make_portfolio(cash="100000") for _ in range(5)]
    officer = make_user(Role.OPERATIONS)

    def task(number: int) -> UUID | str:
        if number == 15:
            firm_switch_turn(actor=officer, state=FirmState.HALTED, reason="Drill")
            return "halted"
        return place_order(portfolios[number % 5]).id

    results = at_once(task, 50)

    turned_at = FirmSwitch.objects.get().turned_at
    accepted = Order.objects.values_list("id", flat=True)
    assert set(accepted) == {one for one in results if isinstance(one, UUID)}
    assert set(results) - set(accepted) == {"halted", "firm_not_accepting"}
    # An order that was being checked when the officer pressed the button began before that.
    assert not Order.objects.filter(created_at__gt=turned_at).exists()


def test_no_order_is_accepted_beyond_a_limit_that_was_lowered_meanwhile() -> None:
    make_market()
    portfolios = [make_portfolio(cash="100000") for _ in range(5)]
    limit = limit_propose(
        actor=make_user(Role.OPERATIONS),
        scope=LimitScope.FIRM,
        kind=LimitKind.ORDER_NOTIONAL,
        value=D(100),
        reason="Drill",
    )
    officer = make_user(Role.OPERATIONS)

    def task(number: int) -> str:
        if number == 15:
            return str(limit_confirm(actor=officer, limit_id=limit.id).status)
        return place_order(portfolios[number % 5], quantity="2").status

    results = at_once(task, 50)

    assert set(results) <= {"NEW", "order_notional", "CONFIRMED"}
    confirmed = TradingLimit.objects.get(status="CONFIRMED")
    assert not Order.objects.filter(created_at__gt=confirmed.effective_from).exists()


def test_two_officers_deciding_at_once_decide_once() -> None:
    proposals = [
        limit_propose(
            actor=make_user(Role.OPERATIONS),
            scope=LimitScope.FIRM,
            kind=LimitKind.ORDERS_A_DAY,
            value=D(value),
            reason="Drill",
        )
        for value in (5, 6)
    ]
    officers = [make_user(Role.OPERATIONS) for _ in range(10)]

    results = at_once(
        lambda number: (
            limit_confirm(actor=officers[number], limit_id=proposals[number % 2].id).version
        ),
        10,
    )

    assert Counter(results)[1] == 1
    assert set(results) == {1, "already_decided", "stale"}
    assert TradingLimit.objects.filter(status="CONFIRMED").count() == 1


def test_order_that_hangs_does_not_keep_the_firm_from_halting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rules, "WAIT_MS", 50)
    make_market()
    portfolio = make_portfolio(cash="100000")
    officer = make_user(Role.OPERATIONS)
    is_checked, is_halted = Event(), Event()

    def task(number: int) -> str:
        if number == 0:
            with transaction.atomic():
                order = place_order(portfolio)
                is_checked.set()
                assert is_halted.wait(timeout=20)
            return str(order.status)
        if number == 1:
            assert is_checked.wait(timeout=20)
            state = firm_switch_turn(actor=officer, state=FirmState.HALTED, reason="Drill").state
            is_halted.set()
            return state
        return "idle"

    assert Counter(at_once(task, 10)) == {"NEW": 1, "HALTED": 1, "idle": 8}
    with pytest.raises(Refused):
        place_order(make_portfolio(cash="1000"))
    assert not connection.in_atomic_block
