"""Screening: one row a run, one row a hit, with everything needed to explain it later."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.compliance.models.kyc import KycRecord
from apps.compliance.models.ownership import KycParty
from apps.compliance.models.watchlist import WatchlistEntity
from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedJSONField, EncryptedTextField


class ScreeningRun(BaseModel):
    """What was compared with what; `list_versions` maps list code to version number."""

    class Trigger(models.TextChoices):
        ONBOARDING = "ONBOARDING", "Submission"
        CLIENT_CHANGE = "CLIENT_CHANGE", "Change of the client's data"
        LIST_CHANGE = "LIST_CHANGE", "List change"
        NIGHTLY = "NIGHTLY", "Nightly check"
        WITHDRAWAL = "WITHDRAWAL", "Match taken back"

    record = models.ForeignKey(KycRecord, on_delete=models.PROTECT, related_name="screenings")
    trigger = models.CharField(max_length=13, choices=Trigger)
    list_versions = models.JSONField()
    matcher_version = models.CharField(max_length=20)
    threshold = models.DecimalField(max_digits=4, decimal_places=3)
    evidence_version = models.PositiveIntegerField()
    candidate_count = models.PositiveIntegerField()
    hit_count = models.PositiveIntegerField()
    new_hit_count = models.PositiveIntegerField()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.trigger} {self.created_at:%Y-%m-%d %H:%M}"


class ScreenedClient(BaseModel):
    """A client as lists are compared with: kept apart from the answers, so that 10,000 are quick.

    `parties` are an entity's owners and controllers by id.  `list_versions` are those that the
    client was compared with, by the matcher of that version; `checked_at` is the last time that
    this was done in full.
    """

    record = models.OneToOneField(KycRecord, on_delete=models.PROTECT, related_name="screened")
    subject = EncryptedJSONField(data_class="compliance")
    parties = EncryptedJSONField(data_class="compliance", null=True)
    list_versions = models.JSONField()
    matcher_version = models.CharField(max_length=20)
    checked_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["checked_at"], name="screened_client_checked"),)

    def __str__(self) -> str:
        return str(self.record_id)


class ScreeningHit(BaseModel):
    """A list entry that may be the client.

    `pair_hash` covers both sides: a pair that was cleared comes back only when one of them
    changed.  `features` explains the score, one row a feature; `subject` is the client as compared,
    null in hits of before it was kept, or the `party` of the client's whom the hit is about.
    `superseded_in` is the run that did not find the pair any more, since the client's answers or
    the list had changed; None for a true match that two officers took back.
    """

    class Status(models.TextChoices):
        OPEN = "OPEN", "Open"
        TRUE_MATCH = "TRUE_MATCH", "True match"
        FALSE_POSITIVE = "FALSE_POSITIVE", "False positive"
        INCONCLUSIVE = "INCONCLUSIVE", "Inconclusive"
        SUPERSEDED = "SUPERSEDED", "Superseded"

    run = models.ForeignKey(ScreeningRun, on_delete=models.PROTECT, related_name="hits")
    record = models.ForeignKey(KycRecord, on_delete=models.PROTECT, related_name="hits")
    entity = models.ForeignKey(WatchlistEntity, on_delete=models.PROTECT, related_name="+")
    party = models.ForeignKey(KycParty, null=True, on_delete=models.PROTECT, related_name="+")
    pair_hash = models.CharField(max_length=64)
    score = models.DecimalField(max_digits=4, decimal_places=3)
    client_name = EncryptedTextField(data_class="compliance")
    listed_name = models.CharField(max_length=400)
    features = EncryptedJSONField(data_class="compliance")
    subject = EncryptedJSONField(data_class="compliance", null=True)
    status = models.CharField(max_length=14, choices=Status, default=Status.OPEN)
    reason = EncryptedTextField(data_class="compliance", blank=True, max_length=1000)
    disposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    disposed_at = models.DateTimeField(null=True)
    superseded_in = models.ForeignKey(
        ScreeningRun, null=True, on_delete=models.PROTECT, related_name="superseded"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["record", "pair_hash"],
                condition=~Q(status="SUPERSEDED"),
                name="screening_hit_pair",
            ),
            models.CheckConstraint(
                condition=Q(superseded_in=None) | Q(status="SUPERSEDED"),
                name="screening_hit_superseded",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["OPEN", "SUPERSEDED"])
                | Q(disposed_by__isnull=False, disposed_at__isnull=False),
                name="screening_hit_disposed_by",
            ),
            models.CheckConstraint(
                condition=Q(score__gte=0) & Q(score__lte=1), name="screening_hit_score"
            ),
        )
        ordering = ("-score",)

    def __str__(self) -> str:
        return f"{self.listed_name} {self.score}"
