import csv
import io
import re
from decimal import Decimal
from pathlib import Path

import pytest

from apps.infrastructure.attachments import as_attachment
from apps.infrastructure.exports import csv_attachment, csv_cell

APPS = Path(__file__).resolve().parents[2] / "apps"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b"])
@pytest.mark.parametrize("before", ["", " ", "\u00a0", "\u200b"])
def test_asvs_v1_2_10_cell_that_could_be_a_formula_is_text(before: str, start: str) -> None:
    text = f"{before}{start}HYPERLINK(1)"

    assert csv_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"),
    [("plain-text", "plain-text"), (Decimal("-5.20"), "-5.20"), (-3, "-3"), (None, ""), ("", "")],
)
def test_asvs_v1_2_10_cell_that_is_harmless_stays_as_it_is(value: object, cell: str) -> None:
    assert csv_cell(value) == cell


def test_asvs_v1_2_10_export_quotes_every_cell_so_that_no_separator_opens_another() -> None:
    answer = csv_attachment("rows.csv", ["a", "b"], [['x";=1+1', "=1,2"], ["y\r\n=1", None]])

    assert answer["Content-Disposition"] == 'attachment; filename="rows.csv"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    text = answer.content.decode()
    assert text.splitlines()[0] == '"a","b"'
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[1:] == [['x";=1+1', "'=1,2"], ["y\r\n=1", ""]]


def test_asvs_v1_2_10_no_other_place_writes_tables() -> None:
    writers = re.compile(r"csv\.(writer|DictWriter)|openpyxl|xlsxwriter|text/csv|spreadsheetml")
    found = {path for path in APPS.rglob("*.py") if writers.search(path.read_text())}

    assert found == {APPS / "infrastructure" / "exports.py"}


@pytest.mark.parametrize("name", ["../x.pdf", 'a".pdf', "a\r\nX: y.pdf", "A.pdf", "x", "ä.pdf", ""])
def test_attachment_with_a_name_of_somebody_else_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name of an attachment"):
        as_attachment(name, "application/pdf", b"")
