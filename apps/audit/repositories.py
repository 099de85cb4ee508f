"""Questions to the event store and the outbox."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, Self

from django.db import models
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

if TYPE_CHECKING:
    from apps.audit.models import AuditEvent, OutboxMessage


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Streams are appended to and read, nothing else."""

    def stream(self, stream: str) -> Self:
        return self.filter(stream=stream).order_by("version")

    def head(self, stream: str) -> "AuditEvent | None":
        return self.filter(stream=stream).order_by("-version").first()

    def between(self, first: int, last: int) -> Self:
        return self.filter(sequence__gte=first, sequence__lte=last).order_by("sequence")

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("The audit trail is append-only.")

    def delete(self) -> NoReturn:
        raise TypeError("The audit trail is append-only.")


class OutboxQuerySet(models.QuerySet["OutboxMessage"]):
    def pending(self) -> Self:
        return self.filter(delivered_at=None)

    def delivered_before(self, moment: datetime) -> Self:
        return self.filter(delivered_at__lt=moment)

    def lock_next(self, context: str) -> "OutboxMessage | None":
        """Lock the next due message that is the first of its (stream, handler).

        So the order within a stream holds, and workers pass each other without waiting.
        """
        earlier = self.model.objects.pending().filter(
            stream=OuterRef("stream"), handler=OuterRef("handler"), id__lt=OuterRef("id")
        )
        return (
            self.pending()
            .filter(~Exists(earlier), context=context, next_attempt_at__lte=Now())
            .select_related("event")
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("id")
            .first()
        )
