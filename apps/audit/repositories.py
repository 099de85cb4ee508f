"""Questions to the event store and the outbox."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, Self

from django.db import models
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from apps.audit.domain.seal import seal_halves
from apps.infrastructure.prepared import run_prepared

if TYPE_CHECKING:
    from apps.audit.models import AuditEvent, OutboxMessage


# Every writer shares it, a checkpoint takes it alone.
CHECKPOINT_LOCK = 7_105_001
APPEND = """
SELECT * FROM audit_append(
  %s::uuid, %s::text, %s::text, %s::jsonb, %s::uuid, %s::timestamptz, %s::text, %s::text, %s::text,
  %s::text[], %s::text[], %s::bigint)
"""


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Streams are appended to and read, nothing else."""

    def stream(self, stream: str) -> Self:
        return self.filter(stream=stream).order_by("version")

    def append(self, row: "AuditEvent", handlers: Sequence[str], contexts: Sequence[str]) -> None:
        """Put the event at the end of its stream and a message for each handler into the outbox.

        Sets what the stream decides: sequence, version and both hashes.  One statement, under the
        stream's lock until the transaction ends.
        """
        before, after = seal_halves(row)
        values = (row.event_id, row.stream, row.name, json.dumps(row.payload), row.actor_id)
        when = (row.occurred_at, row.correlation_id, before, after)
        messages = (list(handlers), list(contexts), CHECKPOINT_LOCK)
        [written] = run_prepared(APPEND, [*values, *when, *messages])
        row.sequence, row.version, row.previous_hash, row.hash = written
        row._state.adding, row._state.db = False, self.db

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
