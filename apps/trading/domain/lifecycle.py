"""The life of an order: one table of what may happen to it, and what FIX shows of where it is."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from apps.core.errors import IllegalTransition
from apps.trading.domain.orders import OrderStatus


class OrderState(StrEnum):
    """Where an order is, more finely than its FIX OrdStatus tells.

    INITIALIZED waits here for another order (the exits of a bracket), EMULATED waits here for a
    price, RELEASED and SUBMITTED are on their way to the venue.  DENIED was stopped by a pre-trade
    check.  PENDING_UPDATE is FIX's Pending Replace.
    """

    INITIALIZED = "INITIALIZED"
    DENIED = "DENIED"
    EMULATED = "EMULATED"
    RELEASED = "RELEASED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    TRIGGERED = "TRIGGERED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    PENDING_UPDATE = "PENDING_UPDATE"
    PENDING_CANCEL = "PENDING_CANCEL"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


class OrderEvent(StrEnum):
    """What can happen to an order.  FILLED is any fill; what it leaves open decides the state."""

    DENIED = "DENIED"
    EMULATED = "EMULATED"
    RELEASED = "RELEASED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    TRIGGERED = "TRIGGERED"
    FILLED = "FILLED"
    PENDING_UPDATE = "PENDING_UPDATE"
    UPDATED = "UPDATED"
    MODIFY_REJECTED = "MODIFY_REJECTED"
    PENDING_CANCEL = "PENDING_CANCEL"
    CANCEL_REJECTED = "CANCEL_REJECTED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


_S, _E = OrderState, OrderEvent

# Every pair that is not here is refused.  After the state machine of Nautilus Trader.
LIFECYCLE: Mapping[tuple[OrderState, OrderEvent], OrderState] = MappingProxyType(
    {
        (_S.INITIALIZED, _E.DENIED): _S.DENIED,
        (_S.INITIALIZED, _E.EMULATED): _S.EMULATED,
        (_S.INITIALIZED, _E.RELEASED): _S.RELEASED,
        (_S.INITIALIZED, _E.SUBMITTED): _S.SUBMITTED,
        (_S.INITIALIZED, _E.REJECTED): _S.REJECTED,
        (_S.INITIALIZED, _E.ACCEPTED): _S.ACCEPTED,
        (_S.INITIALIZED, _E.CANCELED): _S.CANCELED,
        (_S.INITIALIZED, _E.EXPIRED): _S.EXPIRED,
        (_S.INITIALIZED, _E.TRIGGERED): _S.TRIGGERED,
        (_S.INITIALIZED, _E.UPDATED): _S.INITIALIZED,
        (_S.EMULATED, _E.CANCELED): _S.CANCELED,
        (_S.EMULATED, _E.EXPIRED): _S.EXPIRED,
        (_S.EMULATED, _E.UPDATED): _S.EMULATED,
        (_S.EMULATED, _E.RELEASED): _S.RELEASED,
        (_S.RELEASED, _E.SUBMITTED): _S.SUBMITTED,
        (_S.RELEASED, _E.DENIED): _S.DENIED,
        (_S.RELEASED, _E.CANCELED): _S.CANCELED,
        (_S.RELEASED, _E.UPDATED): _S.RELEASED,
        (_S.SUBMITTED, _E.PENDING_UPDATE): _S.PENDING_UPDATE,
        (_S.SUBMITTED, _E.PENDING_CANCEL): _S.PENDING_CANCEL,
        (_S.SUBMITTED, _E.REJECTED): _S.REJECTED,
        (_S.SUBMITTED, _E.CANCELED): _S.CANCELED,
        (_S.SUBMITTED, _E.ACCEPTED): _S.ACCEPTED,
        (_S.SUBMITTED, _E.UPDATED): _S.SUBMITTED,
        (_S.SUBMITTED, _E.FILLED): _S.FILLED,
        (_S.ACCEPTED, _E.REJECTED): _S.REJECTED,
        (_S.ACCEPTED, _E.PENDING_UPDATE): _S.PENDING_UPDATE,
        (_S.ACCEPTED, _E.PENDING_CANCEL): _S.PENDING_CANCEL,
        (_S.ACCEPTED, _E.CANCELED): _S.CANCELED,
        (_S.ACCEPTED, _E.TRIGGERED): _S.TRIGGERED,
        (_S.ACCEPTED, _E.UPDATED): _S.ACCEPTED,
        (_S.ACCEPTED, _E.EXPIRED): _S.EXPIRED,
        (_S.ACCEPTED, _E.FILLED): _S.FILLED,
        (_S.TRIGGERED, _E.REJECTED): _S.REJECTED,
        (_S.TRIGGERED, _E.PENDING_UPDATE): _S.PENDING_UPDATE,
        (_S.TRIGGERED, _E.PENDING_CANCEL): _S.PENDING_CANCEL,
        (_S.TRIGGERED, _E.CANCELED): _S.CANCELED,
        (_S.TRIGGERED, _E.EXPIRED): _S.EXPIRED,
        (_S.TRIGGERED, _E.FILLED): _S.FILLED,
        (_S.TRIGGERED, _E.UPDATED): _S.TRIGGERED,
        (_S.PARTIALLY_FILLED, _E.PENDING_UPDATE): _S.PENDING_UPDATE,
        (_S.PARTIALLY_FILLED, _E.PENDING_CANCEL): _S.PENDING_CANCEL,
        (_S.PARTIALLY_FILLED, _E.CANCELED): _S.CANCELED,
        (_S.PARTIALLY_FILLED, _E.EXPIRED): _S.EXPIRED,
        (_S.PARTIALLY_FILLED, _E.FILLED): _S.FILLED,
        (_S.PARTIALLY_FILLED, _E.ACCEPTED): _S.ACCEPTED,
        (_S.PARTIALLY_FILLED, _E.UPDATED): _S.PARTIALLY_FILLED,
        (_S.PENDING_UPDATE, _E.REJECTED): _S.REJECTED,
        (_S.PENDING_UPDATE, _E.ACCEPTED): _S.ACCEPTED,
        (_S.PENDING_UPDATE, _E.CANCELED): _S.CANCELED,
        (_S.PENDING_UPDATE, _E.EXPIRED): _S.EXPIRED,
        (_S.PENDING_UPDATE, _E.TRIGGERED): _S.TRIGGERED,
        (_S.PENDING_UPDATE, _E.PENDING_UPDATE): _S.PENDING_UPDATE,
        (_S.PENDING_UPDATE, _E.PENDING_CANCEL): _S.PENDING_CANCEL,
        (_S.PENDING_UPDATE, _E.MODIFY_REJECTED): _S.PENDING_UPDATE,
        (_S.PENDING_UPDATE, _E.UPDATED): _S.PENDING_UPDATE,
        (_S.PENDING_UPDATE, _E.FILLED): _S.FILLED,
        (_S.PENDING_CANCEL, _E.REJECTED): _S.REJECTED,
        (_S.PENDING_CANCEL, _E.PENDING_CANCEL): _S.PENDING_CANCEL,
        (_S.PENDING_CANCEL, _E.CANCEL_REJECTED): _S.PENDING_CANCEL,
        (_S.PENDING_CANCEL, _E.CANCELED): _S.CANCELED,
        (_S.PENDING_CANCEL, _E.EXPIRED): _S.EXPIRED,
        (_S.PENDING_CANCEL, _E.ACCEPTED): _S.ACCEPTED,
        (_S.PENDING_CANCEL, _E.FILLED): _S.FILLED,
        (_S.CANCELED, _E.FILLED): _S.FILLED,
    }
)

# Nothing more is to come; only a fill that was on its way may still follow a cancel.
FINAL = frozenset({_S.DENIED, _S.REJECTED, _S.CANCELED, _S.EXPIRED, _S.FILLED})


def next_state(state: OrderState, event: OrderEvent, *, leaves: Decimal = Decimal(0)) -> OrderState:
    """Return the state after the event; a fill that leaves units open makes it PARTIALLY_FILLED.

    Raises IllegalTransition for a pair that is not in the table.
    """
    try:
        after = LIFECYCLE[state, event]
    except KeyError:
        raise IllegalTransition(
            f"An order that is {state} cannot become {event}.", status=state, trigger=event
        ) from None
    if event is OrderEvent.FILLED and leaves > 0:
        return OrderState.PARTIALLY_FILLED
    return after


# FIX 5.0 SP2, appendix D: an order in several states at once reports the one of highest value.
PRECEDENCE: Mapping[str, int] = MappingProxyType(
    {
        "PENDING_CANCEL": 12,
        "PENDING_REPLACE": 11,
        "DONE_FOR_DAY": 10,
        "CALCULATED": 9,
        "FILLED": 8,
        "STOPPED": 7,
        "SUSPENDED": 6,
        "CANCELED": 5,
        "EXPIRED": 5,
        "PARTIALLY_FILLED": 4,
        "REPLACED": 3,
        "NEW": 2,
        "REJECTED": 2,
        "PENDING_NEW": 2,
        "ACCEPTED_FOR_BIDDING": 2,
    }
)


def ord_status(statuses: Iterable[str]) -> str:
    """Return which of the states that an order is in at once FIX reports; of equals, the first.

    Raises ValueError for a word that is no OrdStatus.
    """
    wanted = list(statuses)
    if unknown := [word for word in wanted if word not in PRECEDENCE]:
        raise ValueError(f"FIX has no OrdStatus {unknown[0]}.")
    return max(wanted, key=lambda word: PRECEDENCE[word])


def leaves_quantity(*, quantity: Decimal, filled: Decimal, is_final: bool) -> Decimal:
    """Return FIX LeavesQty (units): OrderQty - CumQty while the order is open, then nothing."""
    return Decimal(0) if is_final else quantity - filled


_FIX: Mapping[OrderState, OrderStatus] = MappingProxyType(
    {
        _S.INITIALIZED: OrderStatus.PENDING_NEW,
        _S.EMULATED: OrderStatus.PENDING_NEW,
        _S.RELEASED: OrderStatus.PENDING_NEW,
        _S.SUBMITTED: OrderStatus.PENDING_NEW,
        _S.DENIED: OrderStatus.REJECTED,
        _S.ACCEPTED: OrderStatus.NEW,
        _S.TRIGGERED: OrderStatus.NEW,
        _S.PARTIALLY_FILLED: OrderStatus.PARTIALLY_FILLED,
        _S.FILLED: OrderStatus.FILLED,
        _S.PENDING_UPDATE: OrderStatus.PENDING_REPLACE,
        _S.PENDING_CANCEL: OrderStatus.PENDING_CANCEL,
        _S.CANCELED: OrderStatus.CANCELED,
        _S.EXPIRED: OrderStatus.EXPIRED,
        _S.REJECTED: OrderStatus.REJECTED,
    }
)
PENDING = frozenset({OrderState.PENDING_UPDATE, OrderState.PENDING_CANCEL})


def state_of(status: OrderStatus, *, is_waiting: bool, is_triggered: bool) -> OrderState:
    """Return the state behind what FIX shows of an order of ours.

    `is_waiting` tells the exit of a bracket from an order that is on its way to the venue.
    """
    if status is OrderStatus.PENDING_NEW:
        return OrderState.INITIALIZED if is_waiting else OrderState.SUBMITTED
    if status is OrderStatus.NEW:
        return OrderState.TRIGGERED if is_triggered else OrderState.ACCEPTED
    return next(state for state, shown in _FIX.items() if shown is status)


def next_status(
    state: OrderState, event: OrderEvent, *, filled: Decimal, leaves: Decimal
) -> OrderStatus:
    """Return what FIX shows after the event; `filled` and `leaves` are the units after it.

    A request that the venue has not answered outlasts a partial fill, and units that filled
    outlast everything but the order's end.  Raises IllegalTransition.
    """
    after = next_state(state, event, leaves=leaves)
    holding = [_FIX[after]]
    if after not in FINAL and filled > 0:
        holding.append(OrderStatus.PARTIALLY_FILLED)
    if state in PENDING and event is OrderEvent.FILLED and leaves > 0:
        holding.append(_FIX[state])
    return OrderStatus(ord_status(holding))
