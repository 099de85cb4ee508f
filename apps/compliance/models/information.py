"""What officers asked a client for, item by item, and the reminders that were sent."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.compliance.domain.information import MAX_ANSWER, ItemKind
from apps.compliance.models.document import KycDocument
from apps.compliance.models.kyc import KycDecision, KycRecord
from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedTextField

KINDS = [(kind.value, kind.value.capitalize()) for kind in ItemKind]


class InformationItem(BaseModel):
    """One thing that a decision asked for: a document, a step's answers, a question's answer."""

    class Status(models.TextChoices):
        OPEN = "OPEN", "Not answered"
        ANSWERED = "ANSWERED", "Answered"
        WAIVED = "WAIVED", "Not needed any more"

    record = models.ForeignKey(KycRecord, on_delete=models.PROTECT, related_name="information")
    decision = models.ForeignKey(KycDecision, on_delete=models.PROTECT, related_name="items")
    kind = models.CharField(max_length=10, choices=KINDS)
    subject = models.CharField(max_length=40)
    reason_code = models.CharField(max_length=40)
    due_date = models.DateField()
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    answer = EncryptedTextField(data_class="kyc", blank=True, max_length=MAX_ANSWER)
    document = models.ForeignKey(KycDocument, null=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True)
    waived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ("due_date", "kind", "subject")
        constraints = (
            models.UniqueConstraint(
                fields=["decision", "kind", "subject"], name="kyc_information_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=[kind.value for kind in ItemKind]),
                name="kyc_information_kind",
            ),
            models.CheckConstraint(
                condition=Q(status="OPEN", answered_at=None, waived_by=None, document=None)
                | Q(status="ANSWERED", answered_at__isnull=False, waived_by=None)
                | Q(status="WAIVED", waived_by__isnull=False),
                name="kyc_information_state",
            ),
            models.CheckConstraint(
                condition=Q(kind="DOCUMENT") | Q(document=None), name="kyc_information_document"
            ),
        )
        indexes = (
            models.Index(
                fields=["due_date"], condition=Q(status="OPEN"), name="kyc_information_due"
            ),
        )

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        return f"{self.kind}:{self.subject}"


class KycReminder(BaseModel):
    """A reminder that was sent: `subject_id` is what it is about, and each stage is sent once."""

    record = models.ForeignKey(KycRecord, on_delete=models.PROTECT, related_name="reminders")
    subject_id = models.UUIDField()
    stage = models.CharField(max_length=20)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["subject_id", "stage"], name="kyc_reminder_once"),
        )

    def __str__(self) -> str:
        return f"{self.subject_id} {self.stage}"
