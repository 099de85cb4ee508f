"""Accounts with their balance, and the immutable entries and postings that explain it."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from apps.ledger.domain.legs import AccountKey, AccountKind
from apps.ledger.repositories import AccountQuerySet, EntryQuerySet, PostingQuerySet

KINDS = [(kind.value, kind.value.replace("_", " ").capitalize()) for kind in AccountKind]


class Account(models.Model):
    """One asset of one owner for one purpose; no owner is the firm.

    The balance changes only with the postings that explain it, under the row's lock, in their
    transaction.  The firm's accounts are kept in parts, one `shard` a row: the balance of one is
    their sum, which the selectors tell.
    """

    id = models.BigAutoField(primary_key=True)
    owner_id = models.UUIDField(null=True)
    kind = models.CharField(max_length=12, choices=KINDS)
    asset = models.CharField(max_length=20)
    shard = models.PositiveSmallIntegerField(default=0)
    balance = models.DecimalField(max_digits=38, decimal_places=8, default=0)
    floor = models.DecimalField(max_digits=38, decimal_places=8, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["owner_id", "kind", "asset", "shard"],
                name="ledger_account_key",
                nulls_distinct=False,
            ),
            models.UniqueConstraint(fields=["id", "asset"], name="ledger_account_asset"),
            models.CheckConstraint(
                condition=Q(floor=None) | Q(balance__gte=F("floor")), name="ledger_account_floor"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=[kind.value for kind in AccountKind]),
                name="ledger_account_kind",
            ),
            models.CheckConstraint(
                condition=Q(owner_id=None) | Q(shard=0), name="ledger_account_shards_of_firm"
            ),
        )

    def __str__(self) -> str:
        return f"{self.owner_id or 'firm'} {self.kind} {self.asset}"

    @property
    def place(self) -> tuple[uuid.UUID | None, str, str, int]:
        """What no other row has."""
        return (self.owner_id, self.kind, self.asset, self.shard)

    @classmethod
    def for_key(cls, key: AccountKey, shard: int) -> "Account":
        return cls(
            owner_id=key.owner_id,
            kind=key.kind.value,
            asset=key.asset,
            floor=key.floor,
            shard=0 if key.owner_id else shard,
        )


class Entry(models.Model):
    """One immutable movement whose postings sum to zero in every asset.

    PostgreSQL refuses an entry that does not balance at commit, and any later change.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    idempotency_key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=40)
    reference = models.CharField(max_length=100, blank=True)
    reverses = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="reversed_by"
    )
    digest = models.CharField(max_length=64)
    posted_at = models.DateTimeField(default=timezone.now)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "entries"
        indexes = (
            models.Index(fields=["-posted_at", "-id"], name="ledger_entry_newest"),
            models.Index(fields=["reference"], name="ledger_entry_reference"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def stream(self) -> str:
        return f"entry-{self.id}"


class Posting(models.Model):
    """The change of one account by one entry, in units of the account's asset.

    `balance` is the account's after it: written under the account's lock, so that a statement of
    any period starts with one look-up.  `posted_at` is when this was, by the database's clock.
    """

    id = models.BigAutoField(primary_key=True)
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="postings")
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="postings", db_index=False
    )
    asset = models.CharField(max_length=20)
    amount = models.DecimalField(max_digits=38, decimal_places=8)
    balance = models.DecimalField(max_digits=38, decimal_places=8)
    posted_at = models.DateTimeField(db_default=Now())

    objects = PostingQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["entry", "account"], name="ledger_posting_once"),
            models.CheckConstraint(condition=~Q(amount=0), name="ledger_posting_moves"),
        )
        indexes = (
            models.Index(fields=["account", "posted_at", "id"], name="ledger_posting_of_account"),
        )

    def __str__(self) -> str:
        return f"{self.amount:+} {self.asset} #{self.id}"
