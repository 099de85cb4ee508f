"""Lots that a client brings from another broker, and what became of them."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.errors import Conflict, NotPermitted
from apps.core.models import BaseModel
from apps.trading.events.imports import ImportApplied, ImportDeclined, ImportRequested
from apps.trading.models.portfolio import Portfolio
from apps.users.models import User


class PositionImport(BaseModel):
    """The lots of one file, taken over together or not at all; the file itself is not kept.

    On a live portfolio they are REQUESTED until somebody of operations has the units.  A file
    (`file_digest`) counts once for a portfolio.
    """

    class Status(models.TextChoices):
        REQUESTED = "REQUESTED", "Awaiting operations"
        APPLIED = "APPLIED", "In the portfolio"
        DECLINED = "DECLINED", "Declined"

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="imports")
    status = models.CharField(max_length=9, choices=Status, default=Status.REQUESTED)
    idempotency_key = models.CharField(max_length=100)
    file_digest = models.CharField(max_length=64)
    terms_digest = models.CharField(max_length=64)
    lots_count = models.PositiveSmallIntegerField("lots")
    entry_id = models.UUIDField(null=True)
    value = models.DecimalField(max_digits=26, decimal_places=8, null=True)
    reason = models.CharField(max_length=300, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        permissions = (("decide_positionimport", "Can confirm or decline lots that arrive"),)
        constraints = (
            models.UniqueConstraint(
                fields=["portfolio", "idempotency_key"], name="trading_import_once"
            ),
            models.UniqueConstraint(
                fields=["portfolio", "file_digest"],
                condition=~Q(status="DECLINED"),
                name="trading_import_file_once",
            ),
            models.CheckConstraint(
                condition=Q(status="REQUESTED", entry_id=None, decided_at=None)
                | Q(status="APPLIED", entry_id__isnull=False, decided_at__isnull=False)
                | Q(
                    status="DECLINED",
                    entry_id=None,
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                ),
                name="trading_import_status",
            ),
        )

    def __str__(self) -> str:
        return f"{self.lots_count} lots"

    @property
    def stream(self) -> str:
        return f"import-{self.id}"

    def request(self) -> ImportRequested:
        return ImportRequested(**self._facts())

    def apply(
        self, entry_id: UUID, value: Decimal, *, officer: User | None, at: datetime
    ) -> ImportApplied:
        """Say that the lots are in; raises Conflict, NotPermitted for the client's own hand."""
        self._decide(self.Status.APPLIED, officer, at)
        self.entry_id, self.value = entry_id, value
        return ImportApplied(
            **self._facts(),
            entry_id=str(entry_id),
            value=f"{value:f}",
            currency=self.portfolio.currency,
        )

    def decline(self, officer: User, reason: str, *, at: datetime) -> ImportDeclined:
        self._decide(self.Status.DECLINED, officer, at)
        self.reason = reason
        return ImportDeclined(**self._facts(), reason=reason)

    def _decide(self, status: "PositionImport.Status", officer: User | None, at: datetime) -> None:
        if self.status != self.Status.REQUESTED:
            raise Conflict("This is decided already.", code="already_decided")
        is_live = self.portfolio.mode == Portfolio.Mode.LIVE
        if is_live and (officer is None or officer.pk == self.portfolio.client_id):
            raise NotPermitted("Operations confirm what arrives.", code="four_eyes")
        self.status, self.decided_by, self.decided_at = status, officer, at

    def _facts(self) -> dict[str, Any]:
        return {
            "stream": self.stream,
            "import_id": str(self.id),
            "portfolio_id": str(self.portfolio_id),
            "client_id": str(self.portfolio.client_id),
            "lots": self.lots_count,
        }


class ImportedLot(models.Model):
    """One row of the file, as it was read; never changed."""

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(PositionImport, on_delete=models.PROTECT, related_name="rows")
    line = models.PositiveIntegerField()
    symbol = models.CharField(max_length=20)
    quantity = models.DecimalField(max_digits=26, decimal_places=8)
    cost = models.DecimalField(max_digits=26, decimal_places=8)
    currency = models.CharField(max_length=3)
    acquired_on = models.DateField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["batch", "line"], name="trading_imported_lot_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, cost__gte=0), name="trading_imported_lot_amounts"
            ),
        )

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} {self.symbol}"
