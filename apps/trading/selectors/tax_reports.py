"""The tax-lot report of a client and a year: sales, terms and wash sales over all portfolios."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from uuid import UUID

from django.utils import timezone

from apps.core.domain.money import MINOR_UNITS
from apps.core.errors import NotFound
from apps.trading.domain.corporate_actions import ActionKind
from apps.trading.domain.gains import Term, market_day, market_midnight
from apps.trading.domain.wash_sales import Acquisition, Disposal, TaxLine, wash_sales
from apps.trading.models import CorporateAction, Entitlement, Lot, LotConsumption

FIRST_YEAR, LAST_YEAR = 1990, 2100
YEARS_SHOWN = 7
CSV_HEADER = (
    *("description", "date_acquired", "date_sold", "term", "proceeds", "cost_basis", "code"),
    *("adjustment", "gain_or_loss", "currency", "portfolio", "lot", "execution"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRow:
    """A line like one of Form 8949: `code` is W for a wash sale, `adjustment` the loss put off.

    Money is in `currency`, the instrument's, in whole minor units; `gain` is proceeds - cost +
    adjustment.  `cost` includes losses that earlier wash sales put off into these units.
    """

    description: str
    symbol: str
    units: Decimal
    acquired: date
    sold: date
    term: Term
    proceeds: Decimal
    cost: Decimal
    code: str
    adjustment: Decimal
    gain: Decimal
    currency: str
    portfolio_id: UUID
    lot_id: UUID
    execution_id: UUID | None

    @property
    def cells(self) -> tuple[object, ...]:
        """Return the row as it stands in the CSV file."""
        return (
            *(self.description, self.acquired, self.sold, self.term.value, self.proceeds),
            *(self.cost, self.code, self.adjustment, self.gain, self.currency),
            *(self.portfolio_id, self.lot_id, self.execution_id),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxTotal:
    term: Term
    currency: str
    proceeds: Decimal
    cost: Decimal
    adjustment: Decimal
    gain: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxReport:
    year: int
    rows: tuple[TaxRow, ...]
    totals: tuple[TaxTotal, ...]


def tax_report(client_id: UUID, year: int) -> TaxReport:
    """Return what the client sold in the year at the exchange, over all of the client's portfolios.

    Worked out anew from lots and sales each time: purchases up to 30 days after the year's end
    still change it.  The caller has checked whose it is.  Raises NotFound for an absurd year.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise NotFound("There is no report for that year.")
    books = _Books.of(client_id)
    rows = [books.row(line) for line in books.lines() if line.sold.year == year]
    return TaxReport(year=year, rows=tuple(rows), totals=tuple(_totals(rows)))


def tax_years() -> range:
    """Return the years that pages offer, this one at the exchange first."""
    this_year = market_day(timezone.now()).year
    return range(this_year, this_year - YEARS_SHOWN, -1)


def losses_put_off(client_id: UUID) -> dict[str, Decimal]:
    """Return the loss that wash sales put off, by the disposal's id."""
    put_off: dict[str, Decimal] = {}
    for line in _Books.of(client_id).lines():
        if line.is_wash_sale:
            put_off[line.disposal] = put_off.get(line.disposal, Decimal(0)) + line.adjustment
    return put_off


def _totals(rows: Iterable[TaxRow]) -> Iterable[TaxTotal]:
    sums: dict[tuple[Term, str], list[Decimal]] = {}
    for row in rows:
        total = sums.setdefault((row.term, row.currency), [Decimal(0)] * 4)
        for place, amount in enumerate((row.proceeds, row.cost, row.adjustment, row.gain)):
            total[place] += amount
    for (term, currency), (proceeds, cost, adjustment, gain) in sorted(sums.items(), reverse=True):
        yield TaxTotal(
            term=term,
            currency=currency,
            proceeds=proceeds,
            cost=cost,
            adjustment=adjustment,
            gain=gain,
        )


