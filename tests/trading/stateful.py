"""Orders, cash, charges and the ledger against `books.py`, in any sequence of commands."""

import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from apps.core.domain.money import Money
from apps.core.errors import Conflict, IllegalTransition, InvalidInput, Refused
from apps.infrastructure import failures
from apps.infrastructure.prepared import run_prepared
from apps.ledger.selectors import ledger_differences
from apps.trading.domain.charges import ChargeKind
from apps.trading.domain.corporate_actions import ActionKind, ActionTerms
from apps.trading.domain.gains import market_day
from apps.trading.models import Order as OrderRow
from apps.trading.services import charges, routing
from apps.trading.services.brackets import bracket_place, oco_place
from apps.trading.services.cash import deposit_receive, withdrawal_request
from apps.trading.services.charge_rates import charge_rate_confirm, charge_rate_propose
from apps.trading.services.corporate_actions import (
    corporate_action_confirm,
    corporate_action_propose,
)
from apps.trading.services.entitlements import corporate_actions_run
from apps.trading.services.orders import order_cancel, order_place
from apps.trading.services.replacements import order_replace, replace_route
from apps.trading.services.transfers import cash_move, units_move
from apps.users.domain.roles import Role
from tests.market.factories import make_instrument, put_quote
from tests.trading.books import Books, Denied, Order, Quote
from tests.trading.books_charges import FEE_BPS, INTEREST_BPS
from tests.trading.factories import make_portfolio
from tests.users.factories import make_user

D = Decimal
START = datetime(2026, 3, 30, 15, tzinfo=UTC)
REFUSALS = (Refused, IllegalTransition, Conflict, InvalidInput)
PROVE_EVERY = 25
# Few, so that orders meet quotes, and odd, so that fees must be rounded.
LEVELS = [D("95.09"), D("99.99"), D("101.37"), D("104.73"), D("110.11")]
levels = st.sampled_from(LEVELS)
amounts = st.decimals(min_value=D(1), max_value=D(20000), places=2)
quantities = st.integers(min_value=1, max_value=40).map(D)
purses = st.sampled_from([0, 0, 1])
sides = st.sampled_from(["BUY", "SELL"])
# What all sequences came to.
DONE: Counter[str] = Counter()
# Postings are dated by the database's clock: let it tell the machine's time.
CLOCK = """
ALTER TABLE ledger_posting ALTER posted_at SET DEFAULT current_setting('machine.now')::timestamptz
"""
TABLES = """
SELECT owner_id, kind, asset, sum(balance), 0, 0, 0 FROM ledger_account
 WHERE owner_id = ANY (%s) OR owner_id IS NULL AND kind IN ('FEES', 'INTEREST')
 GROUP BY owner_id, kind, asset HAVING sum(balance) <> 0
UNION ALL
SELECT portfolio_id, 'LOTS', symbol, sum(remaining_quantity), 0, 0, 0 FROM trading_lot
 WHERE portfolio_id = ANY (%s) AND remaining_quantity > 0 GROUP BY portfolio_id, symbol
UNION ALL
SELECT id, 'ORDER', status, quantity, filled_quantity, filled_value, held_amount
  FROM trading_order WHERE portfolio_id = ANY (%s)
"""


