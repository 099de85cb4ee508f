"""What screening found and what officers said of it: append-only, whatever a hit becomes later."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from apps.compliance.models.ownership import KycParty
from apps.compliance.models.screening import ScreeningHit, ScreeningRun
from apps.compliance.models.watchlist import WatchlistEntity
from apps.infrastructure.encryption import EncryptedTextField


class ScreeningResult(models.Model):
    """One entry that a run compared and scored from RESULT_FLOOR on, hit or not.

    Kept so that another threshold can be replayed: `threshold` is what made it a hit then.
    """

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ScreeningRun, on_delete=models.PROTECT, related_name="results")
    entity = models.ForeignKey(WatchlistEntity, on_delete=models.PROTECT, related_name="+")
    party = models.ForeignKey(KycParty, null=True, on_delete=models.PROTECT, related_name="+")
    score = models.DecimalField(max_digits=4, decimal_places=3)
    threshold = models.DecimalField(max_digits=4, decimal_places=3)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["run", "entity", "party"],
                nulls_distinct=False,
                name="screening_result_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.entity_id} {self.score}"


class HitDecision(models.Model):
    """What an officer said of a hit, on which evidence; the database refuses a stale one."""

    id = models.BigAutoField(primary_key=True)
    hit = models.ForeignKey(ScreeningHit, on_delete=models.PROTECT, related_name="decisions")
    disposition = models.CharField(max_length=14, choices=ScreeningHit.Status)
    reason_code = models.CharField(max_length=30)
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    narrative = EncryptedTextField(data_class="compliance", row="uid", max_length=1000)
    evidence_version = models.PositiveIntegerField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.disposition} {self.hit_id}"
