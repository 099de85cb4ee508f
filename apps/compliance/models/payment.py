"""The other sides of payments, compared with the lists before their money moves on."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.compliance.models.alert import Alert
from apps.compliance.models.watchlist import WatchlistEntity
from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedJSONField, EncryptedTextField


class PaymentScreening(BaseModel):
    """One a payment (`transfer_id`): who was compared, with which lists, and what became of it.

    HELD waits for the alert's two officers; RELEASED was no match, BLOCKED was one and stays until
    two officers find it a way out; DELISTED went on by itself when the lists named nobody any more.
    """

    class Status(models.TextChoices):
        CLEAR = "CLEAR", "Nothing found"
        HELD = "HELD", "Held for an officer"
        RELEASED = "RELEASED", "Released: no match"
        BLOCKED = "BLOCKED", "Blocked: true match"
        DELISTED = "DELISTED", "Released: not listed any more"

    transfer_id = models.UUIDField(unique=True)
    client = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    party = EncryptedJSONField(data_class="compliance")
    list_versions = models.JSONField()
    matcher_version = models.CharField(max_length=20)
    status = models.CharField(max_length=8, choices=Status)
    alert = models.OneToOneField(
        Alert, null=True, on_delete=models.PROTECT, related_name="payment_screening"
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(status="CLEAR", alert=None)
                | Q(status__in=["HELD", "RELEASED", "BLOCKED", "DELISTED"], alert__isnull=False),
                name="payment_screening_alert",
            ),
        )

    def __str__(self) -> str:
        return f"Payment {str(self.transfer_id)[:8]}"

    @property
    def stream(self) -> str:
        return f"payment-{self.transfer_id}"


class PaymentExit(BaseModel):
    """How a blocked payment leaves: proposed by one officer, carried out by another.

    `licence` names what the authority allowed; `reason` is the officer's own words.
    """

    class Action(models.TextChoices):
        RELEASE = "RELEASE", "Let it go on, under a licence"
        RETURN = "RETURN", "Undo it: reject, do not block"

    class Status(models.TextChoices):
        PROPOSED = "PROPOSED", "Waits for a second officer"
        DONE = "DONE", "Carried out"
        DECLINED = "DECLINED", "Declined"

    screening = models.ForeignKey(PaymentScreening, on_delete=models.PROTECT, related_name="exits")
    action = models.CharField(max_length=7, choices=Action)
    licence = models.CharField(max_length=100, blank=True)
    reason = EncryptedTextField[str, str](data_class="compliance")
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
                fields=["screening"], condition=Q(status="PROPOSED"), name="payment_exit_one_open"
            ),
            models.CheckConstraint(
                condition=Q(action="RETURN") | Q(action="RELEASE", licence__gt=""),
                name="payment_exit_licence",
            ),
            models.CheckConstraint(
                condition=Q(status="PROPOSED", decided_by=None, decided_at=None)
                | Q(status="DECLINED", decided_by__isnull=False, decided_at__isnull=False)
                | (
                    Q(status="DONE", decided_by__isnull=False, decided_at__isnull=False)
                    & ~Q(decided_by=F("proposed_by"))
                ),
                name="payment_exit_second_officer",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.screening}"


class PaymentResult(models.Model):
    """One entry that scored from RESULT_FLOOR on; append-only, a hit from `threshold` on.

    `pair_hash` covers the client, the other side and the entry; `is_known`: officers had said
    before that this pair is no match.
    """

    id = models.BigAutoField(primary_key=True)
    screening = models.ForeignKey(
        PaymentScreening, on_delete=models.PROTECT, related_name="results"
    )
    entity = models.ForeignKey(WatchlistEntity, on_delete=models.PROTECT, related_name="+")
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    pair_hash = models.CharField(max_length=64, db_index=True)
    score = models.DecimalField(max_digits=4, decimal_places=3)
    threshold = models.DecimalField(max_digits=4, decimal_places=3)
    is_known = models.BooleanField(default=False)
    listed_name = models.CharField(max_length=400)
    features = EncryptedJSONField(data_class="compliance", row="uid")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["screening", "entity"], name="payment_result_once"),
        )

    def __str__(self) -> str:
        return f"{self.listed_name} {self.score}"
