"""The order's state table, by published cases."""

import re
from decimal import Decimal
from itertools import combinations, product
from typing import Any

import pytest

from apps.core.errors import IllegalTransition
from apps.trading.domain.lifecycle import (
    FINAL,
    LIFECYCLE,
    PENDING,
    PRECEDENCE,
    OrderEvent,
    OrderState,
    leaves_quantity,
    next_state,
    next_status,
    ord_status,
    state_of,
)
from apps.trading.domain.orders import TERMINAL, OrderStatus
from tests.cases import load_case

MACHINE = load_case("n01_order_state_machine")
FIX = load_case("fix01_status_precedence")
D = Decimal


def word(name: str) -> str:
    """Return `PartiallyFilled` and `Partially Filled` as PARTIALLY_FILLED."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])| ", "_", name).upper()


ALLOWED = {
    (word(state), word(event)): word(after)
    for state, event, after in MACHINE["expected"]["allowed"]
}
PAIRS = [
    (word(state), word(event))
    for state, event in product(MACHINE["inputs"]["states"], MACHINE["inputs"]["events"])
]
REFUSED = [pair for pair in PAIRS if pair not in ALLOWED]


def test_the_table_has_the_published_states_and_events() -> None:
    assert {state for state, _ in PAIRS} == set(OrderState)
    assert {event for _, event in PAIRS} == set(OrderEvent)
    assert {word(state) for state in MACHINE["expected"]["terminal"]} == FINAL
    assert len(LIFECYCLE) == len(ALLOWED)


@pytest.mark.parametrize(("pair", "after"), ALLOWED.items())
def test_next_state_of_an_allowed_pair_is_the_published_one(
    pair: tuple[str, str], after: str
) -> None:
    assert next_state(OrderState(pair[0]), OrderEvent(pair[1])) == after


@pytest.mark.parametrize("pair", REFUSED)
def test_next_state_of_any_other_pair_is_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(IllegalTransition) as refusal:
        next_state(OrderState(pair[0]), OrderEvent(pair[1]))

    assert refusal.value.facts == {"status": pair[0], "trigger": pair[1]}


@pytest.mark.parametrize("state", [state for state, event in ALLOWED if event == "FILLED"])
def test_next_state_of_a_fill_that_leaves_units_is_partially_filled(state: str) -> None:
    after = next_state(OrderState(state), OrderEvent.FILLED, leaves=D(1))

    assert after is OrderState.PARTIALLY_FILLED


@pytest.mark.parametrize(("name", "value"), FIX["expected"]["precedence"].items())
def test_precedence_is_fixs(name: str, value: int) -> None:
    assert PRECEDENCE[word(name)] == value


@pytest.mark.parametrize("names", list(combinations(FIX["expected"]["precedence"], 2)))
def test_ord_status_of_two_states_at_once_is_the_one_of_higher_precedence(
    names: tuple[str, str],
) -> None:
    values = FIX["expected"]["precedence"]
    shown = ord_status(word(name) for name in names)

    assert PRECEDENCE[shown] == max(values[name] for name in names)
    assert shown in {word(name) for name in names}


def test_ord_status_of_an_unknown_word_is_an_error() -> None:
    with pytest.raises(ValueError, match="MAYBE"):
        ord_status(["NEW", "MAYBE"])


@pytest.mark.parametrize(
    ("filled", "is_final", "leaves"), [(0, False, 10), (4, False, 6), (4, True, 0), (10, True, 0)]
)
def test_leaves_quantity_is_what_is_open_and_nothing_at_the_end(
    filled: int, is_final: bool, leaves: int
) -> None:
    assert leaves_quantity(quantity=D(10), filled=D(filled), is_final=is_final) == leaves


SHOWN: list[tuple[str, str, str, str, str]] = [
    # A fill that is on its way counts, and the request stays unanswered.
    ("PENDING_CANCEL", "FILLED", "4", "6", "PENDING_CANCEL"),
    ("PENDING_CANCEL", "FILLED", "10", "0", "FILLED"),
    ("PENDING_UPDATE", "FILLED", "4", "6", "PENDING_REPLACE"),
    ("PENDING_UPDATE", "FILLED", "10", "0", "FILLED"),
    # A venue that refuses the request puts the order back, with or without its fills.
    ("PENDING_CANCEL", "ACCEPTED", "0", "10", "NEW"),
    ("PENDING_CANCEL", "ACCEPTED", "4", "6", "PARTIALLY_FILLED"),
    ("PENDING_UPDATE", "ACCEPTED", "0", "10", "NEW"),
    ("PENDING_UPDATE", "ACCEPTED", "4", "6", "PARTIALLY_FILLED"),
    ("PENDING_UPDATE", "PENDING_CANCEL", "4", "6", "PENDING_CANCEL"),
    ("PARTIALLY_FILLED", "PENDING_UPDATE", "4", "6", "PENDING_REPLACE"),
    ("PARTIALLY_FILLED", "UPDATED", "4", "6", "PARTIALLY_FILLED"),
    ("PARTIALLY_FILLED", "CANCELED", "4", "6", "CANCELED"),
    ("PARTIALLY_FILLED", "EXPIRED", "4", "6", "EXPIRED"),
    ("ACCEPTED", "TRIGGERED", "0", "10", "NEW"),
    ("TRIGGERED", "FILLED", "4", "6", "PARTIALLY_FILLED"),
    ("INITIALIZED", "ACCEPTED", "0", "10", "NEW"),
    ("INITIALIZED", "DENIED", "0", "10", "REJECTED"),
]


@pytest.mark.parametrize(("state", "event", "filled", "leaves", "shown"), SHOWN)
def test_next_status_shows_what_fix_shows(
    state: str, event: str, filled: str, leaves: str, shown: str
) -> None:
    status = next_status(OrderState(state), OrderEvent(event), filled=D(filled), leaves=D(leaves))

    assert status == shown


@pytest.mark.parametrize("status", [word for word in OrderStatus if word != "REPLACED"])
def test_state_of_a_status_is_final_when_the_status_is(status: OrderStatus) -> None:
    facts: dict[str, Any] = {"is_waiting": False, "is_triggered": False}
    state = state_of(status, **facts)

    assert (state in FINAL) is (status in TERMINAL)
    assert (state in PENDING) is (status in {"PENDING_CANCEL", "PENDING_REPLACE"})


def test_state_of_an_exit_that_waits_and_of_a_triggered_stop_are_told_apart() -> None:
    assert state_of(OrderStatus.PENDING_NEW, is_waiting=True, is_triggered=False) == "INITIALIZED"
    assert state_of(OrderStatus.NEW, is_waiting=False, is_triggered=True) == "TRIGGERED"
