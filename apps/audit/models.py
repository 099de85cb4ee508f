"""The append-only event store and the outbox that delivers from it."""

from django.db import models
from django.db.models import F
from django.db.models.fields.json import KT
from django.db.models.functions import Now

from apps.audit.domain.checkpoints import CheckpointFacts
from apps.audit.repositories import AuditEventQuerySet, OutboxQuerySet


class AuditEvent(models.Model):
    """One immutable fact, chained by hash to the one before it in its stream.

    The table refuses UPDATE, DELETE and TRUNCATE by trigger.  The actor is an id and no foreign
    key: the trail outlives the people in it.
    """

    sequence = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField(unique=True)
    stream = models.CharField(max_length=100)
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    payload = models.JSONField()
    actor_id = models.UUIDField(null=True)
    occurred_at = models.DateTimeField()
    correlation_id = models.CharField(max_length=64, blank=True)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["stream", "version"], name="audit_stream_version"),
        )
        indexes = (
            models.Index(fields=["name", "occurred_at"], name="audit_name_time"),
            models.Index(fields=["actor_id", "-sequence"], name="audit_actor"),
            models.Index(KT("payload__client_id"), F("sequence").desc(), name="audit_about"),
        )

    def __str__(self) -> str:
        return f"{self.stream}@{self.version} {self.name}"


class OutboxMessage(models.Model):
    """One event on its way to one handler; written with the event, delivered after commit."""

    id = models.BigAutoField(primary_key=True)
    event = models.ForeignKey(AuditEvent, on_delete=models.PROTECT, related_name="+")
    stream = models.CharField(max_length=100)
    handler = models.CharField(max_length=200)
    context = models.CharField(max_length=30)
    created_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    last_error = models.CharField(max_length=300, blank=True)
    delivered_at = models.DateTimeField(null=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["event", "handler"], name="audit_outbox_once"),
        )
        indexes = (
            models.Index(
                fields=["context", "id"],
                name="audit_outbox_pending",
                condition=models.Q(delivered_at=None),
            ),
            models.Index(
                fields=["stream", "handler", "id"],
                name="audit_outbox_order",
                condition=models.Q(delivered_at=None),
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_id} to {self.handler}"


class Checkpoint(models.Model):
    """All events of a range of sequences under one signed Merkle root, chained to the last one.

    Append-only by trigger.  Whoever cuts the trail's tail must cut the checkpoints too, and the
    hash of the last one is kept outside (`audit_verify --anchor`).
    """

    number = models.PositiveIntegerField(primary_key=True)
    first_sequence = models.BigIntegerField()
    last_sequence = models.BigIntegerField()
    event_count = models.PositiveIntegerField()
    merkle_root = models.CharField(max_length=64)
    previous_hash = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    hash = models.CharField(max_length=64, unique=True)
    signature = models.CharField(max_length=128)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["last_sequence"], name="audit_checkpoint_last"),
            models.CheckConstraint(
                condition=models.Q(first_sequence__lte=models.F("last_sequence")),
                name="audit_checkpoint_range",
            ),
        )

    def __str__(self) -> str:
        return f"Checkpoint {self.number}"

    def facts(self) -> CheckpointFacts:
        return CheckpointFacts(
            number=self.number,
            first_sequence=self.first_sequence,
            last_sequence=self.last_sequence,
            event_count=self.event_count,
            merkle_root=self.merkle_root,
            previous_hash=self.previous_hash,
            created_at=self.created_at,
        )
