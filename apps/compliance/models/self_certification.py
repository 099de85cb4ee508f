"""What a client certified of their tax residence, each signature a row that never changes."""

from django.conf import settings
from django.db import models

from apps.compliance.models.kyc import KycRecord
from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedJSONField


class TaxSelfCertification(BaseModel):
    """`facts` are the answers as they were signed; `digest` is a keyed one over them."""

    record = models.ForeignKey(KycRecord, on_delete=models.PROTECT, related_name="certifications")
    number = models.PositiveIntegerField()
    wording_version = models.CharField(max_length=10)
    facts = EncryptedJSONField(data_class="kyc")
    digest = models.CharField(max_length=64)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    signed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["record", "number"], name="tax_self_certification_number"
            ),
        )
        ordering = ("-number",)

    def __str__(self) -> str:
        return f"Self-certification {self.number}"
