"""A broker's CSV as lots to bring in: decoded, its columns guessed, each row read or refused."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from enum import StrEnum
from typing import NoReturn

from apps.core.domain.instruments import QUANTITY_PLACES
from apps.core.domain.money import exact
from apps.core.errors import InvalidInput, Refused

MAX_BYTES, MAX_ROWS, MAX_COLUMNS, MAX_CELL = 200_000, 500, 40, 100
# One entry of the ledger has two legs for each symbol, and at most two hundred.
MAX_SYMBOLS = 90
HEADER_CELLS = 3
FIRST_DAY = date(1970, 1, 1)
COST_STEP = Decimal("1e-8")
ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?", re.ASCII)
OTHER_DATE = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})", re.ASCII)
NUMBER = re.compile(r"(?:\d{1,18}|\d{1,3}(?:,\d{3}){1,5})(?:\.\d{1,18})?", re.ASCII)
COMMA_NUMBER = re.compile(r"(?:\d{1,3}(?:\.\d{3})+|\d+),\d+", re.ASCII)
SWAPPED = str.maketrans(",.", ".,")
BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class Column(StrEnum):
    """What a column of the file says; a lot has its whole cost or a price a unit."""

    SYMBOL = "SYMBOL"
    QUANTITY = "QUANTITY"
    ACQUIRED = "ACQUIRED"
    COST = "COST"
    PRICE = "PRICE"


class DateOrder(StrEnum):
    YMD = "YMD"
    DMY = "DMY"
    MDY = "MDY"


class DecimalSign(StrEnum):
    POINT = "POINT"
    COMMA = "COMMA"


# Headings as brokers write them, without signs; the first that a file has is meant.
HEADINGS: dict[Column, tuple[str, ...]] = {
    Column.SYMBOL: ("symbol", "ticker", "ticker symbol", "instrument"),
    Column.QUANTITY: ("remaining quantity", "quantity", "shares", "units", "qty"),
    Column.ACQUIRED: (
        *("acquired at", "date acquired", "acquired", "acquisition date", "open date"),
        *("purchase date", "trade date", "opened", "date"),
    ),
    Column.COST: ("remaining cost", "cost basis total", "cost basis", "total cost", "cost"),
    Column.PRICE: (
        *("cost share", "cost per share", "unit cost", "purchase price", "price paid"),
        *("average cost", "average price", "price"),
    ),
}


@dataclass(frozen=True, slots=True)
class Table:
    """The file's cells; each row with the line on which it stands."""

    header: list[str]
    rows: list[tuple[int, list[str]]]


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which column is what (counted from 0), and how dates and numbers are written."""

    columns: Mapping[Column, int]
    dates: DateOrder
    decimals: DecimalSign

    def check(self, width: int) -> None:
        """Raise Refused `mapping_incomplete` unless it names all that a lot needs, each once."""
        named = set(self.columns)
        needed = {Column.SYMBOL, Column.QUANTITY, Column.ACQUIRED}
        places = list(self.columns.values())
        if (
            not needed <= named
            or len(named & {Column.COST, Column.PRICE}) != 1
            or len(set(places)) != len(places)
            or not all(0 <= place < width for place in places)
        ):
            raise Refused(
                "Choose columns for symbol, quantity, day and either cost or price, each once.",
                code="mapping_incomplete",
            )


@dataclass(frozen=True, slots=True)
class LotRow:
    """One lot; `cost` is that of all its units, in the instrument's currency."""

    line: int
    symbol: str
    quantity: Decimal
    acquired_on: date
    cost: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row cannot come in: a stable code, and the column where it is."""

    line: int
    column: str
    code: str


def decode(content: bytes) -> str:
    """Return the file's text: UTF-8 or UTF-16 by its mark, UTF-8, else Latin-1.

    What is read are symbols, numbers and days, which every encoding of that family has alike.
    Raises Refused `file_too_large`, `file_not_text`.
    """
    if len(content) > MAX_BYTES:
        raise Refused(
            f"A file has at most {MAX_BYTES} bytes.",
            code="file_too_large",
            limit=str(MAX_BYTES),
            measured=str(len(content)),
        )
    encodings = [name for mark, name in BOMS if content.startswith(mark)] or ["utf-8", "latin-1"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Refused("This is not a text file.", code="file_not_text")


def read_table(text: str) -> Table:
    """Return the table in the text; lines before its headings are passed over.

    Raises Refused `file_malformed`, `file_empty`, `file_too_long`, `file_too_wide`.
    """
    lines: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        for row in reader:
            cells = [cell.strip().lstrip("'\ufeff") for cell in row]
            if any(cells) and (lines or sum(map(bool, cells)) >= HEADER_CELLS):
                lines.append((reader.line_num, cells))
            if len(lines) > MAX_ROWS + 1:
                raise Refused(
                    f"A file has at most {MAX_ROWS} rows.",
                    code="file_too_long",
                    limit=str(MAX_ROWS),
                )
    except csv.Error as error:
        raise Refused("The quotes in this file do not close.", code="file_malformed") from error
    if len(lines) <= 1:
        raise Refused("No headings with rows under them were found.", code="file_empty")
    header, *rows = lines
    if len(header[1]) > MAX_COLUMNS:
        raise Refused(f"A file has at most {MAX_COLUMNS} columns.", code="file_too_wide")
    return Table(header[1], rows)


def _delimiter(text: str) -> str:
    """Return what separates cells: the sign that stands most often in one line."""
    lines = text.splitlines()[: HEADER_CELLS + 17]
    return max(",;\t|", key=lambda sign: max((line.count(sign) for line in lines), default=0))


def guess_mapping(table: Table) -> ColumnMapping:
    """Return what headings and cells suggest; columns that nothing suggests are left out."""
    headings = [re.sub(r"[^a-z0-9]+", " ", cell.casefold()).strip() for cell in table.header]
    columns: dict[Column, int] = {}
    for column, words in HEADINGS.items():
        found = next((word for word in words if word in headings), None)
        if found is not None and not (column is Column.PRICE and Column.COST in columns):
            columns[column] = headings.index(found)
    days = _cells(table, columns.get(Column.ACQUIRED))
    numbers = [
        cell
        for column in (Column.QUANTITY, Column.COST, Column.PRICE)
        for cell in _cells(table, columns.get(column))
    ]
    is_comma = any(COMMA_NUMBER.fullmatch(_bare(cell)) for cell in numbers) and not any(
        re.search(r",\d{3}\.|\.\d{1,2}$", cell) for cell in numbers
    )
    return ColumnMapping(
        columns, _guess_order(days), DecimalSign.COMMA if is_comma else DecimalSign.POINT
    )


def _cells(table: Table, place: int | None) -> list[str]:
    return [] if place is None else [row[place] for _, row in table.rows if place < len(row)]


def _guess_order(days: Sequence[str]) -> DateOrder:
    parts = [found.groups() for found in map(OTHER_DATE.fullmatch, days) if found]
    if not parts:
        return DateOrder.YMD
    if any(int(first) > 12 for first, _, _ in parts):
        return DateOrder.DMY
    if any(int(second) > 12 for _, second, _ in parts):
        return DateOrder.MDY
    return DateOrder.DMY if any("." in day for day in days) else DateOrder.MDY


def read_rows(
    table: Table, mapping: ColumnMapping, currencies: Mapping[str, str], *, today: date
) -> tuple[list[LotRow], list[RowError]]:
    """Return the lots of the rows that can be read, and what is wrong with the others.

    `currencies` has the instruments that may come in.  Raises Refused `mapping_incomplete`.
    """
    mapping.check(len(table.header))
    lots: list[LotRow] = []
    errors: list[RowError] = []
    for line, cells in table.rows:
        try:
            lots.append(_lot(line, cells, mapping, currencies, today))
        except InvalidInput as error:
            errors.append(RowError(line, error.facts["field"], error.code))
    return lots, errors


def symbols_in(table: Table, mapping: ColumnMapping) -> set[str]:
    return {cell.upper() for cell in _cells(table, mapping.columns.get(Column.SYMBOL))}


def _lot(
    line: int,
    cells: list[str],
    mapping: ColumnMapping,
    currencies: Mapping[str, str],
    today: date,
) -> LotRow:
    symbol = _cell(cells, mapping, Column.SYMBOL).upper()
    if symbol not in currencies:
        _refuse(Column.SYMBOL, "symbol_unknown")
    quantity = _number(cells, mapping, Column.QUANTITY)
    _check(Column.QUANTITY, quantity, may_be_zero=False)
    acquired_on = _day(_cell(cells, mapping, Column.ACQUIRED), mapping.dates)
    if not FIRST_DAY <= acquired_on <= today:
        _refuse(Column.ACQUIRED, "day_out_of_range")
    paid = Column.COST if Column.COST in mapping.columns else Column.PRICE
    amount = _number(cells, mapping, paid)
    with localcontext(prec=80):
        cost = amount if paid is Column.COST else amount * quantity
        cost = cost.quantize(COST_STEP, ROUND_HALF_EVEN)
    _check(paid, cost, may_be_zero=True)
    return LotRow(line, symbol, quantity, acquired_on, cost, currencies[symbol])


def _cell(cells: list[str], mapping: ColumnMapping, column: Column) -> str:
    place = mapping.columns[column]
    text = cells[place] if place < len(cells) else ""
    if not text:
        _refuse(column, "missing")
    if len(text) > MAX_CELL:
        _refuse(column, "too_long")
    return text


def _number(cells: list[str], mapping: ColumnMapping, column: Column) -> Decimal:
    text = _bare(_cell(cells, mapping, column))
    if mapping.decimals is DecimalSign.COMMA:
        text = text.translate(SWAPPED)
    if not NUMBER.fullmatch(text):
        _refuse(column, "not_a_number")
    return Decimal(text.replace(",", ""))


def _check(column: Column, value: Decimal, *, may_be_zero: bool) -> None:
    try:
        exact(value, places=QUANTITY_PLACES, name=column.value)
    except InvalidInput:
        _refuse(column, "number_out_of_range")
    if not value and not may_be_zero:
        _refuse(column, "not_positive")


def _day(text: str, order: DateOrder) -> date:
    iso, other = ISO_DATE.fullmatch(text), OTHER_DATE.fullmatch(text)
    if iso:
        year, month, day = map(int, iso.groups())
    elif other and order is not DateOrder.YMD:
        first, second, year = map(int, other.groups())
        day, month = (first, second) if order is DateOrder.DMY else (second, first)
    else:
        _refuse(Column.ACQUIRED, "not_a_day")
    try:
        return date(year, month, day)
    except ValueError:
        _refuse(Column.ACQUIRED, "not_a_day")


def _bare(text: str) -> str:
    """Return a number's text without the sign of a currency."""
    return text.strip("$\u20ac\u00a3\u00a5 \u00a0")


def _refuse(column: Column, code: str) -> NoReturn:
    raise InvalidInput(code, code=code, field=column.value)
