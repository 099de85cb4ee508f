"""The KYC record, its answers by step and the decisions taken on it."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.compliance.domain.kyc import EDITABLE, KycStatus, KycTrigger, RiskRating, next_status
from apps.compliance.domain.questionnaire import FIRST_VERSION
from apps.compliance.domain.questionnaires import VERSION, ClientKind
from apps.compliance.repositories import KycRecordQuerySet
from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedJSONField, EncryptedTextField

STATUSES = [(status.value, status.value.replace("_", " ").capitalize()) for status in KycStatus]
KINDS = [(kind.value, kind.value.capitalize()) for kind in ClientKind]
RATINGS = [(rating.value, rating.value.capitalize()) for rating in RiskRating]


class KycRecord(BaseModel):
    """What the firm knows of one client, and whether it may do business with that client.

    `evidence_version` grows with every answer, document and screening result: a decision names the
    version it was made on.  `questionnaire_version` is the one that was answered when the record
    was last handed in; empty for the first.  `decided_at` is when the state last changed as the
    client sees it; `approved_at` is the last approval, also one that the client does not hear of.
    `risk_rating` is `computed_rating`, or what two officers set against it.
    """

    client = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    status = models.CharField(max_length=20, choices=STATUSES, default=KycStatus.DRAFT)
    kind = models.CharField(max_length=10, choices=KINDS, default=ClientKind.INDIVIDUAL)
    questionnaire_version = models.CharField(max_length=10, blank=True)
    evidence_version = models.PositiveIntegerField(default=0)
    reviewed_evidence_version = models.PositiveIntegerField(default=0)
    risk_rating = models.CharField(max_length=10, choices=RATINGS, blank=True)
    risk_score = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    risk_factors = models.JSONField(default=list)
    computed_rating = models.CharField(max_length=10, choices=RATINGS, blank=True)
    risk_inputs_hash = models.CharField(max_length=64, blank=True)
    risk_model_version = models.CharField(max_length=20, blank=True)
    reason_code = models.CharField(max_length=40, blank=True)
    submitted_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    next_review_date = models.DateField(null=True)

    objects = KycRecordQuerySet.as_manager()

    class Meta:
        verbose_name = "KYC record"
        constraints = (
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in KycStatus]),
                name="kyc_record_status",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=[kind.value for kind in ClientKind]), name="kyc_record_kind"
            ),
            models.CheckConstraint(
                condition=~Q(status=KycStatus.APPROVED)
                | Q(risk_rating__in=[RiskRating.LOW, RiskRating.MEDIUM, RiskRating.HIGH]),
                name="kyc_record_approved_is_rated",
            ),
            models.CheckConstraint(
                condition=Q(reviewed_evidence_version__lte=F("evidence_version")),
                name="kyc_record_review_not_ahead",
            ),
        )
        indexes = (models.Index(fields=["status", "submitted_at"], name="kyc_record_queue"),)
        permissions = (("decide_kycrecord", "Can decide KYC records and screening hits"),)

    def __str__(self) -> str:
        return f"KYC {str(self.id)[:8]}"

    def move(self, trigger: KycTrigger) -> None:
        """Change the state by the table; raises IllegalTransition."""
        self.status = next_status(self.status, trigger)

    @property
    def version_asked(self) -> str:
        """Return the questionnaire that counts: the newest while the client may still edit."""
        if self.status in EDITABLE:
            return VERSION
        return self.questionnaire_version or FIRST_VERSION

    @property
    def is_entity(self) -> bool:
        return self.kind == ClientKind.ENTITY

    @property
    def stream(self) -> str:
        return f"kyc-{self.id}"

    @property
    def identity(self) -> dict[str, Any]:
        """Return what every event of the record carries."""
        return {
            "stream": self.stream,
            "record_id": str(self.id),
            "client_id": str(self.client_id),
        }


class KycStep(BaseModel):
    """The client's answers to one step; `answers` is JSON."""

    record = models.ForeignKey(KycRecord, on_delete=models.PROTECT, related_name="steps")
    step = models.CharField(max_length=20)
    answers = EncryptedTextField(data_class="kyc")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["record", "step"], name="kyc_step_once"),)

    def __str__(self) -> str:
        return f"{self.record_id} {self.step}"


class KycDecision(BaseModel):
    """One decision: proposed by one officer and, where it must be, confirmed by another.

    `from_status` is the record's state that it was made in; `snapshot` is what an approval was
    given on: `answers` by step, `rating`, `score`, `factors`.
    """

    class Outcome(models.TextChoices):
        APPROVE = "APPROVE", "Approve"
        REJECT = "REJECT", "Reject"
        REQUEST_INFORMATION = "REQUEST_INFORMATION", "Request information"
        REVIEW = "REVIEW", "Review again"
        SUSPEND = "SUSPEND", "Suspend"
        EXPIRE = "EXPIRE", "Let expire"
        CLOSE = "CLOSE", "Close"

    class Status(models.TextChoices):
        PROPOSED = "PROPOSED", "Waits for a second officer"
        FINAL = "FINAL", "Final"
        WITHDRAWN = "WITHDRAWN", "Withdrawn"

    record = models.ForeignKey(KycRecord, on_delete=models.PROTECT, related_name="decisions")
    outcome = models.CharField(max_length=20, choices=Outcome)
    status = models.CharField(max_length=10, choices=Status, default=Status.PROPOSED)
    reason_code = models.CharField(max_length=40)
    note = EncryptedTextField(data_class="compliance", blank=True)
    evidence_version = models.PositiveIntegerField()
    risk_rating = models.CharField(max_length=10, choices=RATINGS, blank=True)
    from_status = models.CharField(max_length=20, blank=True)
    snapshot = EncryptedJSONField(data_class="kyc", null=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["record"], condition=Q(status="PROPOSED"), name="kyc_decision_one_open"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("proposed_by")),
                name="kyc_decision_two_officers",
            ),
            models.CheckConstraint(
                condition=~Q(status="FINAL", outcome__in=["APPROVE", "REJECT"], risk_rating="HIGH")
                | Q(confirmed_by__isnull=False),
                name="kyc_decision_high_needs_second",
            ),
            models.CheckConstraint(
                condition=~Q(status="FINAL", outcome="REVIEW", from_status="SUSPENDED")
                | Q(confirmed_by__isnull=False),
                name="kyc_decision_release_needs_second",
            ),
            models.CheckConstraint(
                condition=~Q(status="FINAL", outcome="CLOSE")
                | Q(from_status="DRAFT")
                | Q(confirmed_by__isnull=False),
                name="kyc_decision_close_needs_second",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="APPROVE", risk_rating__in=["PROHIBITED", ""]),
                name="kyc_decision_prohibited_never",
            ),
        )

    def __str__(self) -> str:
        return f"{self.outcome} {self.status}"
