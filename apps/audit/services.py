"""emit(): the one door into the audit trail; outbox_deliver(): the one way out to handlers."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Max
from django.utils import timezone
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from apps.audit.domain.checkpoints import CheckpointFacts
from apps.audit.domain.merkle import MerkleTree
from apps.audit.events import AccessMade
from apps.audit.models import AuditEvent, Checkpoint, OutboxMessage
from apps.audit.providers.signing import signing_key
from apps.audit.repositories import CHECKPOINT_LOCK
from apps.core.commands import command
from apps.core.errors import Unavailable
from apps.core.events import DomainEvent, handlers_of
from apps.infrastructure.keyvalue import redis_client

logger = structlog.get_logger(__name__)
RETRY_CEILING_SECONDS = 300
OUTBOX_KEPT = timedelta(days=30)
NUDGED = "outbox:nudged:"
NUDGE_LIFE_MS = 2000
CHECKPOINT_WAIT_MS = 1000


class Actor(Protocol):
    """Whoever acts: a user, by primary key."""

    pk: Any


def emit(event: DomainEvent, *, actor: Actor | None) -> AuditEvent:
    """Append the event to its stream now; its handlers hear of it after commit.

    Must run inside a command's transaction.  Two writers of one stream wait for each other on an
    advisory lock, so versions have no gaps and hashes no forks.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("emit() belongs inside a command.")
    correlation = structlog.contextvars.get_contextvars().get("correlation_id", "")
    row = AuditEvent(
        event_id=UUID(event.event_id),
        stream=event.stream,
        name=event.name,
        payload=event.payload,
        actor_id=UUID(str(actor.pk)) if actor else None,
        occurred_at=event.occurred_at,
        correlation_id=event.correlation_id or str(correlation),
    )
    handlers = list(handlers_of(row.name))
    contexts = [path.split(".")[1] for path in handlers]
    AuditEvent.objects.append(row, handlers, contexts)
    if contexts:
        transaction.on_commit(partial(nudge, *sorted(set(contexts))), robust=True)
    return row


def nudge(*contexts: str) -> None:
    """Ask a worker to deliver now; without a broker the sweep delivers a little later.

    While a nudge of a context waits for its worker, another one would tell it nothing new.
    """
    try:
        for context in _unasked(contexts):
            current_app.send_task("audit.outbox_deliver", args=[context], queue=context)
    except (OSError, RedisError, KombuError) as error:
        logger.warning("outbox_nudge_failed", contexts=contexts, error=type(error).__name__)


def _unasked(contexts: Sequence[str]) -> list[str]:
    with redis_client().pipeline(transaction=False) as pipeline:
        for context in contexts:
            pipeline.set(NUDGED + context, "1", nx=True, px=NUDGE_LIFE_MS)
        return [name for name, is_new in zip(contexts, pipeline.execute(), strict=True) if is_new]


def _answer_nudge(context: str) -> None:
    """Let the next commit nudge again: what was committed before is seen by whoever looks now."""
    try:
        redis_client().delete(NUDGED + context)
    except RedisError as error:
        logger.warning("outbox_nudge_unanswered", context=context, error=type(error).__name__)


def outbox_deliver(*, context: str, limit: int = 500) -> int:
    """Deliver the context's due messages, each in its own transaction; return how many.

    The message is marked in the transaction in which its handler writes, so a crash in between
    undoes both.  What fails (also an event or a handler that the code no longer has) is tried again
    with growing pauses and blocks only its own stream.
    """
    _answer_nudge(context)
    delivered = 0
    for _ in range(limit):
        outcome = _deliver_next(context)
        if outcome is None:
            return delivered
        delivered += outcome
    nudge(context)
    return delivered


