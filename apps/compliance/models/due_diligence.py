"""Enhanced due diligence on a client of high risk: one checklist an approval."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.compliance.domain.due_diligence import MAX_NOTE
from apps.compliance.models.document import KycDocument
from apps.compliance.models.kyc import KycRecord
from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedTextField


class DueDiligence(BaseModel):
    """The checklist of that `version`; closed with the approval that it was done for."""

    record = models.ForeignKey(KycRecord, on_delete=models.PROTECT, related_name="diligences")
    version = models.CharField(max_length=20)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "due diligence"
        permissions = (("approve_duediligence", "Can agree to a client of high risk"),)
        constraints = (
            models.UniqueConstraint(
                fields=["record"], condition=Q(closed_at=None), name="kyc_diligence_one_open"
            ),
        )

    def __str__(self) -> str:
        return f"Due diligence {str(self.id)[:8]}"


class DueDiligenceItem(BaseModel):
    """One thing that an officer finds out and writes down, with its evidence."""

    diligence = models.ForeignKey(DueDiligence, on_delete=models.PROTECT, related_name="items")
    code = models.CharField(max_length=30)
    note = EncryptedTextField(data_class="compliance", blank=True, max_length=MAX_NOTE)
    document = models.ForeignKey(KycDocument, null=True, on_delete=models.PROTECT, related_name="+")
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["diligence", "code"], name="kyc_diligence_item_once"),
            models.CheckConstraint(
                condition=Q(done_at=None, done_by=None)
                | Q(done_at__isnull=False, done_by__isnull=False),
                name="kyc_diligence_item_done",
            ),
        )

    def __str__(self) -> str:
        return self.code
