"""The append-only event store and the outbox that delivers from it."""

from django.db import models
from django.db.models.functions import Now

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
        indexes = (models.Index(fields=["name", "occurred_at"], name="audit_name_time"),)

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
