"""Money that comes from or goes to a client's bank."""

from dataclasses import asdict
from datetime import datetime

from django.db import models
from django.db.models import Q

from apps.core.domain.money import Money
from apps.core.errors import IllegalTransition
from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedJSONField
from apps.trading.domain.parties import Party
from apps.trading.events import (
    CashDeposited,
    CashTransferFailed,
    CashTransferHeld,
    CashTransferRequested,
    CashWithdrawn,
)
from apps.trading.models.portfolio import Portfolio
from apps.trading.repositories import CashTransferQuerySet


class CashTransfer(BaseModel):
    """One instruction to the bank; it moves only from PENDING to SETTLED or FAILED.

    `is_held`: the other side is not the client, and its name is not cleared.  A held withdrawal has
    not gone to the bank; a held deposit is the client's, and nothing can be bought or paid with it.
    `party` is the other side as Party, with `is_client`; null in transfers of before it was kept.
    A withdrawal that `returns` a deposit sends it back to who paid it.
    """

    class Kind(models.TextChoices):
        DEPOSIT = "DEPOSIT", "Deposit"
        WITHDRAWAL = "WITHDRAWAL", "Withdrawal"

    class Status(models.TextChoices):
        PENDING = "PENDING", "Pending"
        SETTLED = "SETTLED", "Settled"
        FAILED = "FAILED", "Failed"

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="transfers")
    kind = models.CharField(max_length=10, choices=Kind)
    status = models.CharField(max_length=7, choices=Status, default=Status.PENDING)
    amount = models.DecimalField(max_digits=26, decimal_places=8)
    currency = models.CharField(max_length=3)
    idempotency_key = models.CharField(max_length=100)
    counterparty_reference = models.CharField(max_length=100, blank=True)
    failure_code = models.CharField(max_length=50, blank=True)
    settled_at = models.DateTimeField(null=True)
    party = EncryptedJSONField(data_class="identity", null=True)
    is_held = models.BooleanField(default=False)
    returns = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="returned_by"
    )

    objects = CashTransferQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["portfolio", "idempotency_key"], name="trading_transfer_once"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="trading_transfer_positive"),
            models.CheckConstraint(
                condition=Q(kind__in=["DEPOSIT", "WITHDRAWAL"]), name="trading_transfer_kind"
            ),
            models.CheckConstraint(
                condition=Q(status="SETTLED", settled_at__isnull=False, failure_code="")
                | Q(status="PENDING", settled_at=None, failure_code="")
                | (Q(status="FAILED", settled_at=None) & ~Q(failure_code="")),
                name="trading_transfer_status",
            ),
            models.CheckConstraint(
                condition=Q(is_held=False)
                | Q(kind="DEPOSIT", status="SETTLED")
                | Q(kind="WITHDRAWAL", status="PENDING", counterparty_reference=""),
                name="trading_transfer_held",
            ),
            models.CheckConstraint(
                condition=Q(returns=None) | Q(kind="WITHDRAWAL"), name="trading_transfer_returns"
            ),
            models.UniqueConstraint(
                fields=["returns"],
                condition=~Q(status="FAILED"),
                name="trading_transfer_returned_once",
            ),
        )
        indexes = (
            models.Index(fields=["portfolio", "-created_at"], name="trading_transfer_newest"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"

    @property
    def stream(self) -> str:
        return f"transfer-{self.id}"

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def other_side(self) -> Party:
        """Who pays or is paid, as far as that is known."""
        kept = self.party or {}
        return Party(kept.get("name", ""), kept.get("account", ""), kept.get("country", ""))

    @property
    def shown_status(self) -> str:
        """What the client is told: money that is held is on its way, and nothing says why."""
        return self.Status.PENDING if self.is_held else self.status

    @property
    def shown_settled_at(self) -> datetime | None:
        return None if self.is_held else self.settled_at

    def name_party(self, party: Party, *, is_client: bool) -> None:
        self.party = {**asdict(party), "is_client": is_client}

    def requested(self) -> CashTransferRequested:
        return CashTransferRequested(
            stream=self.stream,
            portfolio_id=str(self.portfolio_id),
            client_id=str(self.portfolio.client_id),
            transfer_id=str(self.id),
            kind=self.kind,
            amount=f"{self.amount:f}",
            currency=self.currency,
        )

    def settle(self, *, reference: str, at: datetime) -> CashDeposited | CashWithdrawn:
        """Record that the bank moved the money; `reference` is the bank's own."""
        self._leave_pending(self.Status.SETTLED)
        self.counterparty_reference = reference
        self.settled_at = at
        return self.moved()

    def moved(self) -> CashDeposited | CashWithdrawn:
        """Say that the money is where it should be."""
        event = CashDeposited if self.kind == self.Kind.DEPOSIT else CashWithdrawn
        return event(
            stream=self.stream,
            portfolio_id=str(self.portfolio_id),
            client_id=str(self.portfolio.client_id),
            amount=f"{self.amount:f}",
            currency=self.currency,
            transfer_id=str(self.id),
        )

    def held(self) -> CashTransferHeld:
        """Say that the money waits until somebody knows who the other side is."""
        return CashTransferHeld(
            stream=self.stream,
            portfolio_id=str(self.portfolio_id),
            client_id=str(self.portfolio.client_id),
            transfer_id=str(self.id),
            kind=self.kind,
        )

    def fail(self, *, code: str, reference: str = "") -> CashTransferFailed:
        """Record that the bank refused; `code` is the bank's reason in our words."""
        self._leave_pending(self.Status.FAILED)
        self.failure_code = code
        self.counterparty_reference = reference
        return CashTransferFailed(
            stream=self.stream,
            portfolio_id=str(self.portfolio_id),
            client_id=str(self.portfolio.client_id),
            transfer_id=str(self.id),
            kind=self.kind,
            code=code,
        )

    def _leave_pending(self, to: Status) -> None:
        if self.status != self.Status.PENDING or self.is_held:
            raise IllegalTransition(f"A transfer cannot go from {self.status} to {to}.")
        self.status = to
