"""Who owns and controls an entity: its parties, and what each holds in another or in the entity."""

from django.db import models
from django.db.models import Q

from apps.compliance.models.kyc import KycRecord
from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedTextField

PARTY_KINDS = (("PERSON", "Person"), ("COMPANY", "Company, trust or foundation"))
HUNDRED = 100


class KycParty(BaseModel):
    """A person or a company in the ownership of an entity; `answers` is JSON.

    A party that is taken out stays, since hits and decisions may be about it.
    """

    record = models.ForeignKey(KycRecord, on_delete=models.PROTECT, related_name="parties")
    kind = models.CharField(max_length=7, choices=PARTY_KINDS)
    answers = EncryptedTextField(data_class="kyc")
    is_signatory = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "KYC parties"
        constraints = (
            models.UniqueConstraint(
                fields=["record"],
                condition=Q(is_signatory=True, removed_at=None),
                name="kyc_party_one_signatory",
            ),
            models.CheckConstraint(
                condition=Q(is_signatory=False) | Q(kind="PERSON"),
                name="kyc_party_signatory_person",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {str(self.id)[:8]}"


class KycHolding(BaseModel):
    """What `owner` has in `owned`: per cent of shares and votes, and roles; none is the entity."""

    record = models.ForeignKey(KycRecord, on_delete=models.PROTECT, related_name="holdings")
    owner = models.ForeignKey(
        KycParty, null=True, on_delete=models.PROTECT, related_name="holdings"
    )
    owned = models.ForeignKey(KycParty, null=True, on_delete=models.PROTECT, related_name="holders")
    shares = models.DecimalField(max_digits=9, decimal_places=6)
    votes = models.DecimalField(max_digits=9, decimal_places=6)
    roles = models.JSONField(default=list)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["record", "owner", "owned"],
                condition=Q(removed_at=None),
                nulls_distinct=False,
                name="kyc_holding_once",
            ),
            models.CheckConstraint(
                condition=Q(shares__gte=0, shares__lte=HUNDRED, votes__gte=0, votes__lte=HUNDRED),
                name="kyc_holding_percent",
            ),
        )

    def __str__(self) -> str:
        return f"{self.owner_id} {self.owned_id}"
