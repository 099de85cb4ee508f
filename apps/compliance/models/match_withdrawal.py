"""A true match that two officers take back: the entry left its list, or it is not the client."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.compliance.models.screening import ScreeningHit
from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedTextField


class MatchWithdrawal(BaseModel):
    """`evidence_version` is the one of the record that the proposer read."""

    class Status(models.TextChoices):
        PROPOSED = "PROPOSED", "Waits for a second officer"
        DONE = "DONE", "Taken back"
        DECLINED = "DECLINED", "Declined"

    class Ground(models.TextChoices):
        DELISTED = "DELISTED", "The entry left its list"
        OTHER_PERSON = "OTHER_PERSON", "Another person, as is known now"
        MISTAKE = "MISTAKE", "Decided by mistake"

    hit = models.ForeignKey(ScreeningHit, on_delete=models.PROTECT, related_name="withdrawals")
    reason_code = models.CharField(max_length=12, choices=Ground)
    reason = EncryptedTextField(data_class="compliance", max_length=1000)
    evidence_version = models.PositiveIntegerField()
    status = models.CharField(max_length=8, choices=Status, default=Status.PROPOSED)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["hit"], condition=Q(status="PROPOSED"), name="match_withdrawal_one_proposed"
            ),
            models.CheckConstraint(
                condition=Q(status="PROPOSED", decided_by=None, decided_at=None)
                | Q(status="DECLINED", decided_by__isnull=False, decided_at__isnull=False)
                | Q(status="DONE", decided_by__isnull=False, decided_at__isnull=False)
                & ~Q(decided_by=F("proposed_by")),
                name="match_withdrawal_two_officers",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_reason_code_display()} ({self.get_status_display()})"
