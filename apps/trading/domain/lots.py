"""Which lots a sale consumes and what profit that realises."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from apps.core.errors import InvalidInput, Refused

COST_STEP = Decimal("0.00000001")
# Decimals of a rate between two currencies.
FX_PLACES = 12


class LotOrigin(StrEnum):
    """What brought a lot's units in."""

    PURCHASE = "PURCHASE"
    TRANSFER = "TRANSFER"
    IMPORT = "IMPORT"
    CORPORATE_ACTION = "CORPORATE_ACTION"


class LotCause(StrEnum):
    """What took units out of a lot."""

    SALE = "SALE"
    TRANSFER = "TRANSFER"
    CORPORATE_ACTION = "CORPORATE_ACTION"


class LotMethod(StrEnum):
    FIFO = "FIFO"
    LIFO = "LIFO"
    HIFO = "HIFO"
    AVERAGE = "AVERAGE"
    SPECIFIC = "SPECIFIC"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLot:
    """What is left of one purchase: units and their whole cost, fees included."""

    key: str
    acquired_at: datetime
    quantity: Decimal
    cost: Decimal

    @property
    def unit_cost(self) -> Decimal:
        return self.cost / self.quantity


@dataclass(frozen=True, slots=True)
class Consumption:
    """The part of a lot that a sale takes, and the cost that goes with it."""

    key: str
    quantity: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Sale:
    """What a sale did: the parts it took and every lot as it is afterwards (empty ones too).

    `missing` are units that no lot explains: they count as if they had cost nothing.
    """

    consumed: tuple[Consumption, ...]
    lots: tuple[OpenLot, ...]
    missing: Decimal = Decimal(0)

    @property
    def cost(self) -> Decimal:
        return sum((part.cost for part in self.consumed), Decimal(0))

    def realised(self, proceeds: Decimal) -> Decimal:
        """Return the profit (a loss is negative) when the sale brought `proceeds` after fees."""
        return proceeds - self.cost


_ORDER: Mapping[LotMethod, Callable[[OpenLot], Any]] = MappingProxyType(
    {
        LotMethod.FIFO: lambda lot: (lot.acquired_at, lot.key),
        LotMethod.LIFO: lambda lot: (-lot.acquired_at.timestamp(), lot.key),
        LotMethod.HIFO: lambda lot: (-lot.unit_cost, lot.acquired_at, lot.key),
        LotMethod.AVERAGE: lambda lot: (lot.acquired_at, lot.key),
        LotMethod.SPECIFIC: lambda lot: (lot.acquired_at, lot.key),
    }
)


def sell(
    lots: Sequence[OpenLot],
    quantity: Decimal,
    method: LotMethod,
    *,
    chosen: Sequence[str] = (),
    may_miss: bool = False,
) -> Sale:
    """Take `quantity` units out of the lots by the method; costs keep 8 decimals.

    AVERAGE first spreads the cost of all lots evenly over their units (the moving average), then
    takes the oldest units.  SPECIFIC takes the lots named in `chosen`, in that order, and only
    when they are used up the oldest others: units that nobody identified go first in, first out
    (26 CFR 1.1012-1(c)).  Raises Refused (`insufficient_lots`, fact `missing`) beyond what is held,
    unless the history `may_miss` purchases: then the sale says how many units are missing.
    Raises InvalidInput for less than nothing.
    """
    if quantity < 0:
        raise InvalidInput("A sale takes no less than nothing.", field="quantity")
    held = sum((lot.quantity for lot in lots), Decimal(0))
    if quantity > held and not may_miss:
        raise Refused(
            "There are not enough lots for this sale.",
            code="insufficient_lots",
            limit=str(held),
            measured=str(quantity),
            missing=str(quantity - held),
        )
    ordered = sorted((lot for lot in lots if lot.quantity > 0), key=_ORDER[method])
    if method is LotMethod.SPECIFIC:
        rank = {key: place for place, key in enumerate(chosen)}
        ordered.sort(key=lambda lot: rank.get(lot.key, len(rank)))
    if method is LotMethod.AVERAGE:
        ordered = _averaged(ordered)
    return _take(ordered, quantity)


def spread(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Return the amount shared out by the weights, 8 decimals each; the shares sum to it exactly.

    Each share is the difference of two rounded running totals, so that no share is off by more
    than one step.
    """
    total = sum(weights, Decimal(0))
    shares: list[Decimal] = []
    given = seen = Decimal(0)
    for weight in weights:
        seen += weight
        share = _share(amount, seen, total) - given
        given += share
        shares.append(share)
    return shares


def _averaged(lots: Sequence[OpenLot]) -> list[OpenLot]:
    units = sum((lot.quantity for lot in lots), Decimal(0))
    cost = sum((lot.cost for lot in lots), Decimal(0))
    even: list[OpenLot] = []
    for lot in lots:
        share = _share(cost, lot.quantity, units)
        even.append(replace(lot, cost=share))
        units -= lot.quantity
        cost -= share
    return even


def _take(lots: Sequence[OpenLot], quantity: Decimal) -> Sale:
    consumed: list[Consumption] = []
    after: list[OpenLot] = []
    for lot in lots:
        units = min(lot.quantity, quantity)
        cost = _share(lot.cost, units, lot.quantity)
        if units:
            consumed.append(Consumption(lot.key, units, cost))
        after.append(replace(lot, quantity=lot.quantity - units, cost=lot.cost - cost))
        quantity -= units
    return Sale(tuple(consumed), tuple(after), quantity)


def _share(cost: Decimal, units: Decimal, of: Decimal) -> Decimal:
    """Return the cost of `units` out of `of`; the last units take all that is left."""
    return cost if units == of else (cost * units / of).quantize(COST_STEP, ROUND_HALF_EVEN)
