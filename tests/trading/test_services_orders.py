"""Placing, previewing and cancelling orders."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, IllegalTransition, InvalidInput, NotFound, Refused
from apps.ledger.domain.legs import AccountKind
from apps.ledger.models import Entry
from apps.ledger.selectors import balance_get, ledger_differences
from apps.trading.models import FirmSwitch, Lot, Order, Portfolio
from apps.trading.services.orders import order_cancel, order_close, order_preview
from apps.trading.services.routing import cancel_route, order_route, orders_expire
from apps.users.models import User
from tests.market.factories import make_instrument, put_quote
from tests.trading.factories import hold_units, make_market, make_portfolio, place_order, set_limit

pytestmark = pytest.mark.django_db
D = Decimal


def cash(portfolio: Portfolio, kind: AccountKind = AccountKind.CASH) -> Decimal:
    return balance_get(portfolio.id, kind, "USD")


def refuse_all(draft: object) -> None:
    raise Refused("No.", code="kyc_not_approved", limit="APPROVED", measured="DRAFT")


def assert_refused(code: str, portfolio: Portfolio, **terms: Any) -> Refused:
    """Place the order, see it refused with that code and written down, and nothing else changed."""
    orders, entries = Order.objects.count(), Entry.objects.count()
    before = set(AuditEvent.objects.values_list("sequence", flat=True))
    with pytest.raises(Refused) as refusal:
        place_order(portfolio, **terms)
    assert refusal.value.code == code
    assert Order.objects.count() == orders
    assert Entry.objects.count() == entries
    written = AuditEvent.objects.exclude(sequence__in=before)
    if code != "live_not_available":
        assert [(one.name, one.payload["code"]) for one in written] == [
            ("trading.order.refused", code)
        ]
    return refusal.value


@pytest.fixture
def portfolio() -> Portfolio:
    make_market()
    return make_portfolio(cash="10000")


def test_order_place_of_a_market_purchase_holds_its_worst_cost(portfolio: Portfolio) -> None:
    order = place_order(portfolio, quantity="10")

    # 10 x 100 x 1.02, and 5 basis points of it.
    assert order.status == "NEW"
    assert order.worst_price == D("102")
    assert order.held_amount == D("1020.51")
    assert cash(portfolio) == D("8979.49")
    assert cash(portfolio, AccountKind.HELD) == D("1020.51")
    (event,) = AuditEvent.objects.stream(order.stream)
    assert event.name == "trading.order.accepted"
    assert event.payload["held"] == "1020.51"
    assert event.actor_id == portfolio.client_id
    assert list(ledger_differences()) == []


def test_order_place_of_a_limit_purchase_holds_its_limit(portfolio: Portfolio) -> None:
    order = place_order(portfolio, order_type="LIMIT", limit_price="90", quantity="10")

    assert order.held_amount == D("900.45")


def test_order_place_of_a_sale_holds_its_units(portfolio: Portfolio) -> None:
    hold_units(portfolio, "10")

    order = place_order(portfolio, side="SELL", quantity="4")

    assert order.held_amount == D(4)
    assert balance_get(portfolio.id, AccountKind.HELD, "AAPL") == 4
    assert balance_get(portfolio.id, AccountKind.SECURITIES, "AAPL") == 6
    assert list(ledger_differences()) == []


def test_order_place_by_notional_buys_whole_lots_at_the_worst_price(portfolio: Portfolio) -> None:
    order = place_order(portfolio, notional="1000")

    assert order.quantity == 9
    assert order.notional == 1000


def test_order_place_with_a_known_client_order_id_returns_the_first(portfolio: Portfolio) -> None:
    first = place_order(portfolio, quantity="2", client_order_id="one")
    again = place_order(portfolio, quantity="2.00", client_order_id="one")

    assert again.id == first.id
    assert Order.objects.count() == 1
    by_notional = place_order(portfolio, notional="500", client_order_id="two")
    assert place_order(portfolio, notional="500", client_order_id="two").id == by_notional.id


def test_order_place_with_a_known_client_order_id_and_other_terms_is_a_conflict(
    portfolio: Portfolio,
) -> None:
    place_order(portfolio, quantity="2", client_order_id="one")

    with pytest.raises(Conflict) as refusal:
        place_order(portfolio, quantity="3", client_order_id="one")

    assert refusal.value.code == "idempotency_mismatch"
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"side": "HOLD"}, "side"),
        ({"order_type": "MAGIC"}, "order_type"),
        ({"time_in_force": "NEVER"}, "time_in_force"),
        ({"symbol": "no symbol"}, "symbol"),
        ({"quantity": "-1"}, "quantity"),
        ({"quantity": "NaN"}, "quantity"),
        ({"quantity": "0.000000001"}, "quantity"),
        ({"quantity": "1", "notional": "5"}, "quantity"),
        ({"quantity": None}, "quantity"),
        ({"order_type": "LIMIT"}, "limit_price"),
        ({"limit_price": "5"}, "limit_price"),
        ({"order_type": "STOP"}, "stop_price"),
        ({"stop_price": "5"}, "stop_price"),
        ({"client_order_id": "two words"}, "client_order_id"),
        ({"lot_ids": [uuid4()] * 101}, "lot_ids"),
    ],
)
def test_order_place_with_bad_input_changes_nothing(
    portfolio: Portfolio, terms: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        place_order(portfolio, **terms)

    assert refusal.value.facts["field"] == field
    assert not Order.objects.exists()


def test_order_place_in_anothers_portfolio_is_not_found(portfolio: Portfolio) -> None:
    portfolio.client = User.objects.create_user("mallory@example.com")

    with pytest.raises(NotFound):
        place_order(portfolio)

    assert not Order.objects.exists()


def test_order_place_of_an_unknown_symbol_is_not_found(portfolio: Portfolio) -> None:
    with pytest.raises(NotFound):
        place_order(portfolio, symbol="NOPE")


def test_order_place_in_a_live_portfolio_is_refused(portfolio: Portfolio) -> None:
    Portfolio.objects.filter(id=portfolio.id).update(mode="LIVE")

    assert_refused("live_not_available", portfolio)


def test_order_place_that_a_gate_stops_is_refused_with_the_gates_code(
    portfolio: Portfolio, settings: Settings
) -> None:
    settings.PRE_TRADE_CHECKS = [f"{__name__}.refuse_all"]

    refusal = assert_refused("kyc_not_approved", portfolio)

    assert refusal.facts == {"limit": "APPROVED", "measured": "DRAFT"}


def test_order_place_beyond_the_buying_power_is_refused_with_the_figures(
    portfolio: Portfolio,
) -> None:
    refusal = assert_refused("insufficient_buying_power", portfolio, quantity="99")

    assert refusal.facts == {"limit": "10000", "measured": "10103.05"}


def test_order_place_of_a_sale_beyond_the_position_is_refused(portfolio: Portfolio) -> None:
    hold_units(portfolio, "5")
    place_order(portfolio, side="SELL", quantity="3")

    refusal = assert_refused("insufficient_position", portfolio, side="SELL", quantity="3")

    assert refusal.facts == {"limit": "2", "measured": "3"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"status": "HALTED"}, "instrument_not_tradable"),
        ({"asset_class": "INDEX"}, "instrument_not_tradable"),
        ({"is_restricted": True}, "instrument_restricted"),
        ({"currency": "EUR"}, "exchange_rate_missing"),
        ({"lot_size": D(10)}, "lot_size"),
    ],
)
def test_order_place_in_an_instrument_that_cannot_be_bought_is_refused(
    portfolio: Portfolio, fields: dict[str, Any], code: str
) -> None:
    make_instrument("AAPL", **fields)

    assert_refused(code, portfolio)


def test_order_place_off_the_tick_is_refused(portfolio: Portfolio) -> None:
    assert_refused("tick_size", portfolio, order_type="LIMIT", limit_price="90.005")
    assert_refused("tick_size", portfolio, order_type="STOP", stop_price="110.005")


def test_order_place_without_a_quote_is_refused_unless_it_names_a_price(
    portfolio: Portfolio,
) -> None:
    make_instrument("MSFT", lot_size=D(1))

    assert_refused("quote_missing", portfolio, symbol="MSFT")
    assert_refused("quote_missing", portfolio, symbol="MSFT", notional="500")
    order = place_order(portfolio, symbol="MSFT", order_type="LIMIT", limit_price="50")
    assert order_route(order_id=order.id).status == "NEW"


def test_order_place_on_a_stale_quote_is_refused(portfolio: Portfolio) -> None:
    put_quote("AAPL", "100", "100", at=timezone.now() - timedelta(minutes=2))

    assert_refused("quote_stale", portfolio)


@pytest.mark.parametrize(("side", "limit_price"), [("BUY", "110.01"), ("SELL", "89.99")])
def test_order_place_far_through_the_market_is_refused(
    portfolio: Portfolio, side: str, limit_price: str
) -> None:
    assert_refused(
        "price_collar", portfolio, side=side, order_type="LIMIT", limit_price=limit_price
    )


def test_order_place_of_a_stop_limit_is_collared_by_its_stop(portfolio: Portfolio) -> None:
    terms = {"order_type": "STOP_LIMIT", "stop_price": "150"}

    assert place_order(portfolio, **terms, limit_price="151").status == "NEW"
    assert_refused("price_collar", portfolio, **terms, limit_price="166")


def test_order_place_below_the_smallest_amount_is_refused(
    portfolio: Portfolio, settings: Settings
) -> None:
    settings.ORDER_LIMITS = {**settings.ORDER_LIMITS, "order_minimum": "101"}

    assert_refused("order_too_small", portfolio)


def test_order_place_by_a_notional_below_one_lot_is_refused(portfolio: Portfolio) -> None:
    assert_refused("order_too_small", portfolio, notional="50")


def test_order_place_repeated_at_once_is_refused_where_the_firm_says_so(
    portfolio: Portfolio,
) -> None:
    place_order(portfolio)
    place_order(portfolio)
    set_limit("DUPLICATE_SECONDS", "30")

    assert_refused("duplicate_order", portfolio)


@pytest.mark.parametrize("state", ["REDUCING", "HALTED"])
def test_order_place_while_the_firm_takes_no_purchases_is_refused(
    portfolio: Portfolio, state: str
) -> None:
    hold_units(portfolio, "5")
    FirmSwitch.objects.update_or_create(id=1, defaults={"state": state})

    assert_refused("firm_not_accepting", portfolio)
    if state == "REDUCING":
        assert place_order(portfolio, side="SELL").status == "NEW"
    else:
        assert_refused("firm_not_accepting", portfolio, side="SELL")


def test_order_place_out_of_session_waits_unless_it_is_immediate(
    portfolio: Portfolio, settings: Settings
) -> None:
    settings.MARKET_PROVIDER = "live"
    is_open = "apps.trading.services.{}.session_is_open"
    with pytest.MonkeyPatch.context() as patch:
        for module in ("assessment", "routing"):
            patch.setattr(is_open.format(module), lambda instrument, at: False)
        put_quote("AAPL", "100", "100", at=timezone.now() - timedelta(hours=9))

        assert_refused("session_closed", portfolio, time_in_force="IOC")
        order = place_order(portfolio, time_in_force="GTC")
        assert order_route(order_id=order.id).status == "NEW"
        assert order.expires_at is None


def test_order_place_asks_the_database_a_bounded_number_of_times(
    portfolio: Portfolio, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    place_order(portfolio)

    with django_assert_max_num_queries(30):
        place_order(portfolio)


def test_order_preview_lists_every_check_and_writes_nothing(portfolio: Portfolio) -> None:
    events = AuditEvent.objects.count()

    preview = order_preview(
        actor=portfolio.client,
        portfolio_id=portfolio.id,
        symbol="AAPL",
        side="BUY",
        order_type="MARKET",
        quantity=D(200),
    )

    assert not preview.is_accepted
    assert [check.code for check in preview.checks if not check.is_passed] == [
        "insufficient_buying_power",
        "position_concentration",
    ]
    assert preview.estimate is not None
    assert (preview.estimate.amount, preview.estimate.fees) == (D(20000), D(10))
    assert preview.buying_power_after == D(10000) - D("20410.20")
    assert AuditEvent.objects.count() == events
    assert not Order.objects.exists()


def test_order_preview_of_a_sale_adds_its_proceeds(portfolio: Portfolio) -> None:
    hold_units(portfolio, "10")
    before = cash(portfolio)

    preview = order_preview(
        actor=portfolio.client,
        portfolio_id=portfolio.id,
        symbol="AAPL",
        side="SELL",
        order_type="MARKET",
        quantity=D(10),
    )

    assert preview.is_accepted
    assert preview.buying_power_after == before + D(1000) - D("0.50")


def test_order_preview_without_a_price_estimates_nothing(
    portfolio: Portfolio, settings: Settings
) -> None:
    settings.PRE_TRADE_CHECKS = [f"{__name__}.refuse_all"]
    make_instrument("MSFT")

    preview = order_preview(
        actor=portfolio.client,
        portfolio_id=portfolio.id,
        symbol="MSFT",
        side="BUY",
        order_type="MARKET",
        quantity=D(1),
    )

    assert preview.buying_power_after is None
    failed = [check.code for check in preview.checks if not check.is_passed]
    assert failed == ["kyc_not_approved", "quote_missing"]


def test_order_preview_of_anothers_portfolio_is_not_found(portfolio: Portfolio) -> None:
    with pytest.raises(NotFound):
        order_preview(
            actor=User.objects.create_user("mallory@example.com"),
            portfolio_id=portfolio.id,
            symbol="AAPL",
            side="BUY",
            order_type="MARKET",
            quantity=D(1),
        )


def test_order_cancel_asks_the_venue_and_frees_the_hold(portfolio: Portfolio) -> None:
    order = place_order(portfolio, order_type="LIMIT", limit_price="90", quantity="10")

    requested = order_cancel(actor=portfolio.client, order_id=order.id)
    assert requested.status == "PENDING_CANCEL"
    assert order_cancel(actor=portfolio.client, order_id=order.id).status == "PENDING_CANCEL"
    canceled = cancel_route(order_id=order.id)

    assert (canceled.status, canceled.held_amount) == ("CANCELED", 0)
    assert cancel_route(order_id=order.id).status == "CANCELED"
    assert cash(portfolio) == 10000
    names = [event.name for event in AuditEvent.objects.stream(order.stream)]
    assert names == [
        "trading.order.accepted",
        "trading.order.cancel_requested",
        "trading.order.canceled",
    ]
    assert list(ledger_differences()) == []


def test_order_cancel_of_a_closed_order_is_an_illegal_transition(portfolio: Portfolio) -> None:
    order = order_route(order_id=place_order(portfolio).id)
    assert order.status == "FILLED"

    with pytest.raises(IllegalTransition):
        order_cancel(actor=portfolio.client, order_id=order.id)


def test_order_cancel_of_anothers_order_is_not_found_and_changes_nothing(
    portfolio: Portfolio,
) -> None:
    order = place_order(portfolio)

    with pytest.raises(NotFound):
        order_cancel(actor=User.objects.create_user("mallory@example.com"), order_id=order.id)

    order.refresh_from_db()
    assert order.status == "NEW"


def test_order_close_by_rejection_frees_the_units(portfolio: Portfolio) -> None:
    hold_units(portfolio, "5")
    order = place_order(portfolio, side="SELL", quantity="5")

    closed = order_close(actor=None, order_id=order.id, how="reject", reason="venue_refused")

    assert (closed.status, closed.reason_code) == ("REJECTED", "venue_refused")
    assert balance_get(portfolio.id, AccountKind.SECURITIES, "AAPL") == 5
    with pytest.raises(NotFound):
        order_close(actor=None, order_id=uuid4(), how="reject", reason="venue_refused")


def test_orders_expire_at_the_end_of_their_day(portfolio: Portfolio) -> None:
    day = place_order(portfolio, order_type="LIMIT", limit_price="90")
    good = place_order(portfolio, order_type="LIMIT", limit_price="90", time_in_force="GTC")
    assert day.expires_at is not None
    assert day.expires_at.hour == 0
    assert orders_expire() == 0
    Order.objects.filter(id=day.id).update(expires_at=timezone.now())

    assert orders_expire() == 1

    day.refresh_from_db()
    good.refresh_from_db()
    assert (day.status, good.status) == ("EXPIRED", "NEW")
    assert cash(portfolio, AccountKind.HELD) == good.held_amount


def test_order_place_naming_lots_of_somebody_else_is_not_found(portfolio: Portfolio) -> None:
    other = make_portfolio()
    hold_units(other, "5")
    hold_units(portfolio, "5")
    Portfolio.objects.filter(id=portfolio.id).update(lot_method="SPECIFIC")
    theirs = Lot.objects.get(portfolio=other)

    with pytest.raises(NotFound):
        place_order(portfolio, side="SELL", quantity="5", lot_ids=[theirs.id])

    assert not Order.objects.filter(side="SELL").exists()
    assert balance_get(portfolio.id, AccountKind.SECURITIES, "AAPL") == 5


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_order_place_naming_lots_that_it_would_not_take_is_refused(
    portfolio: Portfolio, side: str
) -> None:
    hold_units(portfolio, "5")
    if side == "BUY":
        Portfolio.objects.filter(id=portfolio.id).update(lot_method="SPECIFIC")

    with pytest.raises(InvalidInput) as refused:
        place_order(portfolio, side=side, lot_ids=[Lot.objects.get().id])

    assert refused.value.facts["field"] == "lot_ids"


def test_order_place_counts_open_purchases_into_the_concentration(portfolio: Portfolio) -> None:
    set_limit("POSITION_CONCENTRATION", "0.5")
    place_order(portfolio, quantity="30")

    with pytest.raises(Refused) as refused:
        place_order(portfolio, quantity="30")

    assert refused.value.code == "position_concentration"
    assert Order.objects.count() == 1


def test_order_place_on_an_index_is_refused_though_it_is_quoted(portfolio: Portfolio) -> None:
    make_instrument("SP500", asset_class="INDEX", lot_size=1)
    put_quote("SP500", "100", "100")

    with pytest.raises(Refused) as refused:
        place_order(portfolio, symbol="SP500")

    assert refused.value.code == "instrument_not_tradable"
    assert not Order.objects.exists()
