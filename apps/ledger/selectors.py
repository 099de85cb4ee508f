"""Queries of the ledger: balances, entries, and the proof that they agree."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import chain
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from apps.core.domain.dates import DateRange
from apps.core.errors import NotFound, Refused
from apps.core.queries import snapshot
from apps.infrastructure.exports import MEDIA_TYPE, csv_bytes
from apps.infrastructure.pdf_tables import table_pdf
from apps.ledger.domain.legs import AccountKey, AccountKind
from apps.ledger.domain.statements import HEADER, Line, cells, describe, written
from apps.ledger.models import Account, Entry, Posting
from apps.ledger.repositories import DIFFERENCES, EntryQuerySet, days_in_utc

STATEMENT_BATCH = 1000
PDF_WIDTHS = (18, 34, 24, 12, 12)

# The files that a statement comes as, and their media types.
STATEMENT_FORMS = {"csv": MEDIA_TYPE, "pdf": "application/pdf"}


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """What an owner has of one asset on one kind of account, in units of the asset."""

    kind: AccountKind
    asset: str
    balance: Decimal


def balance_get(owner_id: UUID | None, kind: AccountKind, asset: str) -> Decimal:
    """Return the balance in units of the asset; zero where there is no account."""
    rows = Account.objects.keyed([AccountKey(owner_id, AccountKind(kind), asset)])
    return sum(rows.values_list("balance", flat=True), Decimal(0))


def balances_of(owner_id: UUID | None) -> list[BalanceRow]:
    """Return every account of the owner (None: the firm), by kind and asset."""
    rows = Account.objects.balances(owner_id)
    return [BalanceRow(AccountKind(kind), asset, balance) for kind, asset, balance in rows]


def balances_of_each(owner_ids: Iterable[UUID]) -> list[tuple[UUID, BalanceRow]]:
    """Return every account of these owners with its owner, in one query."""
    rows = Account.objects.filter(owner_id__in=list(owner_ids)).order_by("kind", "asset")
    return [
        (row.owner_id, BalanceRow(AccountKind(row.kind), row.asset, row.balance))
        for row in rows
        if row.owner_id is not None
    ]


def balances_at(owner_ids: Iterable[UUID], moment: datetime) -> list[tuple[UUID, BalanceRow]]:
    """Return what the owners' accounts had before the moment, those that had anything."""
    rows = Account.objects.balances_at(owner_ids, moment)
    return [(owner, BalanceRow(AccountKind(kind), asset, had)) for owner, kind, asset, had in rows]


def balances_by_owner() -> Iterator[tuple[UUID, BalanceRow]]:
    """Yield every client's balance that is not zero with its owner, in one query."""
    rows = Account.objects.exclude(owner_id=None).exclude(balance=0)
    for row in rows.iterator(chunk_size=5000):
        if row.owner_id is not None:
            yield row.owner_id, BalanceRow(AccountKind(row.kind), row.asset, row.balance)


@dataclass(frozen=True, slots=True)
class PlacedEntry:
    """An entry, and where it stands among its owner's, for the next page to go on from."""

    entry: Entry
    place: tuple[datetime, int]


def entries_of(
    owner_id: UUID,
    *,
    limit: int,
    place: tuple[datetime, int] | None = None,
    is_newer: bool = False,
) -> list[PlacedEntry]:
    """Return the owner's entries older than the place, each with this owner's postings.

    Newest first and, without a place, the newest of all; `is_newer` for those after the place, the
    nearest of them.  The cost grows with `limit` and the owner's accounts, not with the history.
    """
    found = Posting.objects.places(owner_id, place, limit, is_newer=is_newer)
    rows = Entry.objects.with_postings(Posting.objects.owned_by(owner_id))
    entries = rows.in_bulk([entry_id for entry_id, _ in found])
    placed = [PlacedEntry(entries[entry_id], at) for entry_id, at in found]
    return placed[::-1] if is_newer else placed


def entry_find(idempotency_key: str) -> Entry | None:
    """Return the entry that was posted under the key, if any."""
    return Entry.objects.keyed(idempotency_key)


def entry_list(*, reference: str) -> EntryQuerySet:
    """Return the entries that one cause (an order, a transfer) brought, newest first."""
    return Entry.objects.filter(reference=reference).newest_first()


