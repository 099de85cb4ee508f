"""Queries of imports: what a file would bring in, and what was brought."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from apps.core.errors import DomainError
from apps.market.selectors import fx_rate, instrument_list
from apps.trading.domain.gains import market_day
from apps.trading.domain.imports import (
    MAX_SYMBOLS,
    ColumnMapping,
    LotRow,
    RowError,
    Table,
    guess_mapping,
    read_rows,
    read_table,
    symbols_in,
)
from apps.trading.models import Portfolio, PositionImport


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """A dry run: nothing was written.

    `rates` are units of the portfolio's currency for one of the lot's, by lot, on its day.
    """

    table: Table
    mapping: ColumnMapping
    lots: list[LotRow]
    rates: list[Decimal]
    errors: list[RowError]

    @property
    def can_come_in(self) -> bool:
        return bool(self.lots) and not self.errors


def import_preview(portfolio: Portfolio, text: str, mapping: ColumnMapping | None) -> ImportPreview:
    """Return what the file would bring into the portfolio, and what is wrong with each row.

    Without a mapping the guessed one is used; one that is not complete has no lots and no errors.
    Raises Refused for a text that is no table, or a mapping that is given and not complete.
    """
    table = read_table(text)
    is_guess, mapping = mapping is None, mapping or guess_mapping(table)
    try:
        mapping.check(len(table.header))
    except DomainError:
        if is_guess:
            return ImportPreview(table, mapping, [], [], [])
        raise
    listed = instrument_list().filter(symbol__in=symbols_in(table, mapping))
    known = dict(listed.values_list("symbol", "currency"))
    lots, errors = read_rows(table, mapping, known, today=market_day(timezone.now()))
    rates: dict[tuple[str, date], Decimal | None] = {}
    for lot in lots:
        key = (lot.currency, lot.acquired_on)
        if key not in rates:
            rates[key] = _rate(portfolio.currency, *key)
        if rates[key] is None:
            errors.append(RowError(lot.line, "ACQUIRED", "exchange_rate_missing"))
    for symbol in sorted({lot.symbol for lot in lots})[MAX_SYMBOLS:]:
        errors += [
            RowError(lot.line, "SYMBOL", "too_many_symbols") for lot in lots if lot.symbol == symbol
        ]
    failed = {error.line for error in errors}
    good = [lot for lot in lots if lot.line not in failed]
    found = [rates[lot.currency, lot.acquired_on] or Decimal(1) for lot in good]
    return ImportPreview(table, mapping, good, found, sorted(errors, key=lambda one: one.line))


def _rate(own: str, currency: str, on: date) -> Decimal | None:
    try:
        return fx_rate(currency, own, on=on).rate
    except DomainError:
        return None


def import_list(portfolio_id: UUID) -> QuerySet[PositionImport]:
    """Return the portfolio's imports, newest first; the caller has checked whose it is."""
    rows = PositionImport.objects.filter(portfolio_id=portfolio_id)
    return rows.order_by("-created_at", "-id")