@dataclass(slots=True)
class _Books:
    """All of a client's lots and disposals; splits and renamings of their symbols."""

    lots: dict[UUID, Lot]
    parts: dict[str, LotConsumption]
    splits: list[tuple[str, datetime, Fraction]]
    renamed: dict[str, str]

    @classmethod
    def of(cls, client_id: UUID) -> "_Books":
        lots = Lot.objects.filter(portfolio__client_id=client_id)
        parts = LotConsumption.objects.filter(lot__portfolio__client_id=client_id)
        actions = CorporateAction.objects.filter(
            kind__in=[ActionKind.SPLIT, ActionKind.SYMBOL_CHANGE],
            status__in=["CONFIRMED", "APPLIED", "REVERSING"],
        ).filter(entitlements__portfolio__client_id=client_id, entitlements__reversed_at=None)
        renamed, splits = {}, []
        for action in actions.distinct():
            if action.kind == ActionKind.SYMBOL_CHANGE:
                renamed[action.symbol] = action.new_symbol
            else:
                new, old = action.terms.ratio
                moment = market_midnight(action.ex_date)
                splits.append((action.symbol, moment, Fraction(new) / Fraction(old)))
        return cls(
            lots={lot.id: lot for lot in lots},
            parts={
                str(part.id): part for part in parts.disposals(Entitlement.objects.taken_back())
            },
            splits=splits,
            renamed=renamed,
        )

    def lines(self) -> list[TaxLine]:
        sold = {self._instrument(self.lots[part.lot_id].symbol) for part in self.parts.values()}
        roots = [lot for lot in self.lots.values() if self._root(lot) is lot]
        acquisitions = [
            Acquisition(
                key=str(lot.id),
                instrument=self._instrument(lot.symbol),
                at=lot.acquired_at,
                units=Fraction(lot.quantity) / self._factor(lot),
            )
            for lot in roots
            if self._instrument(lot.symbol) in sold
        ]
        return wash_sales(acquisitions, [self._disposal(part) for part in self.parts.values()])

    def row(self, line: TaxLine) -> TaxRow:
        part = self.parts[line.disposal]
        lot = self.lots[part.lot_id]
        units = line.units * self._factor(lot)
        shown = (Decimal(units.numerator) / Decimal(units.denominator)).quantize(Decimal("1e-8"))
        step = Decimal(1).scaleb(-MINOR_UNITS[lot.currency])
        proceeds, cost, adjustment = (
            amount.quantize(step, ROUND_HALF_EVEN)
            for amount in (line.proceeds, line.cost, line.adjustment)
        )
        if line.is_wash_sale:
            # All of this line's loss is put off, to the cent.
            adjustment = cost - proceeds
        return TaxRow(
            description=f"{shown.normalize():f} {lot.symbol}",
            symbol=lot.symbol,
            units=shown,
            acquired=line.acquired,
            sold=line.sold,
            term=line.term,
            proceeds=proceeds,
            cost=cost,
            code="W" if line.is_wash_sale else "",
            adjustment=adjustment,
            gain=proceeds - cost + adjustment,
            currency=lot.currency,
            portfolio_id=lot.portfolio_id,
            lot_id=lot.id,
            execution_id=part.execution_id,
        )

    def _disposal(self, part: LotConsumption) -> Disposal:
        lot = self.lots[part.lot_id]
        return Disposal(
            key=str(part.id),
            acquisition=str(self._root(lot).id),
            at=part.consumed_at,
            units=Fraction(part.quantity) / self._factor(lot),
            proceeds=part.proceeds or Decimal(0),
            cost=part.cost,
        )

    def _root(self, lot: Lot) -> Lot:
        """Return the purchase that the lot comes from; what came from elsewhere begins here."""
        while lot.carried_from_id in self.lots:
            lot = self.lots[lot.carried_from_id]
        return lot

    def _instrument(self, symbol: str) -> str:
        seen = set()
        while symbol in self.renamed and symbol not in seen:
            seen.add(symbol)
            symbol = self.renamed[symbol]
        return symbol

    def _factor(self, lot: Lot) -> Fraction:
        """Return how many of the lot's units one unit from before every split has become."""
        instrument, factor = self._instrument(lot.symbol), Fraction(1)
        for symbol, moment, ratio in self.splits:
            if self._instrument(symbol) == instrument and moment <= lot.opened_at:
                factor *= ratio
        return factor
