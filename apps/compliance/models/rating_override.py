"""A risk rating that two officers set against the computed one."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.compliance.models.kyc import KycRecord
from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedTextField

OVERRIDE_RATINGS = (("LOW", "Low"), ("MEDIUM", "Medium"), ("HIGH", "High"))


class RatingOverride(BaseModel):
    """`inputs_hash` and `evidence_version` are what the proposer saw the rating computed from."""

    class Status(models.TextChoices):
        PROPOSED = "PROPOSED", "Waits for a second officer"
        ACTIVE = "ACTIVE", "In force"
        ENDED = "ENDED", "Ended"
        DECLINED = "DECLINED", "Declined"

    record = models.ForeignKey(KycRecord, on_delete=models.PROTECT, related_name="overrides")
    rating = models.CharField(max_length=10, choices=OVERRIDE_RATINGS)
    computed_rating = models.CharField(max_length=10)
    inputs_hash = models.CharField(max_length=64)
    evidence_version = models.PositiveIntegerField()
    reason_code = models.CharField(max_length=40)
    note = EncryptedTextField(data_class="compliance", max_length=2000)
    status = models.CharField(max_length=8, choices=Status, default=Status.PROPOSED)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=20, blank=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=["record"], condition=Q(status="PROPOSED"), name="kyc_override_one_proposed"
            ),
            models.UniqueConstraint(
                fields=["record"], condition=Q(status="ACTIVE"), name="kyc_override_one_active"
            ),
            models.CheckConstraint(
                condition=Q(rating__in=["LOW", "MEDIUM", "HIGH"])
                & Q(computed_rating__in=["LOW", "MEDIUM", "HIGH"])
                & ~Q(rating=F("computed_rating")),
                name="kyc_override_rating",
            ),
            models.CheckConstraint(
                condition=Q(status="PROPOSED", decided_by=None)
                | Q(status="DECLINED", decided_by__isnull=False)
                | (
                    Q(status__in=["ACTIVE", "ENDED"], decided_by__isnull=False)
                    & ~Q(decided_by=F("proposed_by"))
                ),
                name="kyc_override_two_officers",
            ),
        )

    def __str__(self) -> str:
        return f"{self.computed_rating} to {self.rating}"
