"""Questions to accounts and entries."""

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, NoReturn, Self
from uuid import UUID

from django.db import models
from django.db.models import Prefetch, Q

from apps.ledger.domain.legs import AccountKey, AccountKind

if TYPE_CHECKING:
    from apps.ledger.models import Account, Entry, Posting


class AccountQuerySet(models.QuerySet["Account"]):
    def owned_by(self, owner_id: UUID | None) -> Self:
        return self.filter(owner_id=owner_id)

    def keyed(self, keys: Iterable[AccountKey]) -> Self:
        """Find the accounts with these natural keys, by one index look-up each."""
        wanted = (
            Q(owner_id=key.owner_id, kind=key.kind.value, asset=key.asset)
            if key.owner_id
            else Q(owner_id__isnull=True, kind=key.kind.value, asset=key.asset)
            for key in keys
        )
        return self.filter(reduce(or_, wanted))

    def locked(self, keys: Iterable[AccountKey]) -> "dict[AccountKey, Account]":
        """Lock the rows that exist, the clients' before the firm's shared ones.

        Every writer asks in this order, so that two of them never wait for each other in a ring.
        """
        rows = (
            self.keyed(keys)
            .order_by(models.F("owner_id").asc(nulls_last=True), "kind", "asset")
            .select_for_update(no_key=True)
        )
        return {AccountKey(row.owner_id, AccountKind(row.kind), row.asset): row for row in rows}


class AppendOnly:
    """Entries and postings are added and read, nothing else; PostgreSQL refuses the rest too."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("The ledger is append-only: post a reversing entry.")

    def delete(self) -> NoReturn:
        raise TypeError("The ledger is append-only: post a reversing entry.")


class EntryQuerySet(AppendOnly, models.QuerySet["Entry"]):
    def keyed(self, idempotency_key: str) -> "Entry | None":
        return self.filter(idempotency_key=idempotency_key).first()

    def newest_first(self) -> Self:
        return self.order_by("-posted_at", "-id")

    def with_postings(self, postings: "PostingQuerySet") -> Self:
        """Keep the entries that have any of these postings, and load only these with them."""
        rows = postings.select_related("account").order_by("id")
        return self.filter(id__in=postings.values("entry_id")).prefetch_related(
            Prefetch("postings", queryset=rows)
        )


class PostingQuerySet(AppendOnly, models.QuerySet["Posting"]):
    model: "type[Posting]"

    def owned_by(self, owner_id: UUID) -> Self:
        return self.filter(account__owner_id=owner_id)


# The proof of the ledger: each query finds rows that should not exist.
BALANCES = """
SELECT account.id, coalesce(account.owner_id::text, 'firm'), account.kind, account.asset,
       account.balance, coalesce(posted.total, 0)
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
