"""Round trips: which fills opened and closed a position, long or short, and what that brought."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import isfinite

from pyxirr import InvalidPaymentsError, xirr

from apps.core.errors import InvalidInput
from apps.trading.domain.orders import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class TripFill:
    """A fill as trips see it: units, price a unit, and fees in all."""

    date: date
    side: Side
    quantity: Decimal
    price: Decimal
    fees: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """Units that went in and came out, or (not `is_closed`) that are valued at the mark.

    `entry` is what going in cost (a short: what it brought), `exit` what coming out brought (a
    short: what it cost), both after fees.  `started` and `ended` are the first entry and the exit.
    """

    is_closed: bool
    is_long: bool
    quantity: Decimal
    entry: Decimal
    exit: Decimal
    started: date
    ended: date
    flows: tuple[tuple[date, Decimal], ...]

    @property
    def profit(self) -> Decimal:
        return self.exit - self.entry if self.is_long else self.entry - self.exit

    @property
    def gain(self) -> Decimal | None:
        """Return profit / entry; None where nothing was put in."""
        return self.profit / self.entry if self.entry else None

    @property
    def irr(self) -> float | None:
        """Return the yearly internal rate (actual days / 365); None where there is none.

        A short counts as if what it brought had been put in and came back with the profit.  What
        ended on the day on which it began has no yearly rate.
        """
        days, sums = zip(*self.flows, strict=True)
        try:
            rate = xirr(days, [float(amount) for amount in sums])
        except InvalidPaymentsError:
            return None
        return rate if rate is not None and isfinite(rate) else None


@dataclass(slots=True)
class _Open:
    """What is left of one fill that opened units; fees spread over its units."""

    date: date
    quantity: Decimal
    amount: Decimal

    def take(self, units: Decimal) -> Decimal:
        share = self.amount if units == self.quantity else self.amount * units / self.quantity
        self.quantity -= units
        self.amount -= share
        return share


def round_trips(
    fills: Iterable[TripFill], *, mark: tuple[date, Decimal] | None = None
) -> list[Trip]:
    """Return one trip for each fill that closed units, first in first out, then what is open.

    The fills are in the order of time; one that is larger than what is open closes it and opens
    the rest on the other side.  `mark` is the day and the price at which open units are valued;
    without it they are left out.  Raises InvalidInput for a quantity that is not positive.
    """
    lots: list[_Open] = []
    is_long = True
    trips: list[Trip] = []
    for fill in fills:
        if fill.quantity <= 0:
            raise InvalidInput("A fill has a positive quantity.", field="quantity")
        left = fill.quantity
        if lots and is_long is (fill.side is Side.SELL):
            units = min(left, sum((lot.quantity for lot in lots), Decimal(0)))
            amount = _amount(fill, units)
            trips.append(_trip(lots, units, amount, fill.date, is_long=is_long, is_closed=True))
            lots = [lot for lot in lots if lot.quantity]
            left -= units
        if left:
            is_long = fill.side is Side.BUY
            lots.append(_Open(fill.date, left, _amount(fill, left)))
    if lots and mark is not None:
        units = sum((lot.quantity for lot in lots), Decimal(0))
        day, price = mark
        trips.append(_trip(lots, units, units * price, day, is_long=is_long, is_closed=False))
    return trips


def _amount(fill: TripFill, units: Decimal) -> Decimal:
    """Return the money of that many of the fill's units: fees make it dearer, or bring less."""
    fees = fill.fees * units / fill.quantity
    return units * fill.price + (fees if fill.side is Side.BUY else -fees)


def _trip(
    lots: list[_Open],
    units: Decimal,
    amount: Decimal,
    day: date,
    *,
    is_long: bool,
    is_closed: bool,
) -> Trip:
    entries: list[tuple[date, Decimal]] = []
    left = units
    for lot in lots:
        part = min(left, lot.quantity)
        if not part:
            break
        entries.append((lot.date, lot.take(part)))
        left -= part
    entry = sum((paid for _, paid in entries), Decimal(0))
    back = amount if is_long else 2 * entry - amount
    return Trip(
        is_closed=is_closed,
        is_long=is_long,
        quantity=units,
        entry=entry,
        exit=amount,
        started=entries[0][0],
        ended=day,
        flows=(*((at, -paid) for at, paid in entries), (day, back)),
    )
