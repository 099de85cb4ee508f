"""Replacing orders: what changes, what is held, what is refused."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, DomainError, IllegalTransition, InvalidInput, NotFound, Stale
from apps.ledger.domain.legs import AccountKind
from apps.ledger.models import Entry
from apps.ledger.selectors import balance_get, ledger_differences
from apps.trading.domain.risk import FirmState
from apps.trading.models import FirmSwitch, Order, Portfolio, Replacement
from apps.trading.selectors.orders import order_list, replacement_list
from apps.trading.selectors.verification import position_differences
from apps.trading.services.executions import execution_record
from apps.trading.services.orders import order_cancel, order_cancel_all
from apps.trading.services.replacements import order_replace, replace_route
from apps.trading.services.routing import cancel_route, order_expire, order_route, quotes_match
from tests.market.factories import put_quote
from tests.trading.factories import fund, hold_units, make_market, make_portfolio, place_order
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db
D = Decimal
LIMIT = {"order_type": "LIMIT", "limit_price": "90", "quantity": "10"}


@pytest.fixture
def portfolio() -> Portfolio:
    make_market()
    return make_portfolio(cash="10000")


def replace(order: Order, **terms: Any) -> Order:
    """Ask for the replacement; amounts may be texts."""
    facts = {name: terms.pop(name) for name in ("version", "client_order_id") if name in terms}
    amounts: dict[str, Any] = {name: D(value) for name, value in terms.items()}
    facts.setdefault("client_order_id", uuid4().hex)
    return order_replace(actor=order.client, order_id=order.id, **facts, **amounts)


def replaced(order: Order, **terms: Any) -> Any:
    replace(order, **terms)
    return replace_route(order_id=order.id)


def fill(order: Order, quantity: str, price: str) -> None:
    execution_record(
        order_id=order.id,
        venue="PAPER",
        venue_execution_id=uuid4().hex,
        quantity=D(quantity),
        price=D(price),
    )


def cash(portfolio: Portfolio, kind: AccountKind = AccountKind.CASH) -> Decimal:
    return balance_get(portfolio.id, kind, "USD")


def assert_balanced() -> None:
    assert list(ledger_differences()) == []
    assert list(position_differences()) == []


def assert_unchanged(order: Order, refusal: type[DomainError], code: str, **terms: Any) -> None:
    """See the replacement refused with that code, and that nothing changed."""
    before = (Order.objects.filter(id=order.id).values().get(), Entry.objects.count())
    events = set(AuditEvent.objects.values_list("sequence", flat=True))
    with pytest.raises(refusal) as refused:
        replace(order, **terms)
    assert refused.value.code == code
    assert (Order.objects.filter(id=order.id).values().get(), Entry.objects.count()) == before
    # A check that stopped it is written down, and nothing else.
    new = AuditEvent.objects.exclude(sequence__in=events).values_list("name", flat=True)
    assert set(new) <= {"trading.order.refused"}
    assert not order.replacements.exclude(status="REPLACED").exists()


def test_order_replace_asks_the_venue_and_holds_what_it_needs_more(portfolio: Portfolio) -> None:
    order = place_order(portfolio, **LIMIT)

    asked = replace(order, quantity="20", limit_price="95")

    # 20 x 95 and 5 basis points of it.
    assert (asked.status, asked.quantity, asked.held_amount) == (
        "PENDING_REPLACE",
        10,
        D("1900.95"),
    )
    assert cash(portfolio) == D("8099.05")
    (pending,) = replacement_list(portfolio.client, order.id)
    assert (pending.status, pending.before["quantity"], pending.after["quantity"]) == (
        "PENDING_REPLACE",
        "10.00000000",
        "20",
    )
    assert_balanced()


def test_replace_route_puts_the_order_under_its_new_terms(portfolio: Portfolio) -> None:
    order = place_order(portfolio, **LIMIT)

    now = replaced(order, quantity="20", limit_price="95", client_order_id="second")

    assert (now.id, now.status, now.quantity, now.limit_price, now.worst_price) == (
        order.id,
        "NEW",
        20,
        95,
        95,
    )
    assert now.client_order_id == order.client_order_id
    (chain,) = replacement_list(portfolio.client, order.id)
    assert (chain.status, chain.client_order_id) == ("REPLACED", "second")
    assert order_list(portfolio.client).named("second").get() == order
    names = [event.name for event in AuditEvent.objects.stream(order.stream)]
    assert names[-2:] == ["trading.order.replace_requested", "trading.order.replaced"]
    assert_balanced()


def test_replacement_that_needs_less_frees_money_only_when_the_venue_agrees(
    portfolio: Portfolio,
) -> None:
    order = place_order(portfolio, **LIMIT)

    assert replace(order, quantity="4").held_amount == D("900.45")
    now: Any = replace_route(order_id=order.id)

    assert now.held_amount == D("360.18")
    assert cash(portfolio) == D("9639.82")
    assert_balanced()


def test_replacement_keeps_the_fills_and_charges_the_whole_order_once(
    portfolio: Portfolio, settings: Settings
) -> None:
    settings.COMMISSION = {
        "model": "apps.trading.domain.costs.BasisPointCommission",
        "options": {"bps": "5", "minimum": "10"},
    }
    order = place_order(portfolio, **LIMIT)
    fill(order, "4", "90")

    now = replaced(order, quantity="6", limit_price="95")

    # 4 x 90 and the minimum are paid; 2 x 95 remain, within the minimum.
    assert (now.status, now.filled_quantity, now.remaining) == ("PARTIALLY_FILLED", 4, 2)
    assert now.held_amount == D("190")
    fill(order, "2", "95")
    order.refresh_from_db()
    assert (order.status, order.fees, order.held_amount) == ("FILLED", 10, 0)
    assert cash(portfolio) == D("9440")
    assert_balanced()


def test_fill_while_a_replacement_is_pending_counts_and_the_rest_is_replaced(
    portfolio: Portfolio,
) -> None:
    order = place_order(portfolio, **LIMIT)
    replace(order, quantity="20", limit_price="50")

    fill(order, "5", "90")

    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("PENDING_REPLACE", 5)
    now: Any = replace_route(order_id=order.id)
    assert (now.status, now.quantity, now.remaining) == ("PARTIALLY_FILLED", 20, 15)
    # More than the old and the new terms needed each: 450 are paid, 15 x 50 are to come.
    assert now.held_amount == D("750.38")
    assert_balanced()


def test_replacement_that_money_or_fills_overtook_leaves_the_old_terms(
    portfolio: Portfolio,
) -> None:
    order = place_order(portfolio, **LIMIT)
    replace(order, quantity="5")
    fill(order, "7", "90")

    now: Any = replace_route(order_id=order.id)

    assert (now.status, now.quantity, now.remaining) == ("PARTIALLY_FILLED", 10, 3)
    assert now.held_amount == D("270.13")
    assert order.replacements.get().reason_code == "quantity_filled"
    assert_balanced()


def test_replacement_for_which_the_money_is_gone_meanwhile_is_rejected() -> None:
    make_market()
    portfolio = make_portfolio(cash="1000")
    order = place_order(portfolio, **LIMIT)
    replace(order, quantity="18", limit_price="50")
    fill(order, "5", "90")

    now: Any = replace_route(order_id=order.id)

    # 13 x 50 are needed; 450.22 of the hold and 99.55 of cash are there.
    assert (now.status, now.quantity, now.limit_price) == ("PARTIALLY_FILLED", 10, 90)
    assert order.replacements.get().reason_code == "insufficient_buying_power"
    assert_balanced()


@pytest.mark.parametrize("end", ["fill", "cancel", "expire"])
def test_order_that_ends_while_a_replacement_is_pending_frees_all(
    portfolio: Portfolio, end: str
) -> None:
    order = place_order(portfolio, **LIMIT)
    replace(order, quantity="20")

    if end == "fill":
        fill(order, "10", "90")
    elif end == "cancel":
        order_cancel(actor=portfolio.client, order_id=order.id)
        cancel_route(order_id=order.id)
    else:
        order_expire(order_id=order.id)

    order.refresh_from_db()
    assert order.is_closed
    assert order.held_amount == 0
    assert cash(portfolio, AccountKind.HELD) == 0
    assert order.replacements.get().status == "REJECTED"
    assert replace_route(order_id=order.id).status == order.status
    assert_balanced()


def test_replacement_of_a_sale_holds_units(portfolio: Portfolio) -> None:
    hold_units(portfolio, "10")
    order = place_order(portfolio, side="SELL", order_type="LIMIT", limit_price="120", quantity="4")

    assert replaced(order, quantity="9").held_amount == 9
    assert replaced(order, quantity="2").held_amount == 2
    assert balance_get(portfolio.id, AccountKind.SECURITIES, "AAPL") == 8
    assert_unchanged(order, DomainError, "insufficient_position", quantity="11")
    assert_balanced()


def test_replaced_order_is_tried_under_its_new_terms(portfolio: Portfolio) -> None:
    order = place_order(portfolio, **LIMIT)
    replaced(order, limit_price="101")

    assert order_route(order_id=order.id).status == "FILLED"


def test_order_replace_is_asked_once(portfolio: Portfolio) -> None:
    order = place_order(portfolio, **LIMIT)

    replace(order, quantity="12", client_order_id="once")
    again = replace(order, quantity="12.0", client_order_id="once")

    assert again.status == "PENDING_REPLACE"
    assert Replacement.objects.count() == 1
    replace_route(order_id=order.id)
    assert replace(order, quantity="12", client_order_id="once").status == "NEW"
    with pytest.raises(Conflict) as refused:
        replace(order, quantity="13", client_order_id="once")
    assert refused.value.code == "idempotency_mismatch"
    with pytest.raises(Conflict):
        place_order(portfolio, client_order_id="once")


def test_order_placed_again_after_its_replacement_is_the_same_order(portfolio: Portfolio) -> None:
    order = place_order(portfolio, client_order_id="mine", **LIMIT)
    replaced(order, quantity="12", limit_price="91")

    assert place_order(portfolio, client_order_id="mine", **LIMIT).id == order.id


@pytest.mark.parametrize(
    ("terms", "refusal", "code"),
    [
        ({"quantity": "10"}, Conflict, "nothing_changes"),
        ({"quantity": "0"}, InvalidInput, "invalid_input"),
        ({"stop_price": "80"}, InvalidInput, "invalid_input"),
        ({"trail_percent": "5"}, InvalidInput, "invalid_input"),
        ({"limit_price": "90.001"}, DomainError, "tick_size"),
        ({"quantity": "10.5"}, DomainError, "lot_size"),
        ({"limit_price": "199"}, DomainError, "price_collar"),
        ({"quantity": "500"}, DomainError, "insufficient_buying_power"),
        ({"quantity": "11", "version": "old"}, Stale, "stale"),
        ({"quantity": "11", "client_order_id": "two words"}, InvalidInput, "invalid_input"),
    ],
)
def test_order_replace_that_is_refused_changes_nothing(
    portfolio: Portfolio, terms: dict[str, Any], refusal: type[DomainError], code: str
) -> None:
    order = place_order(portfolio, **LIMIT)

    assert_unchanged(order, refusal, code, **terms)


def test_order_replace_below_what_filled_is_refused(portfolio: Portfolio) -> None:
    order = place_order(portfolio, **LIMIT)
    fill(order, "4", "90")

    assert_unchanged(order, Conflict, "quantity_filled", quantity="4")


def test_order_replace_by_a_stranger_is_not_found(portfolio: Portfolio) -> None:
    order = place_order(portfolio, **LIMIT)

    with pytest.raises(NotFound):
        order_replace(actor=make_user(), order_id=order.id, client_order_id="x", quantity=D(12))
    assert not Replacement.objects.exists()


def test_order_replace_of_an_order_that_ended_or_is_on_its_way_is_refused(
    portfolio: Portfolio,
) -> None:
    order = place_order(portfolio, **LIMIT)
    replace(order, quantity="12")
    with pytest.raises(IllegalTransition):
        replace(order, quantity="13")
    order_cancel(actor=portfolio.client, order_id=order.id)
    with pytest.raises(IllegalTransition):
        replace(order, quantity="13")
    cancel_route(order_id=order.id)
    with pytest.raises(IllegalTransition):
        replace(order, quantity="13")


def test_order_replace_runs_the_checks_again_only_where_more_would_trade(
    portfolio: Portfolio, settings: Settings
) -> None:
    order = place_order(portfolio, **LIMIT)
    settings.PRE_TRADE_CHECKS = ["tests.trading.test_services_orders.refuse_all"]
    FirmSwitch.objects.update_or_create(id=1, defaults={"state": FirmState.HALTED})

    assert_unchanged(order, DomainError, "kyc_not_approved", quantity="11")
    assert_unchanged(order, DomainError, "kyc_not_approved", limit_price="91")
    assert replaced(order, quantity="5", limit_price="80").quantity == 5


def test_order_cancel_all_asks_for_each_open_order_of_the_portfolio(portfolio: Portfolio) -> None:
    make_market("MSFT")
    first, other = place_order(portfolio, **LIMIT), place_order(portfolio, symbol="MSFT", **LIMIT)
    done = order_route(order_id=place_order(portfolio).id)

    (only,) = order_cancel_all(actor=portfolio.client, portfolio_id=portfolio.id, symbol="MSFT")
    both = order_cancel_all(actor=portfolio.client, portfolio_id=portfolio.id)

    assert only.id == other.id
    assert [order.id for order in both] == [first.id, other.id]
    assert {order.status for order in both} == {"PENDING_CANCEL"}
    done.refresh_from_db()
    assert done.status == "FILLED"
    with pytest.raises(NotFound):
        order_cancel_all(actor=make_user(), portfolio_id=portfolio.id)


# --- Trailing stops ---------------------------------------------------------------------------


def quote(price: str) -> None:
    put_quote("AAPL", price, price, last=price, volume="1000000")
    quotes_match(symbols=["AAPL"])


@pytest.mark.parametrize(
    ("trail", "stops"),
    [
        ({"trail_amount": "5"}, ["95", "105", "105"]),
        ({"trail_percent": "10"}, ["90", "99", "99"]),
    ],
)
def test_trailing_stop_of_a_sale_follows_the_highest_price(
    portfolio: Portfolio, trail: dict[str, str], stops: list[str]
) -> None:
    hold_units(portfolio, "10")
    amounts = {name: D(value) for name, value in trail.items()}
    order = place_order(
        portfolio, side="SELL", order_type="TRAILING_STOP", quantity="10", **amounts
    )
    assert (order.mark_price, order.stop_price) == (100, D(stops[0]))

    for price, stop in (("110", stops[1]), ("106", stops[2])):
        quote(price)
        order.refresh_from_db()
        assert (order.status, order.mark_price, order.stop_price) == ("NEW", 110, D(stop))
    quote("98")

    order.refresh_from_db()
    assert (order.status, order.average_price, order.mark_price) == ("FILLED", 98, 110)
    assert_balanced()


def test_trailing_stop_of_a_purchase_follows_the_lowest_price_within_its_hold(
    portfolio: Portfolio,
) -> None:
    order = place_order(
        portfolio, order_type="TRAILING_STOP", quantity="10", trail_percent=D("2.5")
    )
    # 10 x 102.5 x 1.02, and 5 basis points of it.
    assert (order.stop_price, order.held_amount) == (D("102.5"), D("1046.03"))

    quote("80")
    quote("81")
    order.refresh_from_db()
    assert (order.status, order.mark_price, order.stop_price) == ("NEW", 80, 82)
    quote("83")

    order.refresh_from_db()
    assert (order.status, order.average_price) == ("FILLED", 83)
    assert_balanced()


def test_trailing_stop_keeps_its_trail_when_it_is_replaced(portfolio: Portfolio) -> None:
    hold_units(portfolio, "10")
    order = place_order(
        portfolio, side="SELL", order_type="TRAILING_STOP", quantity="10", trail_amount=D(5)
    )
    quote("110")
    order.refresh_from_db()
    version = order.version

    now = replaced(order, trail_percent="20", version=version)

    assert (now.mark_price, now.stop_price, now.trail_amount) == (110, 88, None)
    assert_unchanged(order, InvalidInput, "invalid_input", stop_price="80")


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({}, "trail_amount"),
        ({"trail_amount": D(1), "trail_percent": D(1)}, "trail_amount"),
        ({"trail_amount": D(100)}, "trail_amount"),
        ({"trail_percent": D(100)}, "trail_percent"),
        ({"trail_amount": D(5), "stop_price": "90"}, "stop_price"),
    ],
)
def test_trailing_stop_that_is_none_is_refused(
    portfolio: Portfolio, terms: dict[str, Any], field: str
) -> None:
    fund(portfolio, "10", "AAPL")

    with pytest.raises(InvalidInput) as refusal:
        place_order(portfolio, side="SELL", order_type="TRAILING_STOP", quantity="1", **terms)

    assert refusal.value.facts["field"] == field
    assert not Order.objects.exists()
