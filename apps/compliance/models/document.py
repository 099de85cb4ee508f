"""Documents that a client uploads as evidence; the bytes are encrypted."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.compliance.models.kyc import KycRecord
from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedBinaryField


class KycDocument(BaseModel):
    """One version of one kind of document; `sha256` is over the plain bytes that are kept."""

    class Kind(models.TextChoices):
        PASSPORT = "PASSPORT", "Passport"
        IDENTITY_CARD = "IDENTITY_CARD", "Identity card"
        DRIVING_LICENCE = "DRIVING_LICENCE", "Driving licence"
        PROOF_OF_ADDRESS = "PROOF_OF_ADDRESS", "Proof of address"
        SOURCE_OF_FUNDS = "SOURCE_OF_FUNDS", "Source of funds"

    record = models.ForeignKey(KycRecord, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=20, choices=Kind)
    version = models.PositiveIntegerField()
    media_type = models.CharField(max_length=20)
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = EncryptedBinaryField(data_class="documents")
    expiry_date = models.DateField(null=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["record", "kind", "version"], name="kyc_document_version"
            ),
            models.CheckConstraint(
                condition=Q(media_type__in=["image/jpeg", "image/png", "application/pdf"]),
                name="kyc_document_media_type",
            ),
        )
        ordering = ("kind", "-version")

    def __str__(self) -> str:
        return f"{self.kind} v{self.version}"

    @property
    def file_name(self) -> str:
        """Return a name made here: the client's own file name is never kept."""
        ending = {"image/jpeg": "jpg", "image/png": "png"}.get(self.media_type, "pdf")
        return f"{self.kind.lower().replace('_', '-')}-v{self.version}.{ending}"


class QuarantinedFile(BaseModel):
    """A file in which malware was found: kept encrypted as proof, served to nobody."""

    record = models.ForeignKey(KycRecord, on_delete=models.PROTECT, related_name="quarantine")
    kind = models.CharField(max_length=20, choices=KycDocument.Kind)
    signature = models.CharField(max_length=100)
    scanner = models.CharField(max_length=20)
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = EncryptedBinaryField(data_class="documents")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"Quarantined {str(self.id)[:8]}"
