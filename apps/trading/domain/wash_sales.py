"""Wash sales: losses that the same instrument, bought back within 30 days, puts off.

26 USC 1091 and 26 CFR 1.1091-1, 1.1091-2; the holding period by 26 USC 1223(3).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from apps.trading.domain.gains import Term, market_day, term_of
from apps.trading.domain.lots import COST_STEP

WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """Units that came in together; `units` are comparable over all of them (splits taken out)."""

    key: str
    instrument: str
    at: datetime
    units: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposal:
    """The part of one acquisition that one sale took, with its proceeds and its cost."""

    key: str
    acquisition: str
    at: datetime
    units: Fraction
    proceeds: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxLine:
    """A disposal, or the piece of it that one treatment is for.

    `cost` includes losses that earlier wash sales added to the units' basis; `adjustment` is the
    part of this loss that is disallowed (not negative) and moves on into `replaced_by`.
    """

    disposal: str
    units: Fraction
    acquired: date
    sold: date
    term: Term
    proceeds: Decimal
    cost: Decimal
    adjustment: Decimal
    replaced_by: tuple[str, ...] = ()

    @property
    def gain(self) -> Decimal:
        return self.proceeds - self.cost + self.adjustment

    @property
    def is_wash_sale(self) -> bool:
        return self.adjustment > 0


@dataclass(slots=True)
class _Piece:
    """Units of an acquisition that are treated alike.

    `carried` is the loss added to their basis, `tacked` the days that the units sold before had
    been held, `is_matched` whether they have replaced others already.
    """

    units: Fraction
    carried: Decimal = Decimal(0)
    tacked: timedelta = timedelta(0)
    is_matched: bool = False

    def split(self, units: Fraction) -> "_Piece":
        """Take that many units out, with their share of the basis that was added."""
        share = _part(self.carried, units, self.units)
        self.units -= units
        self.carried -= share
        return _Piece(units, share, self.tacked, self.is_matched)


@dataclass(slots=True)
class _Holding:
    of: Acquisition
    pieces: list[_Piece] = field(default_factory=list)

    def take(self, units: Fraction) -> list[_Piece]:
        """Sell units: those that replaced others first, in the order in which they did."""
        self.pieces.sort(key=lambda piece: not piece.is_matched)
        taken: list[_Piece] = []
        while units > 0 and self.pieces:
            piece = self.pieces[0]
            part = piece.split(min(units, piece.units))
            if not piece.units:
                self.pieces.pop(0)
            taken.append(part)
            units -= part.units
        return taken

    @property
    def fresh(self) -> Fraction:
        """Units that have replaced no others."""
        return sum((piece.units for piece in self.pieces if not piece.is_matched), Fraction(0))

    def give(self, units: Fraction) -> None:
        """Let units go out of the pieces that have replaced no others."""
        for piece in self.pieces:
            if units and not piece.is_matched:
                units -= piece.split(min(units, piece.units)).units
        self.pieces = [piece for piece in self.pieces if piece.units]


def wash_sales(acquisitions: Iterable[Acquisition], disposals: Iterable[Disposal]) -> list[TaxLine]:
    """Return the tax lines of every disposal, in the order of time; the same input, the same lines.

    All of one client's acquisitions and disposals belong in, of every portfolio.  Losses are
    worked through from the earliest disposal on.  Units replace those sold at a loss when they are
    of the same instrument, were acquired from 30 days before to 30 days after the sale, are of
    another purchase, are still there after the sale, and have replaced no others; of several the
    earliest acquired come first.  The loss on as many units as were replaced is disallowed, added
    to the basis of those that replace, and their holding period begins earlier by the days that
    the units sold had been held.
    """
    ordered = sorted(acquisitions, key=lambda one: (one.at, one.key))
    books = _Books({one.key: _Holding(one, [_Piece(one.units)]) for one in ordered})
    sales = sorted(disposals, key=lambda one: (one.at, one.key))
    lines: list[TaxLine] = []
    for number, sale in enumerate(sales):
        books.leaving = _leaving_with(sales[number + 1 :], sale)
        # Rounded new units of a split may be a step more than were bought: money counts, not steps.
        taken = books.holdings[sale.acquisition].take(sale.units) or [_Piece(sale.units)]
        left = replace(sale, units=sum((piece.units for piece in taken), Fraction(0)))
        for piece in taken:
            proceeds = _part(left.proceeds, piece.units, left.units)
            cost = _part(left.cost, piece.units, left.units)
            left = replace(
                left,
                units=left.units - piece.units,
                proceeds=left.proceeds - proceeds,
                cost=left.cost - cost,
            )
            lines += books.settle(sale, piece, proceeds=proceeds, basis=cost + piece.carried)
    return lines


def _leaving_with(later: Sequence[Disposal], sale: Disposal) -> dict[str, Fraction]:
    """Return the units that leave at the same moment, by acquisition: they replace nothing."""
    leaving: dict[str, Fraction] = {}
    for other in later:
        if other.at != sale.at:
            break
        leaving[other.acquisition] = leaving.get(other.acquisition, Fraction(0)) + other.units
    return leaving


@dataclass(slots=True)
class _Books:
    """Every acquisition in the order of time, and what of it leaves with the sale at hand."""

    holdings: dict[str, _Holding]
    leaving: dict[str, Fraction] = field(default_factory=dict)

    def settle(
        self, sale: Disposal, piece: _Piece, *, proceeds: Decimal, basis: Decimal
    ) -> list[TaxLine]:
        """Return the piece's line, in two where only a part of its loss is disallowed."""
        source = self.holdings[sale.acquisition].of
        acquired, sold = market_day(source.at) - piece.tacked, market_day(sale.at)
        line = TaxLine(
            disposal=sale.key,
            units=piece.units,
            acquired=market_day(source.at),
            sold=sold,
            term=term_of(acquired, sold),
            proceeds=proceeds,
            cost=basis,
            adjustment=Decimal(0),
        )
        if basis <= proceeds:
            return [line]
        found = list(self._replacements(sale, source, piece.units))
        replaced = sum((units for _, units in found), Fraction(0))
        if not replaced:
            return [line]
        washed = replace(
            line,
            units=replaced,
            proceeds=_part(proceeds, replaced, piece.units),
            cost=_part(basis, replaced, piece.units),
            replaced_by=tuple(holding.of.key for holding, _ in found),
        )
        washed = replace(washed, adjustment=washed.cost - washed.proceeds)
        seen = Fraction(0)
        for holding, units in found:
            share = _part(washed.adjustment, seen + units, replaced)
            share -= _part(washed.adjustment, seen, replaced)
            holding.pieces.append(_Piece(units, share, sold - acquired, is_matched=True))
            seen += units
        rest = replace(
            line,
            units=piece.units - replaced,
            proceeds=proceeds - washed.proceeds,
            cost=basis - washed.cost,
        )
        return [washed, rest] if rest.units else [washed]

    def _replacements(
        self, sale: Disposal, source: Acquisition, wanted: Fraction
    ) -> Iterator[tuple[_Holding, Fraction]]:
        """Take up to `wanted` units that replace those sold out of the pieces that they are in."""
        sold = market_day(sale.at)
        for holding in self.holdings.values():
            other = holding.of
            is_near = abs(market_day(other.at) - sold) <= WINDOW
            if other.key == source.key or other.instrument != source.instrument or not is_near:
                continue
            units = min(wanted, holding.fresh - self.leaving.get(other.key, Fraction(0)))
            if units > 0:
                holding.give(units)
                wanted -= units
                yield holding, units
            if not wanted:
                return


def _part(amount: Decimal, units: Fraction, of: Fraction) -> Decimal:
    """Return the amount's share for `units` out of `of`, 8 decimals, all of it for all."""
    if units == of:
        return amount
    exact = Fraction(amount) * units / of
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(
        COST_STEP, ROUND_HALF_EVEN
    )