@transaction.atomic
def _deliver_next(context: str) -> int | None:
    message = OutboxMessage.objects.lock_next(context)
    if message is None:
        return None
    row = message.event
    bound = {"correlation_id": row.correlation_id} if row.correlation_id else {}
    try:
        with structlog.contextvars.bound_contextvars(**bound), transaction.atomic():
            handlers_of(row.name)[message.handler](rebuild(row))
    except Exception as error:
        message.attempts += 1
        pause = min(2**message.attempts, RETRY_CEILING_SECONDS)
        message.next_attempt_at = timezone.now() + timedelta(seconds=pause)
        message.last_error = type(error).__name__
        message.save(update_fields=["attempts", "next_attempt_at", "last_error"])
        logger.exception("outbox_handler_failed", handler=message.handler, event_name=row.name)
        return 0
    message.delivered_at = timezone.now()
    message.save(update_fields=["delivered_at"])
    return 1


def rebuild(row: AuditEvent) -> DomainEvent:
    """Return the event as it was emitted."""
    return DomainEvent.types[row.name](
        stream=row.stream,
        event_id=str(row.event_id),
        occurred_at=row.occurred_at,
        version=row.version,
        actor_id=str(row.actor_id) if row.actor_id else None,
        correlation_id=row.correlation_id,
        **row.payload,
    )


def outbox_sweep() -> None:
    """Nudge every context that has something pending: what a lost nudge left behind."""
    pending = OutboxMessage.objects.pending().values_list("context", flat=True).distinct()
    for context in pending:
        if context in settings.CONTEXT_QUEUES:
            nudge(context)


def outbox_prune(*, batch: int = 1000, batches: int = 100) -> int:
    """Forget messages that were delivered longer than OUTBOX_KEPT ago; return how many.

    Each batch is its own short transaction; what is left after the last one waits for the next
    run.  The events themselves, and what is not delivered, stay.
    """
    before, pruned = timezone.now() - OUTBOX_KEPT, 0
    for _ in range(batches):
        oldest = OutboxMessage.objects.delivered_before(before).order_by("id").values("id")[:batch]
        count, _ = OutboxMessage.objects.filter(id__in=oldest).delete()
        pruned += count
        if count < batch:
            break
    return pruned


def checkpoint_write() -> Checkpoint | None:
    """Sign all events since the last checkpoint; None when there are none.

    Raises Unavailable while some transaction keeps its events open for longer than
    CHECKPOINT_WAIT_MS: the next run covers them.
    """
    return _checkpoint_append(up_to=_watermark())


@transaction.atomic
def _watermark() -> int:
    """Return a sequence below which no event can still appear.

    Numbers are taken before their transactions commit, so this waits for those that hold some.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {CHECKPOINT_WAIT_MS}")
        try:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHECKPOINT_LOCK])
        except OperationalError as error:
            raise Unavailable("An open transaction holds events back.") from error
        cursor.execute("SET LOCAL lock_timeout = 0")
    return AuditEvent.objects.aggregate(last=Max("sequence"))["last"] or 0


@command
def _checkpoint_append(*, up_to: int) -> Checkpoint | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHECKPOINT_LOCK + 1])
    last = Checkpoint.objects.order_by("-number").first()
    after = last.last_sequence if last else 0
    tree = MerkleTree()
    hashes = AuditEvent.objects.between(after + 1, up_to).values_list("hash", flat=True)
    for event_hash in hashes.iterator(chunk_size=5000):
        tree.add(event_hash)
    if not tree.count:
        return None
    facts = CheckpointFacts(
        number=last.number + 1 if last else 1,
        first_sequence=after + 1,
        last_sequence=up_to,
        event_count=tree.count,
        merkle_root=tree.root,
        previous_hash=last.hash if last else "",
        created_at=timezone.now(),
    )
    signature = signing_key().sign(facts.image()).hex()
    return Checkpoint.objects.create(**asdict(facts), hash=facts.hash(), signature=signature)


@command
def access_record(*, actor: Actor, method: str, route: str, objects: dict[str, str]) -> None:
    """Write down that a member of staff has read what is at the route, in a stream of their own."""
    event = AccessMade(stream=f"access-{actor.pk}", method=method, route=route, objects=objects)
    emit(event, actor=actor)
