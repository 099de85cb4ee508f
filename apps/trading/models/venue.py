"""What goes to a live venue and what comes back: the account, instructions, fills, differences."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.errors import Conflict, IllegalTransition
from apps.core.models import BaseModel
from apps.trading.events.venues import VenueBound, VenueDifferenceChanged, VenueFillHeldBack
from apps.trading.models.execution import Execution
from apps.trading.models.order import Order
from apps.trading.models.replacement import Replacement
from apps.trading.repositories.venues import (
    VenueDifferenceQuerySet,
    VenueFillQuerySet,
    VenueInstructionQuerySet,
)

REASON_LENGTH = 300


class VenueAccount(models.Model):
    """The one account at the venue that this database belongs to: keys of another are refused.

    `fills_read_to` is how far its trades were read; `heard_at` when its stream last gave a sign of
    life; until `paused_until` it asked not to be called.
    """

    venue = models.CharField(primary_key=True, max_length=20)
    account_id = models.CharField(max_length=64)
    environment = models.CharField(max_length=5)
    bound_at = models.DateTimeField()
    fills_read_to = models.DateTimeField()
    heard_at = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    reconciled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(environment__in=["PAPER", "LIVE"]), name="trading_venue_environment"
            ),
        )

    def __str__(self) -> str:
        return f"{self.venue} {self.environment}"

    @property
    def stream(self) -> str:
        return f"venue-{self.venue}"

    def bound(self) -> VenueBound:
        return VenueBound(
            stream=self.stream,
            venue=self.venue,
            account_id=self.account_id,
            environment=self.environment,
        )


class VenueInstruction(BaseModel):
    """One thing that a live venue is to do, kept until it has answered; sent by a worker.

    `client_order_id` names the order at the venue: our order's id, or our replacement's.
    `sent_at` is when a request last may have reached the venue.  `mode` is LIVE, and the database
    ties it to the order's: no instruction is ever about a paper order.
    """

    class Kind(models.TextChoices):
        SUBMIT = "SUBMIT", "Submit"
        REPLACE = "REPLACE", "Replace"
        CANCEL = "CANCEL", "Cancel"

    class Status(models.TextChoices):
        PENDING = "PENDING", "Pending"
        DONE = "DONE", "Done"
        REFUSED = "REFUSED", "Refused"
        WITHDRAWN = "WITHDRAWN", "Withdrawn"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="instructions")
    replacement = models.OneToOneField(
        Replacement, on_delete=models.PROTECT, null=True, blank=True, related_name="instruction"
    )
    mode = models.CharField(max_length=5, default="LIVE", editable=False)
    venue = models.CharField(max_length=20)
    kind = models.CharField(max_length=7, choices=Kind)
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    client_order_id = models.CharField(max_length=64)
    venue_order_id = models.CharField(max_length=64, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)

    objects = VenueInstructionQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(mode="LIVE"), name="trading_instruction_is_live"),
            models.CheckConstraint(
                condition=Q(kind="REPLACE", replacement__isnull=False)
                | Q(kind__in=["SUBMIT", "CANCEL"], replacement=None),
                name="trading_instruction_kind",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["PENDING", "DONE", "REFUSED", "WITHDRAWN"]),
                name="trading_instruction_status",
            ),
            models.UniqueConstraint(
                fields=["order"], condition=Q(kind="SUBMIT"), name="trading_instruction_one_submit"
            ),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(kind="CANCEL", status="PENDING"),
                name="trading_instruction_one_cancel",
            ),
            models.UniqueConstraint(
                fields=["venue", "venue_order_id"],
                condition=~Q(venue_order_id="") & ~Q(kind="CANCEL"),
                name="trading_instruction_venue_order",
            ),
        )
        indexes = (
            models.Index(
                fields=["next_attempt_at"],
                name="trading_instruction_due",
                condition=Q(status="PENDING"),
            ),
            models.Index(fields=["client_order_id"], name="trading_instruction_client_id"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.order_id}"

    def take(self, *, now: datetime, lease: timedelta) -> None:
        """Keep it from other workers for that long: the one who took it may be killed any time."""
        self.attempts += 1
        self.sent_at, self.next_attempt_at = now, now + lease

    def postpone(self, *, until: datetime, error_code: str, sent_at: datetime | None) -> None:
        self.next_attempt_at, self.error_code, self.sent_at = until, error_code, sent_at

    def end(self, status: Status, *, error_code: str = "") -> None:
        if self.status != self.Status.PENDING:
            raise IllegalTransition(f"An instruction cannot go from {self.status} to {status}.")
        self.status, self.error_code = status, error_code


class VenueFill(BaseModel):
    """One trade as the venue reported it, kept before it is booked: nothing that happened is lost.

    Without an `execution` it waits, and `problem` says why.
    """

    venue = models.CharField(max_length=20)
    venue_execution_id = models.CharField(max_length=100)
    venue_order_id = models.CharField(max_length=64)
    symbol = models.CharField(max_length=20)
    side = models.CharField(max_length=4)
    quantity = models.DecimalField(max_digits=26, decimal_places=8)
    price = models.DecimalField(max_digits=26, decimal_places=8)
    executed_at = models.DateTimeField()
    execution = models.OneToOneField(
        Execution, on_delete=models.PROTECT, null=True, blank=True, related_name="venue_fill"
    )
    problem = models.CharField(max_length=40, blank=True)

    objects = VenueFillQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["venue", "venue_execution_id"], name="trading_fill_once"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, price__gt=0), name="trading_fill_amounts"
            ),
        )
        indexes = (
            models.Index(fields=["venue_order_id"], name="trading_fill_of_order"),
            models.Index(
                fields=["executed_at"], name="trading_fill_waiting", condition=Q(execution=None)
            ),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} {self.symbol}"

    def hold_back(self, problem: str) -> VenueFillHeldBack | None:
        """Let it wait for that reason; an event only when the reason is new."""
        if self.problem == problem:
            return None
        self.problem = problem
        return VenueFillHeldBack(
            stream=f"venue-{self.venue}",
            venue=self.venue,
            execution_id=self.venue_execution_id,
            symbol=self.symbol,
            side=self.side,
            quantity=f"{self.quantity:f}",
            price=f"{self.price:f}",
            problem=problem,
        )


class VenueDifference(BaseModel):
    """What the venue's account and our ledger tell apart, in units of the asset.

    It ends by itself when both agree again, or by somebody's explanation of exactly these figures;
    no figure is ever edited.  `status` CLEARED or EXPLAINED is final.
    """

    class Status(models.TextChoices):
        OPEN = "OPEN", "Open"
        EXPLAINED = "EXPLAINED", "Explained"
        CLEARED = "CLEARED", "Cleared"

    venue = models.CharField(max_length=20)
    kind = models.CharField(
        max_length=8, choices=[("CASH", "Cash"), ("POSITION", "Position"), ("FILL", "Fill")]
    )
    asset = models.CharField(max_length=100)
    ours = models.DecimalField(max_digits=38, decimal_places=8)
    theirs = models.DecimalField(max_digits=38, decimal_places=8)
    status = models.CharField(max_length=9, choices=Status, default=Status.OPEN)
    seen_at = models.DateTimeField()
    explanation = models.CharField(max_length=REASON_LENGTH, blank=True)
    explained_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = VenueDifferenceQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["venue", "kind", "asset"],
                condition=Q(status="OPEN"),
                name="trading_difference_one_open",
            ),
            models.CheckConstraint(
                condition=Q(status="OPEN", closed_at=None, explained_by=None, explanation="")
                | Q(status="CLEARED", closed_at__isnull=False, explained_by=None, explanation="")
                | (
                    Q(status="EXPLAINED", closed_at__isnull=False, explained_by__isnull=False)
                    & ~Q(explanation="")
                ),
                name="trading_difference_status",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.asset}"

    @property
    def difference(self) -> Decimal:
        """Return how much more the venue has than we."""
        difference: Decimal = self.theirs - self.ours
        return difference

    @property
    def stream(self) -> str:
        return f"venue-{self.venue}"

    def told(self) -> VenueDifferenceChanged:
        return VenueDifferenceChanged(
            stream=self.stream,
            difference_id=str(self.id),
            venue=self.venue,
            kind=self.kind,
            asset=self.asset,
            ours=f"{self.ours:f}",
            theirs=f"{self.theirs:f}",
            status=self.status,
            reason=self.explanation,
        )

    def clear(self, *, at: datetime) -> VenueDifferenceChanged:
        self._leave_open(self.Status.CLEARED, at)
        return self.told()

    def explain(self, *, by: models.Model, why: str, at: datetime) -> VenueDifferenceChanged:
        self._leave_open(self.Status.EXPLAINED, at)
        self.explained_by_id, self.explanation = by.pk, why
        return self.told()

    def _leave_open(self, to: Status, at: datetime) -> None:
        if self.status != self.Status.OPEN:
            raise Conflict("The difference is closed already.", code="unchanged")
        self.status, self.closed_at = to, at
