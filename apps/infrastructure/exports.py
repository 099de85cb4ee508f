"""The one place that writes CSV: cells that a spreadsheet will not run."""

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.http import HttpResponse

from apps.infrastructure.attachments import as_attachment

MEDIA_TYPE = "text/csv"
# Also the full-width forms, which some spreadsheets read as the plain ones.
FORMULA_STARTS = tuple("=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20")
# What spreadsheets skip before they look at a cell's first character.
SKIPPED = " \u00a0\u200b\u3000\ufeff"


def csv_cell(value: object) -> str:
    """Return the value as text; one that could start a formula gets an apostrophe before it.

    A number stays a number, also below zero.  Source: OWASP, CSV Injection.
    """
    if isinstance(value, int | Decimal):
        return str(value)
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(SKIPPED).startswith(FORMULA_STARTS) else text


def csv_attachment(
    name: str, header: Sequence[str], rows: Iterable[Iterable[object]]
) -> HttpResponse:
    """Return the rows as a CSV file to keep."""
    return as_attachment(name, f"{MEDIA_TYPE}; charset=utf-8", csv_bytes(header, rows))


def csv_bytes(header: Sequence[str], rows: Iterable[Iterable[object]]) -> bytes:
    """Return the rows as CSV (RFC 4180); every cell stands in quotes.

    Quotes keep a cell whole where the spreadsheet separates by another sign than the comma.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows([csv_cell(value) for value in row] for row in rows)
    return out.getvalue().encode()
