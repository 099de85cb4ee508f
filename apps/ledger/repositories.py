"""Questions to accounts and entries."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self
from uuid import UUID

from django.db import models
from django.db.models import Prefetch, Q

from apps.core.domain.dates import DateRange
from apps.core.errors import NotFound
from apps.infrastructure.prepared import run_prepared
from apps.ledger.domain.legs import AccountKey, AccountKind

if TYPE_CHECKING:
    from apps.ledger.models import Account, Entry, Posting, ReversalProposal


# All of them or, where one is missing, none.
LOCK = """
WITH found AS MATERIALIZED (
    SELECT array_agg(account.id) AS ids
      FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS key (owner_id, kind, asset)
     CROSS JOIN LATERAL (
        SELECT id FROM ledger_account
         WHERE owner_id = key.owner_id AND kind = key.kind AND asset = key.asset
        UNION ALL
        SELECT id FROM ledger_account
         WHERE key.owner_id IS NULL AND owner_id IS NULL AND kind = key.kind
           AND asset = key.asset AND shard = %s
     ) AS account
)
SELECT account.id, owner_id, kind, asset, balance, floor
  FROM found JOIN ledger_account AS account ON account.id = ANY (found.ids)
 WHERE cardinality(found.ids) = %s
 ORDER BY owner_id NULLS LAST, kind, asset
   FOR NO KEY UPDATE OF account
"""
BALANCES_OF = """
SELECT kind, asset, sum(balance) FROM ledger_account WHERE {} GROUP BY kind, asset ORDER BY 1, 2
"""
# One look-up in the index of each account's postings.
BALANCES_AT = """
SELECT account.owner_id, account.kind, account.asset, past.balance
  FROM ledger_account AS account
 CROSS JOIN LATERAL (
    SELECT balance FROM ledger_posting
     WHERE account_id = account.id AND posted_at < %s
     ORDER BY posted_at DESC, id DESC LIMIT 1
 ) AS past
 WHERE account.owner_id = ANY (%s) AND past.balance <> 0
"""
# One look-up in the index of each of the owner's accounts, so that a page costs the same whatever
# the history.  An entry stands where the owner's last posting of it stands.
PAGE_OF = """
SELECT found.entry_id, found.posted_at, found.id
  FROM ledger_account AS account
 CROSS JOIN LATERAL (
    SELECT posting.entry_id, posting.posted_at, posting.id
      FROM ledger_posting AS posting
     WHERE posting.account_id = account.id
       AND (posting.posted_at, posting.id) {beyond} (%s::timestamptz, %s)
       AND NOT EXISTS (
           SELECT FROM ledger_posting AS other
             JOIN ledger_account AS its ON its.id = other.account_id
            WHERE other.entry_id = posting.entry_id AND other.id > posting.id
              AND its.owner_id = account.owner_id
       )
     ORDER BY posting.posted_at {way}, posting.id {way} LIMIT %s
 ) AS found
 WHERE account.owner_id = %s
 ORDER BY found.posted_at {way}, found.id {way} LIMIT %s
"""
OLDER = PAGE_OF.format(beyond="<", way="DESC")
NEWER = PAGE_OF.format(beyond=">", way="ASC")
CLAIM = """
INSERT INTO ledger_entry (id, idempotency_key, kind, reference, reverses_id, digest, posted_at)
VALUES (%s::uuid, %s, %s, %s, %s::uuid, %s, %s) ON CONFLICT DO NOTHING RETURNING id
"""
MOVE = """
WITH change AS MATERIALIZED (
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::numeric[]) AS change (id, asset, amount)
), moved AS (
    UPDATE ledger_account AS account SET balance = account.balance + change.amount
      FROM change WHERE account.id = change.id
    RETURNING account.id, account.balance
)
INSERT INTO ledger_posting (entry_id, account_id, asset, amount, balance)
SELECT %s::uuid, change.id, change.asset, change.amount, moved.balance
  FROM change JOIN moved ON moved.id = change.id
