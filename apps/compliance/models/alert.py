"""A question about a client that two different officers must close."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.compliance.domain.alerts import REASONS, AlertKind, AlertTrigger, next_status
from apps.compliance.domain.wording import plain
from apps.compliance.repositories import AlertQuerySet
from apps.core.errors import NotPermitted
from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedJSONField, EncryptedTextField
from apps.users.models import User


def _disposition_fits() -> Q:
    fits = Q(disposition="")
    for kind, dispositions in REASONS.items():
        fits |= Q(kind=kind.value, disposition__in=sorted(dispositions))
    return fits


class Alert(BaseModel):
    """One open alert stands for a client, a scenario and a scope (`dedup_key`).

    `score` is 0 to 1.  `explanation` is a list of rows `{name, measured, threshold?,
    contribution?}` that says why the score is what it is.
    """

    class Kind(models.TextChoices):
        SCREENING = "SCREENING", "Screening"
        MONITORING = "MONITORING", "Monitoring"

    class Status(models.TextChoices):
        OPEN = "OPEN", "Open"
        PROPOSED = "PROPOSED", "Awaiting second officer"
        CLOSED = "CLOSED", "Closed"

    class Disposition(models.TextChoices):
        TRUE_MATCH = "TRUE_MATCH", "True match"
        FALSE_POSITIVE = "FALSE_POSITIVE", "False positive"
        INCONCLUSIVE = "INCONCLUSIVE", "Inconclusive"
        SUSPICIOUS = "SUSPICIOUS", "Suspicious"
        NOT_SUSPICIOUS = "NOT_SUSPICIOUS", "Not suspicious"

    client = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    scenario_code = models.CharField(max_length=50)
    scenario_version = models.PositiveIntegerField(default=1)
    dedup_key = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    score = models.DecimalField(max_digits=5, decimal_places=4)
    parameters = models.JSONField(default=dict)
    explanation = EncryptedJSONField(data_class="compliance", default=list)
    window_start = models.DateTimeField(null=True)
    window_end = models.DateTimeField(null=True)
    due_at = models.DateTimeField()

    disposition = models.CharField(max_length=14, choices=Disposition, blank=True)
    reason_code = models.CharField(max_length=30, blank=True)
    note = EncryptedTextField(data_class="compliance", max_length=4000, blank=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    proposed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ("due_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=["client", "scenario_code", "dedup_key"],
                condition=~Q(status="CLOSED"),
                name="compliance_one_open_alert",
            ),
            models.CheckConstraint(
                condition=~Q(proposed_by=F("confirmed_by")), name="compliance_alert_four_eyes"
            ),
            models.CheckConstraint(
                condition=Q(status="OPEN", proposed_by=None, confirmed_by=None, disposition="")
                | (
                    Q(status="PROPOSED", proposed_by__isnull=False, confirmed_by=None)
                    & Q(proposed_at__isnull=False)
                    & ~Q(disposition="")
                    & ~Q(reason_code="")
                )
                | (
                    Q(status="CLOSED", proposed_by__isnull=False, confirmed_by__isnull=False)
                    & Q(decided_at__isnull=False)
                    & ~Q(disposition="")
                    & ~Q(reason_code="")
                ),
                name="compliance_alert_state",
            ),
            models.CheckConstraint(
                condition=_disposition_fits(), name="compliance_alert_disposition"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=sorted(AlertKind)), name="compliance_alert_kind"
            ),
            models.CheckConstraint(
                condition=Q(score__gte=0, score__lte=1), name="compliance_alert_score"
            ),
        )
        indexes = (
            models.Index(fields=["status", "due_at"], name="compliance_alert_queue"),
            models.Index(fields=["client", "created_at"], name="compliance_alert_client"),
        )

    def __str__(self) -> str:
        return f"{plain(self.scenario_code)} {str(self.id)[:8]}"

    @property
    def stream(self) -> str:
        return f"alert-{self.id}"

    def propose(
        self, officer: User, *, disposition: str, reason_code: str, note: str, at: datetime
    ) -> None:
        self.status = next_status(self.status, AlertTrigger.PROPOSE)
        self.disposition = disposition
        self.reason_code = reason_code
        self.note = note
        self.proposed_by = officer
        self.proposed_at = at

    def confirm(self, officer: User, *, at: datetime) -> None:
        """Close the alert as proposed; raises NotPermitted for the proposer."""
        status = next_status(self.status, AlertTrigger.CONFIRM)
        if self.proposed_by_id == officer.pk:
            raise NotPermitted("A second officer must confirm.", code="four_eyes")
        self.status = status
        self.confirmed_by = officer
        self.decided_at = at

    def reopen(self, trigger: AlertTrigger) -> bool:
        """Withdraw the proposal, if there is one; return whether there was."""
        was_proposed = self.status == self.Status.PROPOSED
        self.status = next_status(self.status, trigger)
        self.disposition = self.reason_code = self.note = ""
        self.proposed_by = self.proposed_at = None
        return was_proposed


class AlertEvidence(models.Model):
    """One row of what made the alert; append-only, and there once for each reference."""

    id = models.BigAutoField(primary_key=True)
    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="evidence")
    reference = models.CharField(max_length=200)
    kind = models.CharField(max_length=30)
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    facts = EncryptedJSONField(data_class="compliance", row="uid", default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=["alert", "reference"], name="compliance_evidence_once"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class AlertNote(models.Model):
    """What an officer wrote; append-only.  The audit stream names it by id: it is free text."""

    id = models.BigAutoField(primary_key=True)
    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    text = EncryptedTextField(data_class="compliance", row="uid", max_length=4000)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"Note {self.id}"
