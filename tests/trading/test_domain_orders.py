from itertools import product

import pytest

from apps.core.errors import IllegalTransition
from apps.trading.domain.orders import (
    TERMINAL,
    TRANSITIONS,
    OrderStatus,
    Trigger,
    next_status,
)

REFUSED = [pair for pair in product(OrderStatus, Trigger) if pair not in TRANSITIONS]


@pytest.mark.parametrize(("pair", "after"), TRANSITIONS.items())
def test_next_status_of_a_pair_in_the_table_is_the_tables(
    pair: tuple[OrderStatus, Trigger], after: OrderStatus
) -> None:
    assert next_status(*pair) is after


@pytest.mark.parametrize(("status", "trigger"), REFUSED)
def test_next_status_of_any_other_pair_is_refused(status: OrderStatus, trigger: Trigger) -> None:
    with pytest.raises(IllegalTransition) as refusal:
        next_status(status, trigger)

    assert refusal.value.facts == {"status": status, "trigger": trigger}


def test_terminal_states_are_those_of_fix() -> None:
    assert {
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.REPLACED,
        OrderStatus.REJECTED,
        OrderStatus.EXPIRED,
    } == TERMINAL


def test_fill_while_a_cancel_is_pending_still_counts() -> None:
    assert next_status(OrderStatus.PENDING_CANCEL, Trigger.FILL_REST) is OrderStatus.FILLED
    assert next_status(OrderStatus.PENDING_CANCEL, Trigger.FILL_PART) is OrderStatus.PENDING_CANCEL
