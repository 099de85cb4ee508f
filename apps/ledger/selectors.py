"""Queries of the ledger: balances, entries, and the proof that they agree."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from apps.core.queries import snapshot
from apps.ledger.domain.legs import AccountKey, AccountKind
from apps.ledger.models import Account, Entry, Posting
from apps.ledger.repositories import DIFFERENCES, EntryQuerySet


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


def balances_by_owner() -> Iterator[tuple[UUID, BalanceRow]]:
    """Yield every client's balance that is not zero with its owner, in one query."""
    rows = Account.objects.exclude(owner_id=None).exclude(balance=0)
    for row in rows.iterator(chunk_size=5000):
        if row.owner_id is not None:
            yield row.owner_id, BalanceRow(AccountKind(row.kind), row.asset, row.balance)


def entries_of(owner_id: UUID) -> EntryQuerySet:
    """Return the owner's entries, newest first, each with this owner's postings prefetched."""
    return Entry.objects.with_postings(Posting.objects.owned_by(owner_id)).newest_first()


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
        cursor.execute("SET LOCAL statement_timeout = 0")
        for query, sentence in DIFFERENCES:
            cursor.execute(query)
            while rows := cursor.fetchmany(1000):
                yield from (sentence.format(*row) for row in rows)
        for path in settings.LEDGER_CHECKS:
            yield from import_string(path)()
