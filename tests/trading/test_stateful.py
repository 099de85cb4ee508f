"""Orders, cash and the ledger against a model of a few lines, in any sequence of commands."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from apps.core.domain.money import Money
from apps.core.errors import IllegalTransition, Refused
from apps.ledger.domain.legs import AccountKind
from apps.ledger.models import Account
from apps.ledger.selectors import balance_get, balances_of, ledger_differences
from apps.trading.models import Order
from apps.trading.selectors.positions import position_list
from apps.trading.services.cash import deposit_receive, withdrawal_request
from apps.trading.services.orders import order_cancel
from apps.trading.services.routing import cancel_route, order_expire, order_route, quotes_match
from tests.market.factories import make_instrument, put_quote
from tests.trading.factories import make_portfolio, place_order

D = Decimal
ZERO = D(0)
CENT = D("0.01")
FEE_RATE = D("0.0005")
VOLUME_SHARE = D("0.25")
amounts = st.decimals(min_value=D(1), max_value=D(20000), places=2)
# Few, so that orders meet quotes, and odd, so that fees must be rounded.
prices = st.sampled_from([D("101.37"), D("95.09"), D("99.99"), D("104.73"), D("110.11")])
FILLS: list[Decimal] = []
quantities = st.integers(min_value=1, max_value=40)


@dataclass
class ModelOrder:
    """What the model remembers of an order; `bound` is the worst price that it accepts."""

    side: str
    quantity: Decimal
    bound: Decimal
    status: str = "NEW"
    filled: Decimal = ZERO
    value: Decimal = ZERO
    held: Decimal = ZERO
    seen: int = 0

    def paid(self) -> tuple[Decimal, Decimal]:
        """Money and fees of all that filled, rounded once."""
        amount = self.value.quantize(CENT, ROUND_HALF_EVEN)
        fees = (self.value * FEE_RATE).quantize(CENT, ROUND_HALF_EVEN)
        return amount, fees


class Books(RuleBasedStateMachine):
    """One portfolio in one instrument; every run is rolled back."""

    orders: Bundle[Any] = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.numbers = count(1)
        self.model: dict[str, Any] = {"cash": D(0), "units": D(0), "fees": D(0), "orders": {}}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    @initialize(cash=st.sampled_from([D(9000), D(50), D("20000.01")]), price=prices)
    def begin(self, cash: Decimal, price: Decimal) -> None:
        make_instrument("AAPL", lot_size=D(1))
        self.portfolio = make_portfolio()
        self.deposit(cash)
        self.quote(price, 1000)
        # A holding to begin with, bought in one part: otherwise most sequences never trade.
        self.deposit(D(9000))
        self.route(self.place("BUY", 7, None))

    def transfer(self, command: Any, amount: Decimal) -> None:
        command(
            actor=self.portfolio.client,
            portfolio_id=self.portfolio.id,
            amount=Money.of(amount, "USD"),
            idempotency_key=str(next(self.numbers)),
        )

    @rule(amount=amounts)
    def deposit(self, amount: Decimal) -> None:
        self.transfer(deposit_receive, amount)
        self.model["cash"] += amount

    @rule(amount=amounts)
    def withdraw(self, amount: Decimal) -> None:
        if amount > self.model["cash"]:
            with pytest.raises(Refused, match="USD"):
                self.transfer(withdrawal_request, amount)
            return
        self.transfer(withdrawal_request, amount)
        self.model["cash"] -= amount

    @rule(
        target=orders,
        side=st.sampled_from(["BUY", "SELL"]),
        quantity=quantities,
        limit=st.none() | prices,
    )
    def place(self, side: str, quantity: int, limit: Decimal | None) -> Any:
        """Without a limit it is a market order, which holds 2 % more than the ask."""
        worst = limit or (self.price * D("1.02") if side == "BUY" else D(0))
        order = ModelOrder(side, D(quantity), worst)
        value = order.quantity * worst
        order.held = order.quantity
        if side == "BUY":
            order.held = sum(
                (part.quantize(CENT, ROUND_CEILING) for part in (value, value * FEE_RATE)), D(0)
            )
        free = "cash" if side == "BUY" else "units"
        terms: dict[str, Any] = {"side": side, "quantity": quantity}
        if limit is not None:
            terms |= {"order_type": "LIMIT", "limit_price": limit}
        if order.held > self.model[free]:
            with pytest.raises(Refused):
                place_order(self.portfolio, **terms)
            return multiple()
        placed = place_order(self.portfolio, **terms)
        self.model[free] -= order.held
        self.model["orders"][placed.id] = order
        return placed.id

    @rule(price=prices, volume=st.sampled_from([1000, 0, 13, 40]))
    def quote(self, price: Decimal, volume: int) -> None:
        put_quote("AAPL", price, price, last=price, volume=volume)
        self.price, self.volume, self.quoted = price, D(volume), next(self.numbers)
        quotes_match(symbols=["AAPL"])
        for order in self.model["orders"].values():
            self.fill(order)

    @rule(order_id=orders)
    def route(self, order_id: Any) -> None:
        """Deliver what may be delivered twice."""
        order_route(order_id=order_id)
        self.fill(self.model["orders"][order_id])

    @rule(order_id=orders)
    def request_cancel(self, order_id: Any) -> None:
        order = self.model["orders"][order_id]
        if order.status in {"FILLED", "CANCELED", "EXPIRED"}:
            with pytest.raises(IllegalTransition):
                order_cancel(actor=self.portfolio.client, order_id=order_id)
            return
        order_cancel(actor=self.portfolio.client, order_id=order_id)
        order.status = "PENDING_CANCEL"

    @rule(order_id=orders)
    def confirm_cancel(self, order_id: Any) -> None:
        cancel_route(order_id=order_id)
        order = self.model["orders"][order_id]
        if order.status == "PENDING_CANCEL":
            self.close(order, "CANCELED")

    @rule(order_id=consumes(orders))
    def expire(self, order_id: Any) -> None:
        order = self.model["orders"][order_id]
        is_open = order.status in {"NEW", "PARTIALLY_FILLED", "PENDING_CANCEL"}
        assert order_expire(order_id=order_id) is is_open
        if is_open:
            self.close(order, "EXPIRED")

    def fill(self, order: ModelOrder) -> None:
        reached = self.price <= order.bound if order.side == "BUY" else self.price >= order.bound
        room = self.volume * VOLUME_SHARE
        left = order.quantity - order.filled
        taken = left if room >= left else room.to_integral_value(ROUND_FLOOR)
        working = order.status in {"NEW", "PARTIALLY_FILLED"}
        if not (working and reached and taken and order.seen != self.quoted):
            return
        amount, fees = order.paid()
        order.seen = self.quoted
        order.filled += taken
        order.value += taken * self.price
        amount, fees = order.paid()[0] - amount, order.paid()[1] - fees
        self.model["fees"] += fees
        FILLS.append(taken)
        if order.side == "BUY":
            order.held -= amount + fees
            self.model["units"] += taken
        else:
            order.held -= taken
            self.model["cash"] += amount - fees
        order.status = "PARTIALLY_FILLED"
        if order.filled == order.quantity:
            self.close(order, "FILLED")

    def close(self, order: ModelOrder, status: str) -> None:
        self.model["cash" if order.side == "BUY" else "units"] += order.held
        order.held = D(0)
        order.status = status

    @invariant()
    def the_model_and_the_tables_say_the_same(self) -> None:
        orders = self.model["orders"]
        held = {
            side: sum((one.held for one in orders.values() if one.side == side), D(0))
            for side in ("BUY", "SELL")
        }
        balances = {(row.kind, row.asset): row.balance for row in balances_of(self.portfolio.id)}
        assert {key: value for key, value in balances.items() if value} == {
            key: value
            for key, value in {
                (AccountKind.CASH, "USD"): self.model["cash"],
                (AccountKind.HELD, "USD"): held["BUY"],
                (AccountKind.SECURITIES, "AAPL"): self.model["units"],
                (AccountKind.HELD, "AAPL"): held["SELL"],
            }.items()
            if value
        }
        assert balance_get(None, AccountKind.FEES, "USD") == self.model["fees"]
        rows = Order.objects.filter(portfolio=self.portfolio)
        assert {
            row.id: (row.status, row.filled_quantity, row.filled_value, row.held_amount)
            for row in rows
        } == {key: (one.status, one.filled, one.value, one.held) for key, one in orders.items()}
        owned = self.model["units"] + held["SELL"]
        assert [row.quantity for row in position_list(self.portfolio.id)] == [owned] * bool(owned)
        assert not Account.objects.exclude(owner_id=None).filter(balance__lt=0).exists()
        assert list(ledger_differences()) == []


@pytest.mark.django_db
def test_books_after_any_commands_agree_with_the_model(settings: Settings) -> None:
    settings.CASH_CHECKS = []
    settings.ORDER_LIMITS = {**settings.ORDER_LIMITS, "price_collar": "1", "concentration": None}
    FILLS.clear()

    run_state_machine_as_test(Books, settings=EFFORT)

    assert len(FILLS) > EFFORT.max_examples, "some sequences must trade"


EFFORT = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
