"""Live orders on their way to the venue, whatever happens to the line: never a second order."""

import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get
from apps.trading.models import Order, Portfolio, VenueAccount, VenueInstruction
from apps.trading.services import sending
from apps.trading.services.orders import order_cancel
from apps.trading.services.sending import instruction_attempt, instructions_sweep
from apps.trading.venues import live_venue
from tests.trading.alpaca_server import ACCOUNT_ID, FAULTS, SLOW_SECONDS, AlpacaServer
from tests.trading.live import (
    attempt,
    fresh,
    make_live_portfolio,
    place_and_send,
    place_live,
    send,
    single,
    wake,
)

pytestmark = pytest.mark.django_db
D = Decimal
SENT = {"error_after", "reset_after", "slow_after", "garbage_after", "cut_after"}

FAILED_LOOK_UPS = ("busy", "error_after", "reset_before", "late", "garbage_after", "unauthorised")


@pytest.fixture
def portfolio(broker: AlpacaServer) -> Portfolio:
    portfolio = make_live_portfolio()
    venue = live_venue()
    assert venue is not None
    assert venue.account_id == ACCOUNT_ID
    broker.requests.clear()
    return portfolio


def submits(server: AlpacaServer) -> int:
    return server.requests.count("POST /v2/orders")


def test_live_order_waits_as_pending_new_until_the_venue_has_it(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    order = place_live(portfolio, limit_price="99.50", client_order_id="mine")

    instruction = order.instructions.get()
    assert (order.status, instruction.status, instruction.kind) == (
        "PENDING_NEW",
        "PENDING",
        "SUBMIT",
    )
    assert order.held_amount == D("995.50")
    assert not broker.orders

    order = send(order)

    there = single(broker)
    assert order.status == "NEW"
    assert order.instructions.get().venue_order_id == there["id"]
    wanted = {
        "client_order_id": str(order.id),
        "symbol": "AAPL",
        "side": "buy",
        "type": "limit",
        "time_in_force": "gtc",
        "qty": "10",
        "limit_price": "99.5",
    }
    assert wanted.items() <= there.items()


@pytest.mark.parametrize("fault", FAULTS)
def test_submission_through_a_fault_makes_exactly_one_order(
    broker: AlpacaServer, portfolio: Portfolio, fault: str
) -> None:
    order = place_live(portfolio)
    broker.faults.append(fault)

    order = send(order)

    assert single(broker)["client_order_id"] == str(order.id)
    assert order.status == "NEW"
    assert submits(broker) == (1 if fault in SENT else 2 - (fault == "late"))


@pytest.mark.parametrize("first", ["slow_after", "late"])
def test_look_up_that_fails_too_makes_no_second_order(
    broker: AlpacaServer, portfolio: Portfolio, first: str
) -> None:
    for number, second in enumerate(FAILED_LOOK_UPS):
        broker.orders.clear()
        broker.requests.clear()
        order = place_live(portfolio, quantity=str(number + 1), limit_price="1")
        broker.faults.extend([first, second, second])

        order = send(order)

        assert single(broker)["client_order_id"] == str(order.id), second
        assert (order.status, submits(broker)) == ("NEW", 1), second


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(faults=st.lists(st.sampled_from(["", *FAULTS]), min_size=2, max_size=6))
def test_any_sequence_of_faults_makes_exactly_one_order(
    broker: AlpacaServer, portfolio: Portfolio, faults: list[str]
) -> None:
    broker.orders.clear()
    broker.faults.extend(faults)

    order = send(place_live(portfolio, quantity="1"))

    broker.faults.clear()
    time.sleep(SLOW_SECONDS)
    assert single(broker)["client_order_id"] == str(order.id)
    assert order.status == "NEW"


def test_what_the_venue_does_not_know_yet_is_not_sent_again_before_it_has_settled(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    order = place_live(portfolio)
    broker.faults.append("reset_before")

    first, second = attempt(order), attempt(order)

    assert submits(broker) == 1
    assert (second.status, second.error_code) == ("PENDING", "settling")
    assert second.sent_at == first.sent_at
    assert fresh(order.id).status == "PENDING_NEW"


@pytest.mark.parametrize("is_sent", [True, False], ids=["after_sending", "before_sending"])
def test_worker_that_was_killed_leaves_one_order(
    broker: AlpacaServer, portfolio: Portfolio, *, is_sent: bool
) -> None:
    order = place_live(portfolio)
    errand = sending._instruction_take(instruction_id=order.instructions.get().id)
    assert errand is not None
    venue = live_venue()
    assert venue is not None
    if is_sent:
        venue.submit(errand.live_order(str(order.id)))

    # Its lease keeps others away; then they look before they send.
    assert not instruction_attempt(instruction_id=errand.instruction.id)
    order = send(order)

    assert (order.status, submits(broker)) == ("NEW", 1)
    assert single(broker)["client_order_id"] == str(order.id)


def test_instruction_that_another_worker_has_is_not_tried(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    order = place_live(portfolio)
    instruction = order.instructions.get()
    sending._instruction_take(instruction_id=instruction.id)

    assert not instruction_attempt(instruction_id=instruction.id)
    assert instructions_sweep() == 0
    assert not broker.orders


def test_venue_that_refuses_a_known_id_has_the_order(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    broker.is_unique = True
    order = place_live(portfolio)
    broker.act("POST", "/v2/orders", {}, {"client_order_id": str(order.id), "qty": "10"})

    order = send(order)

    assert single(broker)
    assert order.status == "NEW"


@pytest.mark.parametrize(("status", "code"), [(422, 42210000), (403, 40310000), (400, 40010000)])
def test_order_that_the_venue_refuses_is_rejected_and_frees_its_hold(
    broker: AlpacaServer, portfolio: Portfolio, status: int, code: int
) -> None:
    before = balance_get(portfolio.id, AccountKind.CASH, "USD")
    broker.refusal = status, code

    order = place_and_send(portfolio)

    assert (order.status, order.reason_code) == ("REJECTED", f"venue_{status}")
    assert order.instructions.get().status == "REFUSED"
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == before


def test_busy_venue_is_left_alone_for_as_long_as_it_says(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    order, other = place_live(portfolio), place_live(portfolio, quantity="2")
    broker.faults.append("busy")
    asked = timezone.now()

    instruction = attempt(order)
    instruction_attempt(instruction_id=other.instructions.get().id)

    pause = VenueAccount.objects.get().paused_until - asked  # type: ignore[operator]
    assert timedelta(seconds=1.9) < pause < timedelta(seconds=10)
    assert (instruction.status, instruction.error_code) == ("PENDING", "busy")
    assert other.instructions.get().error_code == "busy"
    assert submits(broker) == 1
    assert send(order).status == send(other).status == "NEW"


def test_breaker_opens_and_the_order_waits(broker: AlpacaServer, portfolio: Portfolio) -> None:
    order = place_live(portfolio)
    broker.faults.extend(["reset_before"] * 40)
    attempt(order)
    VenueInstruction.objects.update(sent_at=None)
    for _ in range(4):
        VenueInstruction.objects.update(next_attempt_at=timezone.now())
        instruction_attempt(instruction_id=order.instructions.get().id)

    assert order.instructions.get().error_code in {"breaker", "not_looked_up"}
    assert fresh(order.id).status == "PENDING_NEW"
    asked = len(broker.requests)
    VenueInstruction.objects.update(next_attempt_at=timezone.now())
    instruction_attempt(instruction_id=order.instructions.get().id)
    assert len(broker.requests) == asked
    broker.faults.clear()
    assert send(order).status == "NEW"


def test_order_is_not_sent_to_another_account_than_the_first(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    VenueAccount.objects.update(environment="LIVE")
    order = place_live(portfolio)

    instruction = attempt(order)

    assert (instruction.status, instruction.error_code) == ("PENDING", "another_account")
    assert not broker.orders


def test_order_canceled_before_it_was_sent_never_is(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    order = place_live(portfolio)

    order_cancel(actor=portfolio.client, order_id=order.id)
    order = send(order)

    assert (order.status, order.reason_code) == ("CANCELED", "by_client")
    assert order.instructions.get().status == "WITHDRAWN"
    assert not broker.orders


def test_order_canceled_while_its_sending_is_in_doubt_is_canceled_at_the_venue(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    order = place_live(portfolio)
    broker.faults.extend(["slow_after", "error_before", "error_before"])
    attempt(order)
    order_cancel(actor=portfolio.client, order_id=order.id)

    order = send(order)

    assert order.status == "PENDING_CANCEL"
    assert single(broker)["status"] == "pending_cancel"


def test_order_canceled_in_doubt_that_never_arrived_is_not_sent(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    order = place_live(portfolio)
    broker.faults.append("reset_before")
    attempt(order)
    order_cancel(actor=portfolio.client, order_id=order.id)

    order = send(order)

    assert (order.status, order.reason_code) == ("CANCELED", "by_client")
    assert not broker.orders


def test_day_order_that_could_not_be_sent_in_its_day_is_not_sent(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    order = place_live(portfolio, time_in_force="DAY")
    Order.objects.filter(id=order.id).update(expires_at=timezone.now() - timedelta(seconds=1))

    order = send(order)

    assert (order.status, order.reason_code) == ("CANCELED", "never_sent")
    assert not broker.orders


def test_sweep_finds_what_no_worker_was_asked_for(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    place_live(portfolio)
    wake()

    assert instructions_sweep() == 1
