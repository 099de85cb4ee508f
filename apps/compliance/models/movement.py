"""What compliance knows of a client's money: its own projection, built from events alone."""

from django.db import models
from django.db.models import Q


class Movement(models.Model):
    """One cash movement or trade, once for each event; `amount` is positive.

    INTERNAL went between two portfolios of the client and never left the firm; IN_KIND are holdings
    that came from elsewhere.  Both carry what they were worth.
    A trade's amount is quantity times price.  `monitored_at` stays empty until the scenarios have
    seen it, so that a lost task is made good.
    """

    class Kind(models.TextChoices):
        DEPOSIT = "DEPOSIT", "Deposit"
        WITHDRAWAL = "WITHDRAWAL", "Withdrawal"
        TRADE = "TRADE", "Trade"
        INTERNAL = "INTERNAL", "Between own portfolios"
        IN_KIND = "IN_KIND", "In kind"

    event_id = models.UUIDField(primary_key=True)
    client_id = models.UUIDField()
    portfolio_id = models.UUIDField()
    kind = models.CharField(max_length=10, choices=Kind)
    amount = models.DecimalField(max_digits=26, decimal_places=8)
    currency = models.CharField(max_length=3)
    occurred_at = models.DateTimeField()
    reference = models.CharField(max_length=100)
    monitored_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(amount__gte=0), name="compliance_movement_amount"),
            models.CheckConstraint(
                condition=Q(kind__in=["DEPOSIT", "WITHDRAWAL", "TRADE", "INTERNAL", "IN_KIND"]),
                name="compliance_movement_kind",
            ),
        )
        indexes = (
            models.Index(fields=["client_id", "occurred_at"], name="compliance_movement_client"),
            models.Index(
                fields=["client_id"],
                name="compliance_movement_pending",
                condition=Q(monitored_at=None),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"