"""


class LockedAccount(NamedTuple):
    """What posting needs of a row whose lock it holds."""

    id: int
    balance: Decimal
    floor: Decimal | None


class AccountQuerySet(models.QuerySet["Account"]):
    model: "type[Account]"

    def owned_by(self, owner_id: UUID | None) -> Self:
        return self.filter(owner_id=owner_id)

    def balances(self, owner_id: UUID | None) -> list[tuple[Any, ...]]:
        """Return kind, asset and balance of each account, the parts of the firm's added up."""
        if owner_id is None:
            return run_prepared(BALANCES_OF.format("owner_id IS NULL"), [])
        return run_prepared(BALANCES_OF.format("owner_id = %s"), [owner_id])

    def balances_at(self, owner_ids: Iterable[UUID], moment: datetime) -> list[tuple[Any, ...]]:
        """Return owner, kind, asset and balance of the accounts that had any at the moment."""
        return run_prepared(BALANCES_AT, [moment, list(owner_ids)])

    def keyed(self, keys: Iterable[AccountKey]) -> Self:
        """Find the accounts with these natural keys, by one index look-up each."""
        wanted = (
            Q(owner_id=key.owner_id, kind=key.kind.value, asset=key.asset)
            if key.owner_id
            else Q(owner_id__isnull=True, kind=key.kind.value, asset=key.asset)
            for key in keys
        )
        return self.filter(reduce(or_, wanted))

    def locked(self, keys: Iterable[AccountKey], shard: int) -> dict[AccountKey, LockedAccount]:
        """Lock the rows, the clients' before the firm's shared ones; none when one is missing.

        Every writer asks in this order, so that two of them never wait for each other in a ring.
        """
        wanted = [(key.owner_id, key.kind.value, key.asset) for key in keys]
        columns = [list(column) for column in zip(*wanted, strict=True)]
        rows = run_prepared(LOCK, [*columns, shard, len(wanted)])
        return {
            AccountKey(owner_id, AccountKind(kind), asset): LockedAccount(pk, balance, floor)
            for pk, owner_id, kind, asset, balance, floor in rows
        }


class AppendOnly:
    """Entries and postings are added and read, nothing else; PostgreSQL refuses the rest too."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("The ledger is append-only: post a reversing entry.")

    def delete(self) -> NoReturn:
        raise TypeError("The ledger is append-only: post a reversing entry.")


class EntryQuerySet(AppendOnly, models.QuerySet["Entry"]):
    def claim(self, entry: "Entry") -> bool:
        """Insert the entry unless its key, or a reversal of the same entry, is there."""
        labels = (entry.idempotency_key, entry.kind, entry.reference)
        values = [entry.id, *labels, entry.reverses_id, entry.digest, entry.posted_at]
        return bool(run_prepared(CLAIM, values))

    def keyed(self, idempotency_key: str) -> "Entry | None":
        return self.filter(idempotency_key=idempotency_key).first()

    def newest_first(self) -> Self:
        return self.order_by("-posted_at", "-id")

    def with_postings(self, postings: "PostingQuerySet") -> Self:
        """Load only these postings with the entries."""
        rows = postings.select_related("account").order_by("id")
        return self.prefetch_related(Prefetch("postings", queryset=rows))


class PostingQuerySet(AppendOnly, models.QuerySet["Posting"]):
    model: "type[Posting]"

    def move(self, entry: "Entry", moves: Sequence[tuple[int, str, Decimal]]) -> None:
        """Add each amount to its account and post it, in one statement: (account, asset, amount).

        The accounts' rows are locked in this transaction.
        """
        columns = [list(column) for column in zip(*moves, strict=True)]
        run_prepared(MOVE, [*columns, entry.id])

    def owned_by(self, owner_id: UUID) -> Self:
        return self.filter(account__owner_id=owner_id)

    def places(
        self, owner_id: UUID, place: tuple[datetime, int] | None, size: int, *, is_newer: bool
    ) -> list[tuple[UUID, tuple[datetime, int]]]:
        """Return the owner's entries next to the place, nearest first, each with its place.

        Without a place the newest or, for `is_newer`, the oldest.
        """
        at, last_id = place or (("-infinity", 0) if is_newer else ("infinity", 0))
        rows = run_prepared(NEWER if is_newer else OLDER, [at, last_id, size, owner_id, size])
        return [(entry_id, (posted_at, pk)) for entry_id, posted_at, pk in rows]

    def balance_before(self, moment: datetime) -> Decimal:
        """Return the balance that the account of these postings had at the moment."""
        before = self.filter(posted_at__lt=moment).order_by("-posted_at", "-id")
        return before.values_list("balance", flat=True).first() or Decimal(0)

    def page(
        self, account_id: int, days: DateRange, after: tuple[datetime, int] | None, size: int
    ) -> "list[Posting]":
        """Return the account's next postings of those days, each with its entry."""
        start, end = days_in_utc(days)
        rows = self.filter(account_id=account_id, posted_at__gte=start, posted_at__lt=end)
        if after is not None:
            at, last_id = after
            rows = rows.filter(posted_at__gte=at).exclude(posted_at=at, id__lte=last_id)
        return list(rows.select_related("entry").order_by("posted_at", "id")[:size])


