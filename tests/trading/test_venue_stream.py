"""What the live venue tells: by stream and by REST, twice, late, in disorder, or not at all."""

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get, ledger_differences
from apps.trading.models import Execution, Order, Portfolio, VenueAccount, VenueFill
from apps.trading.selectors.venues import check_live_venue
from apps.trading.services import reports, venue_stream
from apps.trading.services.orders import order_cancel
from apps.trading.services.replacements import order_replace
from apps.trading.services.venue_stream import VenueStream
from apps.trading.venues import live_venue
from apps.trading.venues.alpaca import venue
from tests.trading.alpaca_server import AlpacaServer
from tests.trading.factories import fund
from tests.trading.live import (
    fresh,
    make_live_portfolio,
    place_and_send,
    send,
    sync,
    wake,
)

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def portfolio(broker: AlpacaServer) -> Portfolio:
    return make_live_portfolio()


def make_stream() -> VenueStream:
    found = live_venue()
    assert found is not None
    return VenueStream(found, stop=threading.Event())


@pytest.fixture
def stream(broker: AlpacaServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[VenueStream]:
    """Listen, with a moment's patience for silence."""
    monkeypatch.setattr(venue_stream, "WAIT_SECONDS", 0.05)
    stream = make_stream()
    yield stream
    stream._hang_up()
    stream.leadership.release()


def hear(stream: VenueStream, *, messages: int = 1) -> None:
    """Take that many messages; a step without one is silence."""
    for _ in range(messages):
        wake()
        stream.step()


def cash(portfolio: Portfolio) -> Decimal:
    return balance_get(portfolio.id, AccountKind.CASH, "USD")


def units(portfolio: Portfolio) -> Decimal:
    return balance_get(portfolio.id, AccountKind.SECURITIES, "AAPL")


def assert_books(order: Order, *, status: str, filled: str) -> None:
    assert (order.status, order.filled_quantity) == (status, D(filled))
    assert sum(Execution.objects.values_list("quantity", flat=True)) == D(filled)
    assert list(ledger_differences()) == []


def test_fills_of_the_stream_are_booked(
    broker: AlpacaServer, portfolio: Portfolio, stream: VenueStream
) -> None:
    order = place_and_send(portfolio)
    hear(stream)

    broker.fill(order.id, "4", "99")
    broker.fill(order.id, "6", "100")
    hear(stream, messages=2)

    order = fresh(order.id)
    assert_books(order, status="FILLED", filled="10")
    assert order.average_price == D("99.6")
    assert units(portfolio) == 10
    assert {fill.problem for fill in VenueFill.objects.all()} == {""}
    assert check_live_venue().status == "ok"


def test_fill_that_stream_and_activities_both_tell_counts_once(
    broker: AlpacaServer, portfolio: Portfolio, stream: VenueStream
) -> None:
    order = place_and_send(portfolio)
    hear(stream)
    message = broker.fill(order.id, "4")

    hear(stream)
    broker.push(message)
    broker.push(message)
    hear(stream, messages=2)
    sync()
    sync()

    assert_books(fresh(order.id), status="PARTIALLY_FILLED", filled="4")


def test_messages_in_disorder_end_in_the_same_books(
    broker: AlpacaServer, portfolio: Portfolio, stream: VenueStream
) -> None:
    order = place_and_send(portfolio)
    hear(stream)
    first = broker.fill(order.id, "3", quiet=True)
    second = broker.fill(order.id, "2", quiet=True)
    canceled = broker.end(order.id, "canceled", quiet=True)

    for message in (canceled, second, first, canceled):
        broker.push(message)
        hear(stream)

    assert_books(fresh(order.id), status="CANCELED", filled="5")
    assert cash(portfolio) == D("10000") - D("500.25")


@pytest.mark.parametrize("by", ["stream", "activities"])
def test_fill_that_was_on_its_way_when_the_order_was_canceled_counts(
    broker: AlpacaServer, portfolio: Portfolio, stream: VenueStream, by: str
) -> None:
    order = place_and_send(portfolio)
    hear(stream)
    broker.end(order.id, "canceled")
    hear(stream)
    assert fresh(order.id).status == "CANCELED"

    broker.fill(order.id, "4", quiet=by == "activities", is_late=True)
    if by == "stream":
        hear(stream)
    else:
        sync()

    assert_books(fresh(order.id), status="CANCELED", filled="4")
    assert (cash(portfolio), units(portfolio)) == (D("9599.80"), D(4))


@pytest.mark.parametrize(
    "message",
    [
        b"\xff\x00",
        b"[]",
        b'{"stream": "trade_updates"}',
        b'{"stream": "trade_updates", "data": {"event": "fill", "order": {}}}',
        b'{"stream": "trade_updates", "data": {"event": "fill", "order": NaN}}',
        b'{"stream": "trade_updates", "data": ' + b"[" * 50_000,
    ],
    ids=["no_text", "a_list", "no_data", "no_order", "not_a_number", "too_deep"],
)
def test_garbage_is_skipped_and_what_it_may_have_been_is_read_again(
    broker: AlpacaServer, portfolio: Portfolio, stream: VenueStream, message: bytes
) -> None:
    order = place_and_send(portfolio)
    hear(stream)
    broker.fill(order.id, "4", quiet=True)
    broker.push(message)

    hear(stream)

    assert stream.listener is not None
    assert_books(fresh(order.id), status="PARTIALLY_FILLED", filled="4")


def test_what_the_stream_missed_is_read_when_it_is_back(
    broker: AlpacaServer, portfolio: Portfolio, stream: VenueStream
) -> None:
    order, other = place_and_send(portfolio), place_and_send(portfolio, quantity="2")
    hear(stream)
    broker.fill(order.id, "1")
    broker.drop()
    broker.fill(order.id, "3")
    broker.end(order.id, "expired")
    broker.fill(other.id, "2")

    hear(stream, messages=4)

    assert fresh(order.id).status == "EXPIRED"
    assert fresh(order.id).filled_quantity == 4
    assert fresh(other.id).status == "FILLED"
    assert list(ledger_differences()) == []


@pytest.mark.parametrize("when", ["before_booking", "after_booking", "before_sync"])
def test_listener_that_was_killed_loses_nothing(
    broker: AlpacaServer,
    portfolio: Portfolio,
    stream: VenueStream,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    order = place_and_send(portfolio)
    hear(stream)
    record = reports.fill_record

    def killed(**told: Any) -> None:
        if when == "after_booking":
            record(**told)
        raise KeyboardInterrupt

    name = "venue_sync" if when == "before_sync" else "fill_record"
    if when == "before_sync":
        broker.drop()
        hear(stream)
    monkeypatch.setattr(venue_stream, name, killed)
    broker.fill(order.id, "10")
    with pytest.raises(KeyboardInterrupt):
        hear(stream)
    monkeypatch.undo()
    stream._hang_up()

    hear(make_stream())

    assert_books(fresh(order.id), status="FILLED", filled="10")


def test_second_listener_waits(broker: AlpacaServer, portfolio: Portfolio) -> None:
    second = make_stream()
    second.leadership.confirm = lambda: False  # type: ignore[method-assign]

    assert second.step() > 0
    assert second.listener is None


def test_listener_without_its_venue_backs_off(
    broker: AlpacaServer, portfolio: Portfolio, stream: VenueStream
) -> None:
    broker.close()

    pauses = [stream.step() for _ in range(3)]

    assert all(pause > 0 for pause in pauses)
    assert stream.failures == 3


def test_fill_dearer_than_its_hold_takes_what_is_free(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    order = place_and_send(portfolio, order_type="MARKET", time_in_force="DAY")
    broker.fill(order.id, "10", "150")

    sync()

    assert_books(fresh(order.id), status="FILLED", filled="10")
    assert cash(portfolio) == D("10000") - D("1500.75")


def test_fill_that_nothing_is_left_for_is_held_back_and_booked_later(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    order = place_and_send(portfolio, order_type="MARKET", time_in_force="DAY", quantity="90")
    broker.fill(order.id, "90", "150")

    sync()
    sync()

    fill = VenueFill.objects.get()
    assert fill.execution is None
    assert fill.problem
    assert fresh(order.id).status == "NEW"
    assert list(ledger_differences()) == []

    fund(portfolio, "5000")
    sync()

    fill.refresh_from_db()
    assert (fill.problem, fill.execution is None) == ("", False)
    assert_books(fresh(order.id), status="FILLED", filled="90")


def test_more_than_was_ordered_is_held_back(broker: AlpacaServer, portfolio: Portfolio) -> None:
    order = place_and_send(portfolio)
    broker.fill(order.id, "8")
    broker.fill(order.id, "8")

    sync()

    assert list(VenueFill.objects.values_list("quantity", "problem").order_by("executed_at")) == [
        (D(8), ""),
        (D(8), "overfill"),
    ]
    assert_books(fresh(order.id), status="PARTIALLY_FILLED", filled="8")


def test_trade_of_an_order_that_is_not_ours_is_kept_and_not_booked(
    broker: AlpacaServer, portfolio: Portfolio, stream: VenueStream
) -> None:
    hear(stream)
    body = {"symbol": "AAPL", "side": "buy", "qty": "1", "client_order_id": "by hand"}
    broker.act("POST", "/v2/orders", {}, body)
    broker.fill("by hand", "1")

    hear(stream)

    assert VenueFill.objects.get().problem == "unknown_order"
    assert not Execution.objects.exists()


def test_trade_told_again_with_other_figures_is_marked(
    broker: AlpacaServer, portfolio: Portfolio, stream: VenueStream
) -> None:
    order = place_and_send(portfolio)
    hear(stream)
    message = json.loads(broker.fill(order.id, "4", "99"))
    hear(stream)
    message["data"]["price"] = "98"
    broker.push(json.dumps(message).encode())

    hear(stream)

    assert VenueFill.objects.get().problem == "told_differently"
    assert_books(fresh(order.id), status="PARTIALLY_FILLED", filled="4")


def test_fill_before_the_answer_to_its_submission_is_booked(
    broker: AlpacaServer, portfolio: Portfolio, stream: VenueStream
) -> None:
    hear(stream)
    order = place_and_send(portfolio, quantity="1")
    Order.objects.filter(id=order.id).update(status="PENDING_NEW")
    order.instructions.update(status="PENDING", venue_order_id="")
    broker.fill(order.id, "1")

    hear(stream, messages=2)
    order = send(order)
    sync()

    assert_books(fresh(order.id), status="FILLED", filled="1")


@pytest.mark.parametrize("has_filled", [False, True], ids=["untouched", "partly_filled"])
def test_cancel_ends_when_the_venue_says_so(
    broker: AlpacaServer, portfolio: Portfolio, *, has_filled: bool
) -> None:
    order = place_and_send(portfolio)
    if has_filled:
        broker.fill(order.id, "4")
    order_cancel(actor=portfolio.client, order_id=order.id)
    order = send(order)
    assert (order.status, broker.order(order.id)["status"]) == ("PENDING_CANCEL", "pending_cancel")

    broker.end(order.id, "canceled")
    sync()

    order = fresh(order.id)
    assert_books(order, status="CANCELED", filled="4" if has_filled else "0")
    assert order.reason_code == "by_client"
    assert cash(portfolio) == D(10000) - (D("400.20") if has_filled else 0)


def test_cancel_of_what_has_filled_meanwhile_finds_it_filled(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    order = place_and_send(portfolio)
    order_cancel(actor=portfolio.client, order_id=order.id)
    broker.fill(order.id, "10")

    send(order)
    sync()

    assert_books(fresh(order.id), status="FILLED", filled="10")


def test_cancel_that_the_venue_rejects_leaves_the_order_working(
    broker: AlpacaServer, portfolio: Portfolio, stream: VenueStream
) -> None:
    order = place_and_send(portfolio)
    hear(stream)
    order_cancel(actor=portfolio.client, order_id=order.id)
    send(order)
    broker.push(broker.message("order_cancel_rejected", broker.order(order.id)))

    hear(stream)

    assert fresh(order.id).status == "NEW"


def replaced(portfolio: Portfolio, order: Order, **terms: Any) -> str:
    """Ask for other terms and have them sent; return the id of the replacement."""
    asked: dict[str, Any] = {name: D(value) for name, value in terms.items()}
    order_replace(actor=portfolio.client, order_id=order.id, client_order_id="changed", **asked)
    send(order)
    return str(order.replacements.get().id)


@pytest.mark.parametrize("by", ["stream", "sync", "fill"])
def test_replacement_holds_when_it_has_reached_the_market(
    broker: AlpacaServer, portfolio: Portfolio, stream: VenueStream, by: str
) -> None:
    order = place_and_send(portfolio)
    hear(stream)
    name = replaced(portfolio, order, quantity="12", limit_price="101")
    assert fresh(order.id).status == "PENDING_REPLACE"
    assert broker.order(name)["limit_price"] == "101"

    broker.routed(name, quiet=by != "stream")
    if by == "fill":
        broker.fill(name, "12", "101")
    hear(stream, messages=2)
    sync()

    order = fresh(order.id)
    assert (order.limit_price, order.quantity) == (101, 12)
    status, filled = ("FILLED", "12") if by == "fill" else ("NEW", "0")
    assert_books(order, status=status, filled=filled)
    assert order.replacements.get().status == "REPLACED"


@pytest.mark.parametrize("by", ["rejected", "order_replace_rejected", "refused"])
def test_replacement_that_the_venue_does_not_take_leaves_the_old_terms(
    broker: AlpacaServer, portfolio: Portfolio, stream: VenueStream, by: str
) -> None:
    order = place_and_send(portfolio)
    hear(stream)
    if by == "refused":
        broker.refusal = 422, 42210000
    name = replaced(portfolio, order, limit_price="101")
    if by == "rejected":
        broker.end(name, "rejected")
        hear(stream)
    elif by == "order_replace_rejected":
        broker.push(broker.message(by, broker.order(order.id)))
        hear(stream)

    order = fresh(order.id)
    assert (order.status, order.limit_price, order.held_amount) == ("NEW", 100, D("1000.50"))
    assert order.replacements.get().status == "REJECTED"


@pytest.mark.parametrize("fault", ["slow_after", "reset_after", "reset_before", "late"])
def test_replacement_through_a_fault_is_one(
    broker: AlpacaServer, portfolio: Portfolio, fault: str
) -> None:
    order = place_and_send(portfolio)
    broker.faults.append(fault)

    name = replaced(portfolio, order, limit_price="101")

    assert len(broker.orders) == 2
    assert broker.order(name)["replaces"] == broker.order(order.id)["id"]


def test_order_that_was_canceled_while_it_was_replaced_is_canceled_under_its_new_terms(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    order = place_and_send(portfolio)
    name = replaced(portfolio, order, quantity="5")
    broker.routed(name)
    order_cancel(actor=portfolio.client, order_id=order.id)
    send(order)
    assert broker.order(name)["status"] == "pending_cancel"
    broker.end(name, "canceled")

    sync()
    sync()

    order = fresh(order.id)
    assert (order.status, order.held_amount) == ("CANCELED", 0)
    assert cash(portfolio) == 10000
    assert list(ledger_differences()) == []


def test_many_trades_are_read_page_by_page(
    broker: AlpacaServer, portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venue, "PAGE", 2)
    order = place_and_send(portfolio)
    for _ in range(5):
        broker.fill(order.id, "2")
    before = VenueAccount.objects.get().fills_read_to

    sync()

    assert VenueAccount.objects.get().fills_read_to > before
    assert_books(fresh(order.id), status="FILLED", filled="10")
