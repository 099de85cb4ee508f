"""The restricted list: instruments that the firm, or one client, may not trade for a time."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.errors import Conflict
from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedTextField
from apps.trading.domain.desk_events import RestrictionAdded, RestrictionLifted
from apps.users.models import User


class Restriction(BaseModel):
    """`client` None restricts everybody; one client's is for an insider or an employee.

    The reason may name people and deals, so it is encrypted and stands in no event.
    """

    symbol = models.CharField(max_length=20)
    client = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    reason: "EncryptedTextField[str, str]" = EncryptedTextField(data_class="compliance")
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "restricted list"
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="trading_restriction_period",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at=None, lifted_by=None)
                | Q(lifted_at__isnull=False, lifted_by__isnull=False),
                name="trading_restriction_lifted",
            ),
        )
        indexes = (
            models.Index(
                fields=["symbol"], name="trading_restriction_symbol", condition=Q(lifted_at=None)
            ),
        )

    def __str__(self) -> str:
        return self.symbol

    @property
    def stream(self) -> str:
        return f"restriction-{self.id}"

    def add(self) -> RestrictionAdded:
        return RestrictionAdded(
            **self._facts(),
            starts_at=self.starts_at.isoformat(),
            ends_at=self.ends_at.isoformat() if self.ends_at else None,
        )

    def lift(self, officer: User, *, at: datetime) -> RestrictionLifted:
        if self.lifted_at is not None:
            raise Conflict("It is lifted already.", code="unchanged")
        self.lifted_by, self.lifted_at = officer, at
        return RestrictionLifted(**self._facts())

    def _facts(self) -> dict[str, Any]:
        return {
            "stream": self.stream,
            "restriction_id": str(self.id),
            "symbol": self.symbol,
            "client_id": str(self.client_id) if self.client_id else None,
        }