class ReversalProposalQuerySet(models.QuerySet["ReversalProposal"]):
    def locked(self, proposal_id: UUID) -> "ReversalProposal":
        row = self.select_for_update(no_key=True).filter(id=proposal_id).first()
        if row is None:
            raise NotFound("There is no such proposal.")
        return row


def days_in_utc(days: DateRange) -> tuple[datetime, datetime]:
    """Return when the first day begins and when the last has ended."""
    start = datetime.combine(days.start, time(), UTC)
    return start, datetime.combine(days.end, time(), UTC) + timedelta(days=1)


# The proof of the ledger: each query finds rows that should not exist.
BALANCES = """
SELECT account.id, coalesce(account.owner_id::text, 'firm/' || account.shard), account.kind,
       account.asset, account.balance, coalesce(posted.total, 0)
  FROM ledger_account AS account
  LEFT JOIN (SELECT account_id, sum(amount) AS total FROM ledger_posting GROUP BY account_id)
    AS posted ON posted.account_id = account.id
 WHERE account.balance <> coalesce(posted.total, 0)
 ORDER BY account.id
"""
RUNNING = """
SELECT id, account_id, balance, total
  FROM (
    SELECT id, account_id, balance, sum(amount) OVER (PARTITION BY account_id ORDER BY id) AS total
      FROM ledger_posting
  ) AS posting
 WHERE balance <> total ORDER BY id
"""
FLOORS = """
SELECT id, balance, floor FROM ledger_account WHERE balance < floor ORDER BY id
"""
ZERO_SUMS = """
SELECT entry_id, asset, sum(amount)
  FROM ledger_posting GROUP BY entry_id, asset HAVING sum(amount) <> 0
 ORDER BY entry_id, asset
"""
EMPTY_ENTRIES = """
SELECT entry.id FROM ledger_entry AS entry
 WHERE NOT EXISTS (SELECT FROM ledger_posting WHERE entry_id = entry.id)
 ORDER BY entry.id
"""
ASSETS = """
SELECT posting.id, posting.entry_id, posting.asset, account.id, account.asset
  FROM ledger_posting AS posting JOIN ledger_account AS account ON account.id = posting.account_id
 WHERE posting.asset <> account.asset
 ORDER BY posting.id
"""
# The same pre-image as domain.legs.digest.
DIGESTS = """
SELECT entry.id
  FROM ledger_entry AS entry
  JOIN (
    SELECT entry_id, string_agg(line, E'\\n' ORDER BY line COLLATE "C") AS lines
      FROM (
        SELECT posting.entry_id,
               coalesce(account.owner_id::text, '') || '|' || account.kind || '|'
               || account.asset || '|' || posting.amount::numeric(38, 8)::text AS line
          FROM ledger_posting AS posting
          JOIN ledger_account AS account ON account.id = posting.account_id
      ) AS posted
     GROUP BY entry_id
  ) AS image ON image.entry_id = entry.id
 WHERE entry.digest
       <> encode(sha256(convert_to(entry.kind || E'\\n' || image.lines, 'UTF8')), 'hex')
 ORDER BY entry.id
"""

DIFFERENCES = (
    (BALANCES, "account {0} ({1} {2} {3}): balance {4}, its postings sum to {5}"),
    (RUNNING, "posting {0} of account {1}: balance {2}, the postings up to it sum to {3}"),
    (FLOORS, "account {0}: balance {1} is below its floor {2}"),
    (ZERO_SUMS, "entry {0}: its postings in {1} sum to {2}, not to zero"),
    (EMPTY_ENTRIES, "entry {0}: it has no postings"),
    (ASSETS, "posting {0} of entry {1}: asset {2}, but account {3} holds {4}"),
    (DIGESTS, "entry {0}: its postings or its kind differ from its digest"),
)
