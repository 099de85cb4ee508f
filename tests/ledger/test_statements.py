"""Statements: opening, every posting with the balance after it, closing; as CSV and PDF."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pikepdf
import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries, Settings

from apps.core.domain.dates import DateRange
from apps.core.errors import NotFound, Refused
from apps.ledger.domain.legs import AccountKind, Leg
from apps.ledger.domain.statements import describe
from apps.ledger.selectors import Statement, statement_bytes, statement_read
from apps.ledger.services import entry_post

pytestmark = pytest.mark.django_db
CASH = AccountKind.CASH
D = Decimal
JANUARY = DateRange(date(2026, 1, 1), date(2026, 1, 31))


@pytest.fixture
def owner() -> UUID:
    return uuid4()


def post(owner: UUID, amount: str, at: str, kind: str = "DEPOSIT", asset: str = "USD") -> None:
    """Post an entry as of a moment; only the table's owner may say when."""
    value = D(amount)
    entry = entry_post(
        actor=None,
        idempotency_key=str(uuid4()),
        kind=kind,
        reference="=1+1",
        legs=[
            Leg(owner, CASH, asset, value),
            Leg(None, AccountKind.CLIENT_MONEY, asset, -value),
        ],
    )
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE ledger_posting SET posted_at = %s WHERE entry_id = %s", [moment, entry.id]
        )
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def read(owner: UUID, days: DateRange = JANUARY, asset: str = "USD") -> Statement:
    return statement_read(owner, CASH, asset, days)


def rows_of(content: bytes) -> Sequence[list[str]]:
    return list(csv.reader(io.StringIO(content.decode())))


def test_statement_starts_and_ends_with_the_balances_of_its_days(owner: UUID) -> None:
    post(owner, "100", "2025-12-31T23:59:59.999999")
    post(owner, "-30.5", "2026-01-01T00:00:00", "WITHDRAWAL")
    post(owner, "7", "2026-01-31T23:59:59.999999")
    post(owner, "1000", "2026-02-01T00:00:00")

    statement = read(owner)

    assert (statement.opening, statement.closing, statement.count) == (D(100), D("76.5"), 2)
    assert [(line.description, line.amount, line.balance) for line in statement.lines()] == [
        ("Withdrawal", D("-30.5"), D("69.5")),
        ("Deposit", D(7), D("76.5")),
    ]


def test_statement_of_days_without_postings_keeps_the_balance(owner: UUID) -> None:
    post(owner, "100", "2025-06-01T12:00:00")

    statement = read(owner)

    assert (statement.opening, statement.closing, list(statement.lines())) == (D(100), D(100), [])
    before = read(owner, DateRange(date(2025, 1, 1), date(2025, 1, 2)))
    assert (before.opening, before.closing) == (D(0), D(0))


def test_statement_of_an_account_that_is_not_there_is_not_found(owner: UUID) -> None:
    with pytest.raises(NotFound):
        read(owner)


@pytest.mark.parametrize(
    ("asset", "amount", "written", "zero"),
    [
        ("USD", "12.5", "12.50", "0.00"),
        ("JPY", "12", "12", "0"),
        ("KWD", "12.345", "12.345", "0.000"),
    ],
)
def test_csv_has_every_posting_in_the_minor_unit_and_no_formula(
    owner: UUID, asset: str, amount: str, written: str, zero: str
) -> None:
    post(owner, amount, "2026-01-05T10:00:00", asset=asset)

    rows = rows_of(statement_bytes(read(owner, asset=asset), "csv", "Statement"))

    assert rows[0] == ["Posted (UTC)", "Description", "Reference", "Amount", "Balance"]
    assert rows[1][1:] == ["Opening balance", "", "", zero]
    assert rows[2] == ["2026-01-05 10:00:00", "Deposit", "'=1+1", written, written]
    assert rows[3][1:] == ["Closing balance", "", "", written]


def test_pdf_goes_over_as_many_pages_as_it_takes(owner: UUID) -> None:
    for _ in range(80):
        post(owner, "1", "2026-01-05T10:00:00")

    content = statement_bytes(read(owner), "pdf", "Statement of Söhne \N{SNOWMAN}")

    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert len(pdf.pages) == 2


@pytest.mark.parametrize("form", ["csv", "pdf"])
def test_file_of_too_many_postings_is_refused(owner: UUID, form: str, settings: Settings) -> None:
    settings.STATEMENT_POSTINGS = {form: 1}
    for _ in range(2):
        post(owner, "1", "2026-01-05T10:00:00")

    with pytest.raises(Refused) as caught:
        statement_bytes(read(owner), form, "Statement")

    assert (caught.value.code, caught.value.facts["measured"]) == ("statement_too_long", "2")


def test_lines_are_read_in_batches_that_lose_and_repeat_none(
    owner: UUID, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr("apps.ledger.selectors.STATEMENT_BATCH", 2)
    for number in range(1, 6):
        post(owner, str(number), "2026-01-05T10:00:00")
    statement = read(owner)

    # Three batches of postings with their other sides, and the end.
    with django_assert_num_queries(7):
        lines = list(statement.lines())

    assert [line.amount for line in lines] == [1, 2, 3, 4, 5]
    assert lines[-1].balance == statement.closing == 15


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("EXECUTION", {"AAPL": D("1.50"), "USD": D(-10)}, "Bought 1.5 AAPL"),
        ("EXECUTION", {"AAPL": D(-2), "USD": D(10)}, "Sold 2 AAPL"),
        ("CONVERSION", {"USD": D(-10), "EUR": D("9")}, "Changed to 9.00 EUR"),
        ("DIVIDEND", {"USD": D(1)}, "Dividend of AAPL"),
        ("SOMETHING_NEW", {"USD": D(1)}, "Something new"),
    ],
    ids=["purchase", "sale", "conversion", "dividend", "unknown"],
)
def test_describe_says_what_an_entry_did(
    kind: str, changes: dict[str, Decimal], words: str
) -> None:
    assert describe(kind, "AAPL action-1", changes, "USD") == words