class Machine(RuleBasedStateMachine):
    """Two portfolios of one client in one instrument; every sequence is rolled back.

    What is checked only at commit is checked after every step.
    """

    orders: Bundle[Any] = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.ticks = count(1)
        self.books = Books(2, START)
        self.patch.setattr(timezone, "now", self.now)
        self.patch.setattr(failures.logger, "error", self.fail)
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.numbers = count(1)
        self.steps = 0
        self.rows: dict[UUID, Order] = {}

    def now(self) -> datetime:
        """Tell the time of a clock that stands still but for what keeps moments apart."""
        return self.books.now + timedelta(microseconds=next(self.ticks))

    def fail(self, event: str, **facts: Any) -> None:
        raise AssertionError(f"{event} {facts}")

    def teardown(self) -> None:
        before = DONE["steps"]
        DONE.update(
            steps=self.steps,
            fills=self.books.fills,
            fees=self.books.charges.booked,
            deferred=self.books.charges.deferred,
        )
        if DONE["steps"] // 1000 > before // 1000:
            sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {dict(DONE)}\n")
            sys.stdout.flush()
        try:
            if self.steps:
                assert list(ledger_differences()) == []
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)
            self.patch.undo()

    def both(self, platform: Callable[[], Any], model: Callable[[], Any]) -> Any:
        """Do it here and there; return both results, or None where both refuse."""
        try:
            expected = model()
        except Denied:
            with pytest.raises(REFUSALS):
                platform()
            return None
        return platform(), expected

    @initialize(cash=st.sampled_from([D(9000), D(50), D("90000.01")]), price=levels)
    def begin(self, cash: Decimal, price: Decimal) -> None:
        with connection.cursor() as cursor:
            cursor.execute(CLOCK)
        self.wait()
        make_instrument("AAPL", lot_size=D(1))
        client = make_user()
        self.portfolios = [make_portfolio(client) for _ in range(2)]
        self.client = client
        self.officers = [make_user(Role.OPERATIONS) for _ in range(2)]
        self.rate(ChargeKind.CUSTODY_FEE, FEE_BPS)
        self.rate(ChargeKind.CREDIT_INTEREST, INTEREST_BPS, currency="USD")
        self.deposit(0, cash)
        self.quote(price, D(0), 1000)
        # A holding to begin with, bought in one part: otherwise most sequences never trade.
        for purse in (0, 1):
            self.deposit(purse, D(9000))
            terms: dict[str, Any] = {"side": "BUY", "kind": "MARKET", "quantity": D(7)}
            self.place(purse=purse, limit=None, stop=D(100), tif="GTC", **terms)

    def wait(self, **time: int) -> None:
        self.books.wait(timedelta(**time))
        run_prepared("SELECT set_config('machine.now', %s, true)", [self.books.now.isoformat()])

    # --- Money ------------------------------------------------------------------------------

    def transfer(self, command: Any, purse: int, amount: Decimal) -> None:
        command(
            actor=self.client,
            portfolio_id=self.portfolios[purse].id,
            amount=Money.of(amount, "USD"),
            idempotency_key=str(next(self.numbers)),
        )

    @rule(purse=purses, amount=amounts)
    def deposit(self, purse: int, amount: Decimal) -> None:
        self.transfer(deposit_receive, purse, amount)
        self.books.purses[purse].cash += amount

    @rule(purse=purses, amount=st.none() | amounts)
    def withdraw(self, purse: int, amount: Decimal | None) -> None:
        """Take an amount, or all there is."""
        amount = amount or self.books.purses[purse].cash or D(1)
        if amount > self.books.purses[purse].cash:
            with pytest.raises(Refused, match="USD"):
                self.transfer(withdrawal_request, purse, amount)
            return
        self.transfer(withdrawal_request, purse, amount)
        self.books.purses[purse].cash -= amount

    @rule(source=st.sampled_from([0, 1]), amount=amounts)
    def move_cash(self, source: int, amount: Decimal) -> None:
        self.both(
            lambda: cash_move(
                **self.between(source),
                amount=Money.of(amount, "USD"),
                idempotency_key=f"move-{next(self.numbers)}",
            ),
            lambda: self.books.move(source, "cash", amount),
        )

    @rule(source=st.sampled_from([0, 1]), quantity=quantities)
    def move_units(self, source: int, quantity: Decimal) -> None:
        self.both(
            lambda: units_move(
                **self.between(source),
                symbol="AAPL",
                quantity=quantity,
                idempotency_key=f"move-{next(self.numbers)}",
            ),
            lambda: self.books.move(source, "units", quantity),
        )

    def between(self, source: int) -> dict[str, Any]:
        ids = [portfolio.id for portfolio in self.portfolios]
        return {"actor": self.client, "source_id": ids[source], "target_id": ids[1 - source]}

    # --- What the firm takes and pays -------------------------------------------------------

    def rate(self, kind: ChargeKind, rate_bps: Decimal, currency: str = "") -> None:
        proposer, confirmer = self.officers
        terms: dict[str, Any] = {"kind": kind, "currency": currency, "rate_bps": rate_bps}
        rate = charge_rate_propose(actor=proposer, reason="Price list", **terms)
        charge_rate_confirm(actor=confirmer, rate_id=rate.id)

    @rule(days=st.sampled_from([0, 1, 1, 3]))
    def charge(self, days: int) -> None:
        """Run what accrues and books, at once or some days later; the market opens again."""
        self.wait(days=days)
        charges.charges_run()
        self.books.charges.run(self.books.price.last)
        if days:
            self.quote(self.books.price.last, D(0), 40)

    # --- What the issuer does ---------------------------------------------------------------

    @rule(
        event=st.sampled_from([None, None, None, "2:1", "3:2", "1:2", "DIVIDEND"]),
        price=levels,
    )
    def issuer(self, event: str | None, price: Decimal) -> None:
        """Split or pay overnight; mostly nothing happens."""
        if event is None:
            return
        self.wait(days=1)
        terms: dict[str, Any] = {"symbol": "AAPL", "currency": "USD"}
        terms["ex_date"] = market_day(self.now())
        if event == "DIVIDEND":
            paid = {"amount": D("0.257"), "withholding_rate": D("0.15")}
            self.announce(kind=ActionKind.DIVIDEND, pay_date=terms["ex_date"], **terms, **paid)
            self.books.dividend(*paid.values())
            return
        new, old = (int(part) for part in event.split(":"))
        ratio = {"ratio_new": D(new), "ratio_old": D(old), "cash_in_lieu": price}
        self.announce(kind=ActionKind.SPLIT, **terms, **ratio)
        self.books.split(new, old, price)
        self.quote(price, D(0), 100)

    def announce(self, **terms: Any) -> None:
        proposer, confirmer = self.officers
        action = corporate_action_propose(
            actor=proposer, terms=ActionTerms(**terms), source="The issuer"
        )
        corporate_action_confirm(actor=confirmer, action_id=action.id)
        corporate_actions_run()

    # --- Orders -----------------------------------------------------------------------------

    @rule(
        target=orders,
        purse=purses,
        side=sides,
        kind=st.sampled_from(["MARKET", "LIMIT", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP"]),
        quantity=quantities,
        limit=levels,
        stop=levels,
        tif=st.sampled_from(["GTC", "GTC", "DAY", "IOC", "FOK"]),
        delivered=st.booleans(),
    )
    def place(
        self,
        *,
        purse: int,
        side: str,
        kind: str,
        quantity: Decimal,
        limit: Decimal | None,
        stop: Decimal,
        tif: str,
        delivered: bool = True,
    ) -> Any:
        prices: dict[str, Any] = {}
        if kind in {"LIMIT", "STOP_LIMIT"}:
            prices["limit_price"] = limit
        if kind in {"STOP", "STOP_LIMIT"}:
            prices["stop_price"] = stop
        if kind == "TRAILING_STOP":
            prices["trail_amount"] = stop - 90
        order = Order(
            self.books.purses[purse],
            side,
            kind,
            quantity,
            limit=prices.get("limit_price"),
            stop=prices.get("stop_price"),
            trail=prices.get("trail_amount"),
            tif=tif,
        )
        key = f"order-{next(self.numbers)}"

        def platform() -> OrderRow:
            return order_place(
                actor=self.client,
                portfolio_id=self.portfolios[purse].id,
                symbol="AAPL",
                side=side,
                order_type=kind,
                quantity=quantity,
                time_in_force=tif,
                client_order_id=key,
                **prices,
            )

        placed = self.both(platform, lambda: self.books.place(order))
        if placed is None:
            return multiple()
        if quantity % 5 == 0:
            assert platform().id == placed[0].id, "the same request is one order"
        self.rows[placed[0].id] = order
        if delivered:
            self.route(placed[0].id)
        return placed[0].id

    @rule(
        target=orders,
        purse=purses,
        quantity=quantities,
        limit=st.none() | levels,
        profit=levels,
        loss=levels,
        tif=st.sampled_from(["GTC", "DAY"]),
    )
    def bracket(
        self,
        *,
        purse: int,
        quantity: Decimal,
        limit: Decimal | None,
        profit: Decimal,
        loss: Decimal,
        tif: str,
    ) -> Any:
        kind = "LIMIT" if limit else "MARKET"
        entry = Order(self.books.purses[purse], "BUY", kind, quantity, limit=limit, tif=tif)
        return self.group(
            lambda key: bracket_place(
                actor=self.client,
                portfolio_id=self.portfolios[purse].id,
                symbol="AAPL",
                order_type=kind,
                quantity=quantity,
                limit_price=limit,
                time_in_force=tif,
                take_profit_price=profit,
                stop_loss_price=loss,
                exit_time_in_force=tif,
                client_order_id=key,
            ),
            lambda: self.books.bracket(entry, profit, loss, tif),
        )

    @rule(target=orders, purse=purses, quantity=quantities, profit=levels, loss=levels)
    def pair(self, purse: int, quantity: Decimal, profit: Decimal, loss: Decimal) -> Any:
        return self.group(
            lambda key: oco_place(
                actor=self.client,
                portfolio_id=self.portfolios[purse].id,
                symbol="AAPL",
                quantity=quantity,
                take_profit_price=profit,
                stop_loss_price=loss,
                client_order_id=key,
            ),
            lambda: self.books.pair(self.books.purses[purse], quantity, profit, loss),
        )

    def group(self, platform: Callable[[str], list[OrderRow]], model: Callable[[], Any]) -> Any:
        key = f"group-{next(self.numbers)}"
        placed = self.both(lambda: platform(key), model)
        if placed is None:
            return multiple()
        self.rows |= {row.id: order for row, order in zip(*placed, strict=True)}
        return multiple(*(row.id for row in placed[0]))

    @rule(
        price=levels,
        spread=st.sampled_from([D(0), D("0.02")]),
        volume=st.sampled_from([1000, 0, 13, 40]),
    )
    def quote(self, price: Decimal, spread: Decimal, volume: int) -> None:
        self.wait(seconds=1)
        quote = Quote(
            price - spread, price + spread, price, D(volume), self.now(), next(self.numbers)
        )
        put_quote("AAPL", quote.bid, quote.ask, last=price, volume=volume, at=quote.at)
        routing.quotes_match(symbols=["AAPL"])
        self.books.quoted(quote)

    @rule(purse=purses, side=sides, quantity=quantities, price=levels)
    def deal(self, purse: int, side: str, quantity: Decimal, price: Decimal) -> None:
        """Trade at once: otherwise few sequences have much to tell."""
        self.quote(price, D(0), 1000)
        terms: dict[str, Any] = {"side": side, "kind": "MARKET", "quantity": quantity}
        self.place(purse=purse, limit=None, stop=D(100), tif="DAY", **terms)

    @rule(order_id=orders)
    def route(self, order_id: Any) -> None:
        """Deliver what may be delivered twice."""
        routing.order_route(order_id=order_id)
        self.books.route(self.rows[order_id])

    @rule(order_id=orders)
    def cancel(self, order_id: Any) -> None:
        self.both(
            lambda: order_cancel(actor=self.client, order_id=order_id),
            lambda: self.books.cancel(self.rows[order_id]),
        )

    @rule(order_id=orders)
    def confirm_cancel(self, order_id: Any) -> None:
        routing.cancel_route(order_id=order_id)
        self.books.confirm(self.rows[order_id])

    @rule(order_id=orders, quantity=st.none() | quantities, limit=st.none() | levels)
    def replace(self, order_id: Any, quantity: Decimal | None, limit: Decimal | None) -> None:
        order = self.rows[order_id]
        if order.kind != "LIMIT" or order.mates:
            return
        key = f"replace-{next(self.numbers)}"
        self.both(
            lambda: order_replace(
                actor=self.client,
                order_id=order_id,
                client_order_id=key,
                quantity=quantity,
                limit_price=limit,
            ),
            lambda: self.books.replace(order, quantity, limit),
        )

    @rule(order_id=orders)
    def answer_replacement(self, order_id: Any) -> None:
        replace_route(order_id=order_id)
        self.books.answer(self.rows[order_id])

    @rule(hours=st.sampled_from([0, 0, 1, 11]))
    def pause(self, hours: int) -> None:
        self.wait(hours=hours, seconds=17)

    @rule()
    def sweep(self) -> None:
        assert routing.orders_expire() == self.books.sweep()

    # --- The comparison ---------------------------------------------------------------------

    @invariant()
    def model_and_tables_say_the_same(self) -> None:
        self.steps += 1
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        owners = [portfolio.id for portfolio in self.portfolios]
        told: dict[Any, Any] = {}
        for key, kind, what, *amounts in run_prepared(TABLES, [owners] * 3):
            if kind == "ORDER":
                told[key] = what, *amounts
            else:
                told[key, kind, what] = amounts[0]
        assert told == self.model()
        if self.steps % PROVE_EVERY == 0:
            assert list(ledger_differences()) == []

    def model(self) -> dict[Any, Any]:
        """Return each order, every balance of the portfolios and of what the firm earned and paid
        that is not zero, and the units of lots.
        """
        theirs: dict[Any, Decimal] = {}
        for portfolio, purse in zip(self.portfolios, self.books.purses, strict=True):
            cash, units = self.books.owned(purse)
            theirs |= {
                (portfolio.id, "CASH", "USD"): purse.cash,
                (portfolio.id, "HELD", "USD"): cash - purse.cash,
                (portfolio.id, "SECURITIES", "AAPL"): purse.units,
                (portfolio.id, "HELD", "AAPL"): units - purse.units,
                (portfolio.id, "LOTS", "AAPL"): units,
            }
        assert all(value >= 0 for value in theirs.values())
        charged = self.books.charges
        firms = {
            (None, "FEES", "USD"): self.books.commissions + charged.fees,
            (None, "INTEREST", "USD"): -charged.interest,
        }
        balances = {key: value for key, value in (theirs | firms).items() if value}
        return balances | {
            key: (one.status, one.quantity, one.filled, one.value, one.held)
            for key, one in self.rows.items()
        }
