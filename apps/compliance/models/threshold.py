"""From which score on a list entry is a hit: a version a row, by list and risk class."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.compliance.domain.matching import HIGHEST_THRESHOLD, RESULT_FLOOR
from apps.core.models import BaseModel

RISK_CLASSES = (("LOW", "Low"), ("MEDIUM", "Medium"), ("HIGH", "High"))


class ScreeningThreshold(BaseModel):
    """Empty `list_code` or `risk_class` mean every one; the narrower row counts.

    `base_version` is the version in force that the proposer saw (0: none); `replay` is what the
    proposer and the activator were shown.
    """

    class Status(models.TextChoices):
        PROPOSED = "PROPOSED", "Waits for a second officer"
        ACTIVE = "ACTIVE", "In force"
        RETIRED = "RETIRED", "Replaced"
        DECLINED = "DECLINED", "Declined"

    list_code = models.CharField(max_length=30, blank=True)
    risk_class = models.CharField(max_length=6, blank=True, choices=RISK_CLASSES)
    version = models.PositiveIntegerField()
    base_version = models.PositiveIntegerField()
    threshold = models.DecimalField(max_digits=4, decimal_places=3)
    reason = models.CharField(max_length=1000)
    replay = models.JSONField(default=dict)
    status = models.CharField(max_length=8, choices=Status, default=Status.PROPOSED)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("list_code", "risk_class", "-version")
        constraints = (
            models.UniqueConstraint(
                fields=["list_code", "risk_class", "version"], name="screening_threshold_version"
            ),
            models.UniqueConstraint(
                fields=["list_code", "risk_class"],
                condition=Q(status="ACTIVE"),
                name="screening_threshold_one_active",
            ),
            models.UniqueConstraint(
                fields=["list_code", "risk_class"],
                condition=Q(status="PROPOSED"),
                name="screening_threshold_one_proposed",
            ),
            models.CheckConstraint(
                condition=Q(threshold__gte=RESULT_FLOOR, threshold__lte=HIGHEST_THRESHOLD),
                name="screening_threshold_bounds",
            ),
            models.CheckConstraint(
                condition=Q(status="PROPOSED", decided_by=None)
                | Q(status="DECLINED", decided_by__isnull=False)
                | (
                    Q(status__in=["ACTIVE", "RETIRED"], decided_by__isnull=False)
                    & ~Q(decided_by=F("proposed_by"))
                ),
                name="screening_threshold_two_officers",
            ),
        )

    def __str__(self) -> str:
        scope = self.list_code or "every list"
        risk = f", {self.get_risk_class_display().lower()} risk" if self.risk_class else ""
        return f"{scope}{risk} v{self.version}"

    @property
    def stream(self) -> str:
        return f"threshold-{self.list_code or 'all'}-{self.risk_class or 'all'}"
