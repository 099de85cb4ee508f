"""What operations must know of: lists that were refused, checks that failed."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel


class OperationsAlert(BaseModel):
    """Something that runs by itself did not do its work; it stands until somebody has seen it."""

    class Kind(models.TextChoices):
        IMPORT_REFUSED = "IMPORT_REFUSED", "A list was refused"
        FETCH_FAILED = "FETCH_FAILED", "A list could not be fetched"
        RESCREENING_DIFFERS = "RESCREENING_DIFFERS", "The nightly screening found a difference"
        RESCREENING_FAILED = "RESCREENING_FAILED", "A client could not be screened"
        ORDER_MATCH_FAILED = "ORDER_MATCH_FAILED", "A resting order could not be matched"
        ORDER_CANCEL_FAILED = "ORDER_CANCEL_FAILED", "A cancel-all left an order"
        ORDER_EXPIRY_FAILED = "ORDER_EXPIRY_FAILED", "An order could not be expired"
        BATCH_FAILED = "BATCH_FAILED", "A rebalancing could not go on"
        PLAN_FAILED = "PLAN_FAILED", "An investment plan could not run"
        CHARGE_FAILED = "CHARGE_FAILED", "A fee or interest could not be booked"
        CORPORATE_ACTION_FAILED = "CORPORATE_ACTION_FAILED", "A holder did not get an action"
        SEARCH_FAILED = "SEARCH_FAILED", "A file of names could not be compared"

    kind = models.CharField(max_length=30, choices=Kind)
    subject = models.CharField(max_length=100)
    message = models.CharField(max_length=500)
    facts = models.JSONField(default=dict)
    occurrences = models.PositiveIntegerField(default=1)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=Q(acknowledged_at=None),
                name="operations_alert_open_once",
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_at=None, acknowledged_by=None)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
                name="operations_alert_acknowledged",
            ),
        )
        ordering = ("-created_at",)
        permissions = (("acknowledge_operationsalert", "Can acknowledge operations alerts"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"

    @property
    def stream(self) -> str:
        return f"operations-alert-{self.id}"
