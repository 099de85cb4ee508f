"""An order's words, and the draft that the checks look at."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from apps.core.errors import InvalidInput


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    TRAILING_STOP = "TRAILING_STOP"


class TimeInForce(StrEnum):
    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


PRICE_STEP = Decimal("0.00000001")
LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
STOPPED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
# A trailing stop works its stop price out of the market.
STOP_GIVEN = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


class OrderStatus(StrEnum):
    """FIX OrdStatus (tag 39).  REPLACED is said of the terms that a replacement took the place of;
    the order itself goes on under its new ones.
    """

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


TERMINAL = frozenset(
    {
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.REPLACED,
        OrderStatus.REJECTED,
        OrderStatus.EXPIRED,
    }
)
# What a venue may fill on its own account; a fill that is already on its way counts also later.
WORKING = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDraft:
    """What somebody wants to trade, before any check: what every pre-trade gate is shown.

    A trailing stop has a `trail_amount` (money a unit) or a `trail_percent` (0 to 100) and no
    `stop_price`.
    """

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
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None

    @property
    def fields(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def trailing_stop(
    *, side: Side, mark: Decimal, trail_amount: Decimal | None, trail_percent: Decimal | None
) -> Decimal:
    """Return the stop price that trails the mark: below it for a sale, above it for a purchase.

    The mark is the highest trade price since the order was placed (a purchase: the lowest).
    Raises InvalidInput where the trail is as large as the price.
    """
    trail = trail_amount if trail_amount is not None else mark * (trail_percent or 0) / 100
    stop = (mark - trail if side is Side.SELL else mark + trail).quantize(PRICE_STEP, ROUND_HALF_UP)
    if stop <= 0:
        raise InvalidInput("The trail is as large as the price.", field="trail_amount")
    return stop
