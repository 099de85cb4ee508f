"""The life of an order: its words, its state table and the draft that the checks look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from apps.core.errors import IllegalTransition


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"


class TimeInForce(StrEnum):
    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
STOPPED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


class OrderStatus(StrEnum):
    """FIX OrdStatus (tag 39)."""

    PENDING_NEW = "PENDING_NEW"
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    PENDING_CANCEL = "PENDING_CANCEL"
    CANCELED = "CANCELED"
    PENDING_REPLACE = "PENDING_REPLACE"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class Trigger(StrEnum):
    """What can happen to an order.

    FILL_PART leaves units open, FILL_REST leaves none.  RESTORE and RESTORE_PART answer a cancel
    or replace request that the venue refused, without and with units already filled.
    """

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    FILL_PART = "FILL_PART"
    FILL_REST = "FILL_REST"
    REQUEST_CANCEL = "REQUEST_CANCEL"
    CANCEL = "CANCEL"
    REQUEST_REPLACE = "REQUEST_REPLACE"
    REPLACE = "REPLACE"
    RESTORE = "RESTORE"
    RESTORE_PART = "RESTORE_PART"
    EXPIRE = "EXPIRE"


_S, _T = OrderStatus, Trigger

# Every pair that is not here is refused.  Several states at once show the one of highest FIX
# precedence, so a partial fill during PENDING_CANCEL counts and leaves the status as it is.
TRANSITIONS: Mapping[tuple[OrderStatus, Trigger], OrderStatus] = MappingProxyType(
    {
        (_S.PENDING_NEW, _T.ACCEPT): _S.NEW,
        (_S.PENDING_NEW, _T.REJECT): _S.REJECTED,
        (_S.NEW, _T.REJECT): _S.REJECTED,
        (_S.NEW, _T.FILL_PART): _S.PARTIALLY_FILLED,
        (_S.NEW, _T.FILL_REST): _S.FILLED,
        (_S.NEW, _T.REQUEST_CANCEL): _S.PENDING_CANCEL,
        (_S.NEW, _T.CANCEL): _S.CANCELED,
        (_S.NEW, _T.REQUEST_REPLACE): _S.PENDING_REPLACE,
        (_S.NEW, _T.EXPIRE): _S.EXPIRED,
        (_S.PARTIALLY_FILLED, _T.FILL_PART): _S.PARTIALLY_FILLED,
        (_S.PARTIALLY_FILLED, _T.FILL_REST): _S.FILLED,
        (_S.PARTIALLY_FILLED, _T.REQUEST_CANCEL): _S.PENDING_CANCEL,
        (_S.PARTIALLY_FILLED, _T.CANCEL): _S.CANCELED,
        (_S.PARTIALLY_FILLED, _T.REQUEST_REPLACE): _S.PENDING_REPLACE,
        (_S.PARTIALLY_FILLED, _T.EXPIRE): _S.EXPIRED,
        (_S.PENDING_CANCEL, _T.FILL_PART): _S.PENDING_CANCEL,
        (_S.PENDING_CANCEL, _T.FILL_REST): _S.FILLED,
        (_S.PENDING_CANCEL, _T.CANCEL): _S.CANCELED,
        (_S.PENDING_CANCEL, _T.RESTORE): _S.NEW,
        (_S.PENDING_CANCEL, _T.RESTORE_PART): _S.PARTIALLY_FILLED,
        (_S.PENDING_CANCEL, _T.EXPIRE): _S.EXPIRED,
        (_S.PENDING_REPLACE, _T.FILL_PART): _S.PENDING_REPLACE,
        (_S.PENDING_REPLACE, _T.FILL_REST): _S.FILLED,
        (_S.PENDING_REPLACE, _T.REPLACE): _S.REPLACED,
        (_S.PENDING_REPLACE, _T.REQUEST_CANCEL): _S.PENDING_CANCEL,
        (_S.PENDING_REPLACE, _T.CANCEL): _S.CANCELED,
        (_S.PENDING_REPLACE, _T.RESTORE): _S.NEW,
        (_S.PENDING_REPLACE, _T.RESTORE_PART): _S.PARTIALLY_FILLED,
        (_S.PENDING_REPLACE, _T.EXPIRE): _S.EXPIRED,
    }
)

TERMINAL = frozenset(_S) - {status for status, _ in TRANSITIONS}
# What a venue may fill on its own account; a fill that is already on its way counts also later.
WORKING = frozenset({_S.NEW, _S.PARTIALLY_FILLED})


def next_status(status: OrderStatus, trigger: Trigger) -> OrderStatus:
    """Return the state after the trigger; raise IllegalTransition for a pair not in the table."""
    try:
        return TRANSITIONS[status, trigger]
    except KeyError:
        raise IllegalTransition(
            f"An order that is {status} cannot {trigger}.", status=status, trigger=trigger
        ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDraft:
    """What somebody wants to trade, before any check: what every pre-trade gate is shown."""

    client_id: UUID
    portfolio_id: UUID
    symbol: str
    side: Side
    order_type: OrderType
    quantity: Decimal | None
    notional: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    time_in_force: TimeInForce
