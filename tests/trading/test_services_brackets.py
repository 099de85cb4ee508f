"""Brackets and one-cancels-other: the exits follow the entry's fills and never sell twice."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from apps.core.errors import Conflict, DomainError, InvalidInput, NotFound, Refused
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get, ledger_differences
from apps.trading.models import Execution, Order, Portfolio
from apps.trading.selectors.verification import position_differences
from apps.trading.services.brackets import bracket_place, oco_place
from apps.trading.services.executions import execution_record
from apps.trading.services.orders import order_cancel, order_cancel_all
from apps.trading.services.replacements import order_replace, replace_route
from apps.trading.services.routing import cancel_route, order_route, orders_expire, quotes_match
from tests.market.factories import make_instrument, put_quote
from tests.trading.factories import hold_units, make_market, make_portfolio, place_order
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def portfolio() -> Portfolio:
    make_market()
    return make_portfolio(cash="10000")


def bracket(portfolio: Portfolio, **terms: Any) -> list[Order]:
    """Place a bracket: buy ten at 100, out at 120 or 90."""
    defaults: dict[str, Any] = {
        "actor": portfolio.client,
        "portfolio_id": portfolio.id,
        "symbol": "AAPL",
        "order_type": "LIMIT",
        "limit_price": D(100),
        "quantity": D(10),
        "take_profit_price": D(120),
        "stop_loss_price": D(90),
        "client_order_id": uuid4().hex,
    }
    return bracket_place(**{**defaults, **terms})


def oco(portfolio: Portfolio, **terms: Any) -> list[Order]:
    defaults: dict[str, Any] = {
        "actor": portfolio.client,
        "portfolio_id": portfolio.id,
        "symbol": "AAPL",
        "quantity": D(10),
        "take_profit_price": D(120),
        "stop_loss_price": D(90),
        "client_order_id": uuid4().hex,
    }
    return oco_place(**{**defaults, **terms})


def fill(order: Order, quantity: str, price: str) -> None:
    execution_record(
        order_id=order.id,
        venue="PAPER",
        venue_execution_id=uuid4().hex,
        quantity=D(quantity),
        price=D(price),
    )


def quote(price: str, volume: str = "1000000") -> None:
    put_quote("AAPL", price, price, last=price, volume=volume)
    quotes_match(symbols=["AAPL"])


def state(*orders: Order) -> list[Any]:
    """Return status, what is left, and what is held, of each order as it is now."""
    for order in orders:
        order.refresh_from_db()
    return [(order.status, order.leaves_quantity, order.held_amount) for order in orders]


def units(portfolio: Portfolio, kind: AccountKind) -> Decimal:
    return balance_get(portfolio.id, kind, "AAPL")


def assert_balanced() -> None:
    assert list(ledger_differences()) == []
    assert list(position_differences()) == []


def test_bracket_place_holds_the_purchase_and_lets_the_exits_wait(portfolio: Portfolio) -> None:
    entry, profit, loss = bracket(portfolio, client_order_id="mine")

    assert state(profit, loss) == [("PENDING_NEW", 10, 0)] * 2
    assert (profit.client_order_id, loss.client_order_id) == ("mine-tp", "mine-sl")
    assert (profit.parent_id, profit.group_id) == (entry.id, entry.group_id)
    assert entry.held_amount == D("1000.50")
    quote("125")
    assert state(profit, loss) == [("PENDING_NEW", 10, 0)] * 2
    assert_balanced()


def test_exits_follow_the_entrys_fills_and_share_one_hold(portfolio: Portfolio) -> None:
    entry, profit, loss = bracket(portfolio)

    fill(entry, "4", "100")
    assert state(profit, loss) == [("NEW", 4, 4), ("NEW", 4, 0)]
    fill(entry, "6", "99")

    assert state(entry, profit, loss) == [("FILLED", 0, 0), ("NEW", 10, 10), ("NEW", 10, 0)]
    assert units(portfolio, AccountKind.HELD) == 10
    assert units(portfolio, AccountKind.SECURITIES) == 0
    assert_balanced()


@pytest.mark.parametrize(("price", "winner"), [("121", 1), ("89", 2)])
def test_exit_that_fills_cancels_the_other(portfolio: Portfolio, price: str, winner: int) -> None:
    orders = bracket(portfolio)
    order_route(order_id=orders[0].id)

    quote(price)

    winning, losing = orders[winner], orders[3 - winner]
    assert state(winning, losing) == [("FILLED", 0, 0), ("CANCELED", 0, 0)]
    assert losing.reason_code == "other_exit_filled"
    assert units(portfolio, AccountKind.SECURITIES) == units(portfolio, AccountKind.HELD) == 0
    assert Execution.objects.filter(side="SELL").count() == 1
    assert_balanced()


def test_partial_fill_of_an_exit_takes_from_the_other_each_way(portfolio: Portfolio) -> None:
    entry, profit, loss = bracket(portfolio)
    order_route(order_id=entry.id)

    # A fill takes at most a quarter of the volume.
    quote("120", volume="12")
    assert state(profit, loss) == [("PARTIALLY_FILLED", 7, 7), ("NEW", 7, 0)]
    quote("90", volume="16")
    assert state(profit, loss) == [("PARTIALLY_FILLED", 3, 0), ("PARTIALLY_FILLED", 3, 3)]
    quote("121")

    # The stop has triggered and would sell at any price, but the older order goes first.
    assert state(profit, loss) == [("FILLED", 0, 0), ("CANCELED", 0, 0)]
    assert (profit.filled_quantity, loss.filled_quantity) == (6, 4)
    assert units(portfolio, AccountKind.SECURITIES) == units(portfolio, AccountKind.HELD) == 0
    assert_balanced()


def test_exit_that_fills_before_the_entry_is_done_ends_the_entry(portfolio: Portfolio) -> None:
    entry, profit, loss = bracket(portfolio)
    fill(entry, "4", "100")

    fill(profit, "4", "120")

    assert state(entry, profit, loss) == [("CANCELED", 0, 0), ("FILLED", 0, 0), ("CANCELED", 0, 0)]
    assert entry.reason_code == "exit_filled"
    assert balance_get(portfolio.id, AccountKind.HELD, "USD") == 0
    assert_balanced()


def test_entry_that_ends_unfilled_takes_its_exits_with_it(portfolio: Portfolio) -> None:
    entry, profit, loss = bracket(portfolio)

    order_cancel(actor=portfolio.client, order_id=entry.id)
    cancel_route(order_id=entry.id)

    assert state(entry, profit, loss) == [("CANCELED", 0, 0)] * 3
    assert profit.reason_code == "entry_closed"
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == 10000
    assert_balanced()


def test_entry_that_ends_partly_filled_leaves_exits_for_what_it_bought(
    portfolio: Portfolio,
) -> None:
    entry, profit, loss = bracket(portfolio)
    fill(entry, "4", "100")

    order_cancel(actor=portfolio.client, order_id=entry.id)
    cancel_route(order_id=entry.id)

    assert state(entry, profit, loss) == [("CANCELED", 0, 0), ("NEW", 4, 4), ("NEW", 4, 0)]
    assert_balanced()


def test_exit_that_is_canceled_leaves_its_hold_to_the_other(portfolio: Portfolio) -> None:
    profit, loss = _placed(portfolio)

    order_cancel(actor=portfolio.client, order_id=profit.id)
    cancel_route(order_id=profit.id)

    assert state(profit, loss) == [("CANCELED", 0, 0), ("NEW", 10, 10)]
    quote("89")
    assert state(loss) == [("FILLED", 0, 0)]
    assert_balanced()


def _placed(portfolio: Portfolio) -> tuple[Order, Order]:
    hold_units(portfolio, "10")
    profit, loss = oco(portfolio)
    return profit, loss


def test_oco_place_holds_the_units_once(portfolio: Portfolio) -> None:
    profit, loss = _placed(portfolio)

    assert state(profit, loss) == [("NEW", 10, 10), ("NEW", 10, 0)]
    with pytest.raises(Refused) as refused:
        place_order(portfolio, side="SELL", quantity="1")
    assert refused.value.code == "insufficient_position"
    assert_balanced()


def test_oco_never_sells_more_than_its_quantity_whatever_the_venue_says(
    portfolio: Portfolio,
) -> None:
    profit, loss = _placed(portfolio)
    fill(profit, "6", "120")

    with pytest.raises(Conflict) as refused:
        fill(loss, "5", "90")

    assert refused.value.code == "overfill"
    fill(loss, "4", "90")
    assert state(profit, loss) == [("CANCELED", 0, 0), ("FILLED", 0, 0)]
    with pytest.raises(Conflict):
        fill(profit, "1", "120")
    assert_balanced()


def test_order_cancel_all_ends_groups_whole(portfolio: Portfolio) -> None:
    waiting = bracket(portfolio)
    working = _placed(portfolio)

    for order in order_cancel_all(actor=portfolio.client, portfolio_id=portfolio.id):
        cancel_route(order_id=order.id)

    assert state(*waiting, *working) == [("CANCELED", 0, 0)] * 5
    assert units(portfolio, AccountKind.SECURITIES) == 10
    assert_balanced()


def test_exits_end_with_the_day_when_their_time_in_force_says_so(
    portfolio: Portfolio,
) -> None:
    entry, profit, loss = bracket(portfolio, exit_time_in_force="DAY")
    waiting = Order.objects.filter(expires_at=None).count()
    fill(entry, "10", "100")

    assert (waiting, Order.objects.filter(expires_at=None).count()) == (2, 0)

    Order.objects.update(expires_at=profit.created_at)

    assert orders_expire() == 2
    assert state(profit, loss) == [("EXPIRED", 0, 0)] * 2
    assert units(portfolio, AccountKind.SECURITIES) == 10
    assert_balanced()


def test_exits_prices_may_be_replaced_and_their_quantity_may_not(portfolio: Portfolio) -> None:
    entry, profit, loss = bracket(portfolio)
    actor = portfolio.client

    waiting = order_replace(actor=actor, order_id=loss.id, client_order_id="1", stop_price=D(95))
    assert (waiting.status, waiting.stop_price) == ("PENDING_NEW", 95)
    fill(entry, "10", "100")
    order_replace(actor=actor, order_id=profit.id, client_order_id="2", limit_price=D(110))
    now = replace_route(order_id=profit.id)
    assert (now.status, now.limit_price, now.held_amount) == ("NEW", 110, 10)
    with pytest.raises(Conflict) as refused:
        order_replace(actor=actor, order_id=profit.id, client_order_id="3", quantity=D(5))
    assert refused.value.code == "quantity_of_group"

    quote("94")

    assert state(profit, loss) == [("CANCELED", 0, 0), ("FILLED", 0, 0)]
    assert_balanced()


def test_fill_of_one_exit_while_the_other_is_being_replaced_counts(portfolio: Portfolio) -> None:
    profit, loss = _placed(portfolio)
    order_replace(
        actor=portfolio.client, order_id=profit.id, client_order_id="1", limit_price=D(110)
    )

    fill(loss, "4", "90")

    assert state(profit, loss) == [("PENDING_REPLACE", 6, 0), ("PARTIALLY_FILLED", 6, 6)]
    now = replace_route(order_id=profit.id)
    assert (now.status, now.limit_price, now.quantity) == ("NEW", 110, 6)
    assert_balanced()


def test_entry_that_fills_while_an_exit_is_being_canceled_leaves_all_to_the_other(
    portfolio: Portfolio,
) -> None:
    entry, profit, loss = bracket(portfolio)
    fill(entry, "4", "100")
    order_cancel(actor=portfolio.client, order_id=profit.id)

    fill(entry, "6", "100")
    profit.refresh_from_db()
    asked = profit.status
    cancel_route(order_id=profit.id)

    profit.refresh_from_db()
    loss.refresh_from_db()
    assert (asked, profit.status, profit.held_amount) == ("PENDING_CANCEL", "CANCELED", 0)
    assert (loss.status, loss.quantity, loss.held_amount) == ("NEW", 10, 10)
    assert_balanced()
    quote("90")
    assert units(portfolio, AccountKind.SECURITIES) == units(portfolio, AccountKind.HELD) == 0
    assert_balanced()


def test_groups_are_placed_once_by_their_client_order_id(portfolio: Portfolio) -> None:
    first = bracket(portfolio, client_order_id="b")
    again = bracket(portfolio, client_order_id="b")
    hold_units(portfolio, "10")
    pair = oco(portfolio, client_order_id="o")

    assert [order.id for order in again] == [order.id for order in first]
    assert [order.id for order in oco(portfolio, client_order_id="o")] == [
        order.id for order in pair
    ]
    for place, name in ((bracket, "b"), (oco, "o"), (oco, "b")):
        with pytest.raises(Conflict) as refused:
            place(portfolio, client_order_id=name, stop_loss_price=D(91))
        assert refused.value.code == "idempotency_mismatch"
    assert Order.objects.filter(portfolio=portfolio).count() == 6


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"take_profit_price": D(99)}, "invalid_input"),
        ({"stop_loss_price": D(101)}, "invalid_input"),
        ({"stop_loss_price": D(130)}, "invalid_input"),
        ({"exit_time_in_force": "IOC"}, "invalid_input"),
        ({"stop_loss_price": D("90.001")}, "tick_size"),
        ({"order_type": "TRAILING_STOP"}, "invalid_input"),
        ({"quantity": D(1000)}, "insufficient_buying_power"),
        ({"client_order_id": "x" * 62}, "invalid_input"),
        ({"symbol": "NONE"}, "not_found"),
    ],
)
def test_bracket_that_is_refused_changes_nothing(
    portfolio: Portfolio, terms: dict[str, Any], code: str
) -> None:
    with pytest.raises(DomainError) as refused:
        bracket(portfolio, **terms)

    assert refused.value.code == code
    assert not Order.objects.exists()
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == 10000


def test_oco_of_units_that_are_not_there_or_of_anothers_is_refused(portfolio: Portfolio) -> None:
    with pytest.raises(Refused) as refused:
        oco(portfolio)
    assert refused.value.code == "insufficient_position"
    with pytest.raises(NotFound):
        oco(portfolio, actor=make_user())
    with pytest.raises(InvalidInput):
        oco(portfolio, time_in_force="FOK")
    assert not Order.objects.exists()


def test_exit_of_a_halted_instrument_that_is_rejected_leaves_its_hold_to_the_other(
    portfolio: Portfolio,
) -> None:
    profit, loss = _placed(portfolio)
    make_instrument("AAPL", status="HALTED", lot_size=D(1))

    order_route(order_id=profit.id)

    assert state(profit, loss) == [("REJECTED", 0, 0), ("NEW", 10, 10)]
    assert_balanced()
