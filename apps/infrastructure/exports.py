"""The one place that writes CSV: cells that a spreadsheet will not run."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice

from asgiref.sync import sync_to_async
from django.http import HttpResponse, StreamingHttpResponse

from apps.infrastructure.attachments import as_attachment, attachment_headers

MEDIA_TYPE = "text/csv"
STREAM_ROWS = 500
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


class CsvStream(StreamingHttpResponse):
    """A file that is written while it is sent, also to a server that awaits its parts."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # Django's own would first hold the whole file.
        parts = iter(self)

        def written() -> bytes | None:
            return next(parts, None)

        while (part := await sync_to_async(written)()) is not None:
            yield part


def csv_stream(
    name: str, header: Sequence[str], rows: Iterable[Iterable[object]]
) -> StreamingHttpResponse:
    """Return the rows as a CSV file to keep, written STREAM_ROWS at a time."""
    return CsvStream(
        _csv_parts(header, iter(rows)),
        content_type=f"{MEDIA_TYPE}; charset=utf-8",
        headers=attachment_headers(name),
    )


def _csv_parts(header: Sequence[str], rows: Iterator[Iterable[object]]) -> Iterator[bytes]:
    yield _csv_lines([header])
    while part := list(islice(rows, STREAM_ROWS)):
        yield _csv_lines([csv_cell(value) for value in row] for row in part)


def csv_bytes(header: Sequence[str], rows: Iterable[Iterable[object]]) -> bytes:
    """Return the rows as CSV (RFC 4180); every cell stands in quotes.

    Quotes keep a cell whole where the spreadsheet separates by another sign than the comma.
    """
    return b"".join(_csv_parts(header, iter(rows)))


def _csv_lines(rows: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()
