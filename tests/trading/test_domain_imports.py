"""Brokers' files: how they are decoded, guessed and read, row by row."""

from datetime import date
from decimal import Decimal

import pytest

from apps.core.errors import Refused
from apps.trading.domain.imports import (
    MAX_BYTES,
    MAX_ROWS,
    Column,
    ColumnMapping,
    DateOrder,
    DecimalSign,
    decode,
    guess_mapping,
    read_rows,
    read_table,
)

D = Decimal
KNOWN = {"AAPL": "USD", "SAP": "EUR"}
TODAY = date(2026, 6, 1)
HEAD = "Symbol,Quantity,Date Acquired,Cost Basis"


def read(text: str, mapping: ColumnMapping | None = None) -> tuple[list[object], list[object]]:
    table = read_table(text)
    lots, errors = read_rows(table, mapping or guess_mapping(table), KNOWN, today=TODAY)
    return (
        [(one.line, one.symbol, one.quantity, one.acquired_on, one.cost) for one in lots],
        [(one.line, one.column, one.code) for one in errors],
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,é".encode(), "a,é"),
        (b"\xef\xbb\xbfa,b", "a,b"),
        ("a,é".encode("utf-16"), "a,é"),
        (b"\xfe\xff" + "a,b".encode("utf-16-be"), "a,b"),
        ("a,é".encode("latin-1"), "a,é"),
    ],
    ids=["utf-8", "utf-8-mark", "utf-16", "utf-16-big", "latin-1"],
)
def test_file_is_decoded_by_its_mark_or_content(content: bytes, expected: str) -> None:
    assert decode(content) == expected


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"x" * (MAX_BYTES + 1), "file_too_large"),
        (b"PK\x03\x04\x00\x00", "file_not_text"),
        ("a,b".encode("utf-16-le"), "file_not_text"),
        (b"\xff\xfea", "file_not_text"),
    ],
    ids=["large", "binary", "no-mark", "half-a-character"],
)
def test_what_is_no_text_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        decode(content)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "file_empty"),
        (HEAD, "file_empty"),
        (HEAD + '\nAAPL,1,"2020', "file_malformed"),
        (HEAD + "\nAAPL,1,2020-01-02,1" * (MAX_ROWS + 1), "file_too_long"),
        ("a," * 50 + "\n1,2,3", "file_too_wide"),
    ],
    ids=["empty", "headings-only", "open-quote", "long", "wide"],
)
def test_what_is_no_table_is_refused(text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        read_table(text)
    assert refused.value.code == code


def test_american_file_is_read_past_its_preamble() -> None:
    text = (
        '"Positions for account ...123"\n\n"Symbol","Shares","Cost/Share","Open Date"\n'
        '"aapl","1,000","$1,250.505","12/31/2020"\n"AAPL","0.5","$10","1/2/2021"\n'
    )
    assert read(text) == (
        [
            (4, "AAPL", D(1000), date(2020, 12, 31), D("1250505")),
            (5, "AAPL", D("0.5"), date(2021, 1, 2), D("5")),
        ],
        [],
    )


def test_german_file_is_read() -> None:
    text = "Symbol;Units;Cost;Purchase date;Note\r\nSAP;10,5;1.250,50;31.12.2020;=1+1\r\n"
    assert read(text) == ([(2, "SAP", D("10.5"), date(2020, 12, 31), D("1250.50"))], [])


def test_own_export_of_lots_comes_back() -> None:
    text = (
        '"id","symbol","origin","acquired_at","currency","quantity","cost","remaining_quantity",'
        '"remaining_cost"\n"x","AAPL","PURCHASE","2020-01-02T15:30:00+00:00","USD","3.00000000",'
        '"300.00000000","2.00000000","200.00000000"\n'
    )
    assert read(text) == ([(2, "AAPL", D(2), date(2020, 1, 2), D(200))], [])


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (",1,2020-01-02,1", "SYMBOL", "missing"),
        ("=cmd,1,2020-01-02,1", "SYMBOL", "symbol_unknown"),
        ("AAPL,-1,2020-01-02,1", "QUANTITY", "not_a_number"),
        ("AAPL,1e5,2020-01-02,1", "QUANTITY", "not_a_number"),
        ("AAPL,\u0661,2020-01-02,1", "QUANTITY", "not_a_number"),
        ("AAPL,0,2020-01-02,1", "QUANTITY", "not_positive"),
        ("AAPL,0.123456789,2020-01-02,1", "QUANTITY", "number_out_of_range"),
        (f"AAPL,{'9' * 101},2020-01-02,1", "QUANTITY", "too_long"),
        ("AAPL,1,2020-02-30,1", "ACQUIRED", "not_a_day"),
        ("AAPL,1,yesterday,1", "ACQUIRED", "not_a_day"),
        ("AAPL,1,2026-06-02,1", "ACQUIRED", "day_out_of_range"),
        ("AAPL,1,1969-12-31,1", "ACQUIRED", "day_out_of_range"),
        ("AAPL,1,2020-01-02", "COST", "missing"),
        ("AAPL,1,2020-01-02,NaN", "COST", "not_a_number"),
    ],
    ids=[
        *("no-symbol", "formula", "short", "exponent", "other-digits", "zero", "decimals", "long"),
        *("no-such-day", "words", "tomorrow", "too-old", "short-row", "nan"),
    ],
)
def test_row_that_cannot_come_in_says_where_and_why(row: str, column: str, code: str) -> None:
    lots, errors = read(f"{HEAD}\nAAPL,1,2020-01-02,1\n{row}")

    assert (len(lots), errors) == (1, [(3, column, code)])


def test_price_of_many_units_overflows_no_column() -> None:
    text = f"Symbol,Quantity,Date,Price\nAAPL,{'9' * 18},2020-01-02,{'9' * 18}"
    assert read(text)[1] == [(2, "PRICE", "number_out_of_range")]


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {Column.SYMBOL: 0, Column.QUANTITY: 1, Column.ACQUIRED: 2},
        {Column.SYMBOL: 0, Column.QUANTITY: 1, Column.ACQUIRED: 2, Column.COST: 2},
        {Column.SYMBOL: 0, Column.QUANTITY: 1, Column.ACQUIRED: 2, Column.COST: 4},
    ],
    ids=["none", "no-cost", "twice", "beyond"],
)
def test_mapping_that_is_not_complete_is_refused(columns: dict[Column, int]) -> None:
    mapping = ColumnMapping(columns, DateOrder.YMD, DecimalSign.POINT)
    with pytest.raises(Refused) as refused:
        read(f"{HEAD}\nAAPL,1,2020-01-02,1", mapping)
    assert refused.value.code == "mapping_incomplete"
