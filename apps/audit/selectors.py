"""Questions to the trail: a timeline, the proof of an event, and whether all still holds."""

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.fields.json import KT
from django.utils import timezone

from apps.audit.domain.checkpoints import signature_verify
from apps.audit.domain.merkle import MerkleTree, inclusion_proof
from apps.audit.domain.seal import image_of, seal_of
from apps.audit.models import AuditEvent, Checkpoint, OutboxMessage
from apps.audit.providers.signing import public_key
from apps.core.errors import NotFound
from apps.infrastructure.health import Finding, grade_age

CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Break:
    """The first place at which the trail does not hold."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


@dataclass(slots=True)
class Verification:
    """What was read, and the first break if there is one."""

    events: int = 0
    streams: int = 0
    checkpoints: int = 0
    unsigned_events: int = 0
    last_checkpoint: str = ""
    broken: Break | None = None


def stream_events(stream: str) -> QuerySet[AuditEvent]:
    """Return the events of one aggregate, oldest first."""
    return AuditEvent.objects.stream(stream)


def client_trail(client_id: UUID, *, names: Collection[str]) -> QuerySet[AuditEvent]:
    """Return what the client did and what happened to the client, newest first.

    Only events of these names: a client must not learn from the trail that somebody is looking.
    """
    rows = AuditEvent.objects.annotate(about=KT("payload__client_id"))
    mine = Q(actor_id=client_id) | Q(about=str(client_id))
    return rows.filter(mine, name__in=names).order_by("-sequence")


def event_count() -> int:
    return int(AuditEvent.objects.aggregate(number=Count("sequence"))["number"])


def trail_verify(
    *, anchor: str = "", on_progress: Callable[[int], None] | None = None
) -> Verification:
    """Recompute every hash and link, then every checkpoint; stop at the first break.

    Events are read by (stream, version) in bounded memory.  `anchor` is the hash of a checkpoint
    that was kept elsewhere: one that is gone means that the tail was cut with its checkpoints.
    """
    result = Verification()
    result.broken = _verify_events(result, on_progress)
    if result.broken is None:
        result.broken = _verify_checkpoints(result)
    if result.broken is None and anchor and not Checkpoint.objects.filter(hash=anchor).exists():
        result.broken = Break(f"checkpoint {anchor}", "it was kept elsewhere and is gone here")
    return result


def _verify_events(result: Verification, on_progress: Callable[[int], None] | None) -> Break | None:
    stream, version, head = "", 0, ""
    rows = AuditEvent.objects.order_by("stream", "version")
    for row in rows.iterator(chunk_size=CHUNK):
        if row.stream != stream:
            stream, version, head = row.stream, 0, ""
            result.streams += 1
        reason = _fault(row, version + 1, head)
        if reason:
            where = f"event {row.stream}@{row.version} {row.name} ({row.event_id})"
            return Break(where, reason)
        version, head = row.version, row.hash
        result.events += 1
        if on_progress and result.events % CHUNK == 0:
            on_progress(result.events)
    if on_progress:
        on_progress(result.events)
    return None


def _fault(row: AuditEvent, version: int, head: str) -> str:
    if row.version != version:
        return f"version {version} is missing before it"
    if row.previous_hash != head:
        return "it is not linked to the event before it"
    if row.hash != seal_of(row):
        return "its content does not have its hash"
    return ""


def _verify_checkpoints(result: Verification) -> Break | None:
    key = public_key()
    number, covered, head = 0, 0, ""
    for checkpoint in Checkpoint.objects.order_by("number").iterator(chunk_size=CHUNK):
        reason = _checkpoint_fault(checkpoint, (number + 1, covered + 1, head), key)
        if reason:
            span = f"events {checkpoint.first_sequence} to {checkpoint.last_sequence}"
            return Break(f"checkpoint {checkpoint.number} ({span})", reason)
        number, covered, head = checkpoint.number, checkpoint.last_sequence, checkpoint.hash
    result.checkpoints, result.last_checkpoint = number, head
    result.unsigned_events = AuditEvent.objects.filter(sequence__gt=covered).count()
    return None


def _checkpoint_fault(checkpoint: Checkpoint, expected: tuple[int, int, str], key: bytes) -> str:
    facts = checkpoint.facts()
    if (facts.number, facts.first_sequence, facts.previous_hash) != expected:
        return "it does not follow the checkpoint before it"
    if checkpoint.hash != facts.hash() or not signature_verify(key, facts, checkpoint.signature):
        return "its signature does not hold"
    tree = MerkleTree()
    rows = AuditEvent.objects.between(facts.first_sequence, facts.last_sequence)
    for event_hash in rows.values_list("hash", flat=True).iterator(chunk_size=CHUNK):
        tree.add(event_hash)
    if tree.count != facts.event_count:
        return f"it signed {facts.event_count} events and {tree.count} are there"
    return "" if tree.root == facts.merkle_root else "its events are not those that were signed"


def event_proof(event_id: UUID) -> dict[str, Any]:
    """Return a document that proves the event to anybody who has the public key.

    Raises NotFound for an unknown event, or one that no checkpoint covers yet.
    """
    row = AuditEvent.objects.filter(event_id=event_id).first()
    if row is None:
        raise NotFound("There is no such event.")
    checkpoint = (
        Checkpoint.objects.filter(last_sequence__gte=row.sequence).order_by("number").first()
    )
    if checkpoint is None:
        raise NotFound("No checkpoint covers the event yet.", code="not_checkpointed")
    rows = AuditEvent.objects.between(checkpoint.first_sequence, checkpoint.last_sequence)
    hashes = dict(rows.values_list("sequence", "hash"))
    facts = asdict(checkpoint.facts())
    return {
        "event": {"image": image_of(row), "hash": row.hash},
        "proof": inclusion_proof(list(hashes.values()), list(hashes).index(row.sequence)),
        "checkpoint": {
            "facts": {**facts, "created_at": checkpoint.created_at.isoformat()},
            "signature": checkpoint.signature,
        },
        "public_key": public_key().hex(),
    }


def check_outbox() -> Finding:
    """Grade the outbox by the age of its oldest undelivered message; 0 when nothing waits."""
    oldest = OutboxMessage.objects.pending().aggregate(at=Min("created_at"))["at"]
    age = (timezone.now() - oldest).total_seconds() if oldest else 0.0
    return grade_age(age, late=15, down=300, missing="")
