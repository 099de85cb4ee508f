"""One look again at a client who was approved: why it was opened, until when, what came of it."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.compliance.models.kyc import KycRecord
from apps.core.models import BaseModel


class KycReview(BaseModel):
    """At most one is open for a record; what else asks for a review joins its `reasons`.

    `outcome` is the record's state that ended it.
    """

    record = models.ForeignKey(KycRecord, on_delete=models.PROTECT, related_name="reviews")
    reasons = models.JSONField(default=list)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    due_date = models.DateField()
    outcome = models.CharField(max_length=20, blank=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=["record"], condition=Q(closed_at=None), name="kyc_review_one_open"
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None, outcome="")
                | (Q(closed_at__isnull=False) & ~Q(outcome="")),
                name="kyc_review_outcome",
            ),
        )
        indexes = (
            models.Index(fields=["due_date"], condition=Q(closed_at=None), name="kyc_review_due"),
        )

    def __str__(self) -> str:
        return f"Review {', '.join(self.reasons).lower()}"