def ledger_differences() -> Iterator[str]:
    """Recompute balances, sums and digests from the postings and yield each difference in words.

    Runs set-based SQL and then every check named in settings.LEDGER_CHECKS (dotted callables
    without arguments that yield strings), all in one snapshot and however long it takes.
    """
    with snapshot(), transaction.atomic(), connection.cursor() as cursor:
        # Each query sorts all postings: in memory instead of in files.
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '256MB'")
        for query, sentence in DIFFERENCES:
            cursor.execute(query)
            while rows := cursor.fetchmany(1000):
                yield from (sentence.format(*row) for row in rows)
        for path in settings.LEDGER_CHECKS:
            yield from import_string(path)()


@dataclass(frozen=True, slots=True)
class Statement:
    """An account over whole days in UTC; `count` is how many postings `lines` will yield."""

    account: Account
    days: DateRange
    opening: Decimal
    closing: Decimal
    count: int

    def lines(self) -> Iterator[Line]:
        """Yield every posting in order, read a thousand at a time."""
        after: tuple[datetime, int] | None = None
        while batch := Posting.objects.page(self.account.id, self.days, after, STATEMENT_BATCH):
            yield from self._described(batch)
            after = (batch[-1].posted_at, batch[-1].id)

    def _described(self, batch: list[Posting]) -> Iterator[Line]:
        changes: defaultdict[UUID, defaultdict[str, Decimal]] = defaultdict(
            lambda: defaultdict(Decimal)
        )
        if self.account.owner_id:
            entries = [posting.entry_id for posting in batch]
            for row in Posting.objects.owned_by(self.account.owner_id).filter(entry__in=entries):
                changes[row.entry_id][row.asset] += row.amount
        for posting in batch:
            entry, asset = posting.entry, self.account.asset
            words = describe(entry.kind, entry.reference, changes[posting.entry_id], asset)
            yield Line(posting.posted_at, words, entry.reference, posting.amount, posting.balance)


def statement_read(owner_id: UUID, kind: AccountKind, asset: str, days: DateRange) -> Statement:
    """Return the statement of an owner's account; opening and closing are one look-up each.

    The caller has checked whose it is.  Raises NotFound where there is no such account.
    """
    account = Account.objects.keyed([AccountKey(owner_id, kind, asset)]).first()
    if account is None:
        raise NotFound("There is no such account.")
    return statement_of(account, days)


def statement_of(account: Account, days: DateRange) -> Statement:
    """Return the statement of an account."""
    postings = Posting.objects.filter(account=account)
    start, end = days_in_utc(days)
    return Statement(
        account=account,
        days=days,
        opening=postings.balance_before(start),
        closing=postings.balance_before(end),
        count=postings.filter(posted_at__gte=start, posted_at__lt=end).count(),
    )


def statement_account(account_id: int) -> Account:
    """Return an account for the desk; raises NotFound."""
    account = Account.objects.filter(id=account_id).first()
    if account is None:
        raise NotFound("There is no such account.")
    return account


def statement_bytes(statement: Statement, form: str, title: str) -> bytes:
    """Return the statement as a file, "csv" or "pdf".

    Read in batches and written as it is read; raises Refused `statement_too_long` beyond
    settings.STATEMENT_POSTINGS, so that no file is larger than that.
    """
    limit = settings.STATEMENT_POSTINGS[form]
    if statement.count > limit:
        raise Refused(
            "The period has too many postings for one file: choose a shorter one.",
            code="statement_too_long",
            limit=str(limit),
            measured=str(statement.count),
        )
    asset, days = statement.account.asset, statement.days
    opening, closing = written(statement.opening, asset), written(statement.closing, asset)
    body = (cells(line, asset) for line in statement.lines())
    first = [f"{days.start:%Y-%m-%d} 00:00:00", "Opening balance", "", "", opening]
    last = [f"{days.end:%Y-%m-%d} 24:00:00", "Closing balance", "", "", closing]
    rows = chain([first], body, [last])
    if form == "csv":
        return csv_bytes(HEADER, ([*row[:3], *map(_number, row[3:])] for row in rows))
    facts = [
        ("Account", f"{statement.account.kind} in {asset}"),
        ("Period", f"{days.start} to {days.end}, both included (UTC)"),
        ("Opening balance", opening),
        ("Closing balance", closing),
        ("Postings", str(statement.count)),
    ]
    return table_pdf(title, facts, HEADER, PDF_WIDTHS, rows)


def _number(text: str) -> Decimal | None:
    return Decimal(text) if text else None
