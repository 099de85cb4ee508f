"""Accounts with their balance, and the immutable entries and postings that explain it."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from apps.core.errors import IllegalTransition, NotPermitted
from apps.core.models import BaseModel
from apps.ledger.domain.legs import AccountKey, AccountKind
from apps.ledger.events import ReversalDecided
from apps.ledger.repositories import (
    AccountQuerySet,
    EntryQuerySet,
    PostingQuerySet,
    ReversalProposalQuerySet,
)
from apps.users.models import User

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


class ReversalProposal(BaseModel):
    """One officer's request to reverse an entry; another one decides, as the table itself demands.

    It moves only from PROPOSED to CONFIRMED, with the reversal that was posted, or to REJECTED.
    """

    class Status(models.TextChoices):
        PROPOSED = "PROPOSED", "Proposed"
        CONFIRMED = "CONFIRMED", "Confirmed"
        REJECTED = "REJECTED", "Rejected"

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="proposals")
    reason = models.CharField(max_length=300)
    status = models.CharField(max_length=9, choices=Status, default=Status.PROPOSED)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    reversal = models.OneToOneField(
        Entry, null=True, on_delete=models.PROTECT, related_name="proposal"
    )

    objects = ReversalProposalQuerySet.as_manager()

    class Meta:
        permissions = (("decide_reversal", "Can propose and confirm reversals of entries"),)
        constraints = (
            models.UniqueConstraint(
                fields=["entry"], condition=Q(status="PROPOSED"), name="ledger_reversal_one_open"
            ),
            models.CheckConstraint(
                condition=~Q(proposed_by=F("decided_by")), name="ledger_reversal_four_eyes"
            ),
            models.CheckConstraint(
                condition=Q(status="PROPOSED", decided_by=None, decided_at=None, reversal=None)
                | Q(
                    status="CONFIRMED",
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    reversal__isnull=False,
                )
                | Q(
                    status="REJECTED",
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    reversal=None,
                ),
                name="ledger_reversal_status",
            ),
        )

    def __str__(self) -> str:
        return f"Reversal of {self.entry_id}"

    @property
    def stream(self) -> str:
        return f"reversal-{self.id}"

    def decide(self, officer: User, *, reversal: Entry | None, at: datetime) -> ReversalDecided:
        """Confirm with the posted reversal, or reject with None.

        Raises IllegalTransition when it was decided, NotPermitted `four_eyes` for the proposer.
        """
        if self.status != self.Status.PROPOSED:
            raise IllegalTransition("The reversal was decided already.")
        if officer.pk == self.proposed_by_id:
            raise NotPermitted("A second officer must decide.", code="four_eyes")
        self.status = self.Status.CONFIRMED if reversal else self.Status.REJECTED
        self.decided_by, self.decided_at, self.reversal = officer, at, reversal
        return ReversalDecided(
            stream=self.stream,
            entry_id=str(self.entry_id),
            reversal_id=str(reversal.id) if reversal else None,
            outcome=self.status,
        )
