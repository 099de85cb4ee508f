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
