"""What officers say of hits: each decision on the evidence that was read, kept for good."""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.alerts import REASONS, AlertKind
from apps.compliance.domain.reasons import reason_checked
from apps.compliance.events import ScreeningHitDisposed
from apps.compliance.models import HitDecision, KycRecord, ScreeningHit
from apps.compliance.services.cases import case_open
from apps.compliance.services.reviews import record_suspend
from apps.compliance.services.screening import UNDECIDED, record_rate
from apps.compliance.services.work_locks import work_lock_require
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted, Refused
from apps.users.models import User

DISPOSITIONS = ("TRUE_MATCH", "FALSE_POSITIVE", "INCONCLUSIVE")
DECIDE = "compliance.decide_kycrecord"


@command
def hits_dispose(
    *,
    actor: User,
    hit_ids: Sequence[UUID],
    disposition: str,
    reason_code: str,
    reason: str,
    evidence_version: int,
) -> list[ScreeningHit]:
    """Say what hits of one client are: TRUE_MATCH, FALSE_POSITIVE or INCONCLUSIVE, and why.

    `evidence_version` is the one that the officer read.  A true match freezes at once: the rating
    is PROHIBITED, the client suspended, open orders are cancelled, a case is opened.  Raises
    NotPermitted, NotFound, InvalidInput, Refused `unfit_reason`, Conflict `stale_evidence` or
    `hit_closed`.
    """
    if not actor.is_active or not actor.has_perm(DECIDE):
        raise NotPermitted("You may not decide on hits.")
    text = _checked(disposition, reason_code, reason)
    record_ids = {*ScreeningHit.objects.filter(id__in=hit_ids).values_list("record_id", flat=True)}
    if len(record_ids) != 1:
        raise NotFound("There is no such hit.")
    record = KycRecord.objects.locked(record_ids.pop())
    if record.client_id == actor.id:
        raise NotPermitted("Nobody decides on a hit of their own.", code="own_record")
    work_lock_require(actor=actor, page_id=record.id)
    if record.evidence_version != evidence_version:
        raise Conflict(
            "The evidence changed since you read it.",
            code="stale_evidence",
            limit=str(record.evidence_version),
            measured=str(evidence_version),
        )
    hits = list(ScreeningHit.objects.filter(id__in=hit_ids).order_by("id"))
    if len(hits) != len({*hit_ids}):
        raise NotFound("There is no such hit.")
    _dispose(
        record,
        hits,
        actor,
        HitDecision(disposition=disposition, reason_code=reason_code, narrative=text),
    )
    return hits


@command
def hits_dispose_by_alert(
    *, actor: User, references: Collection[str], disposition: str, reason_code: str, reason: str
) -> int:
    """Carry what two officers decided on the alert over to its hits; return how many were open."""
    if disposition not in DISPOSITIONS:
        return 0
    rows = ScreeningHit.objects.filter(
        id__in=[UUID(reference) for reference in references], status__in=UNDECIDED
    )
    hits = list(rows.order_by("id"))
    for record_id in sorted({hit.record_id for hit in hits}):
        record = KycRecord.objects.locked(record_id)
        of_record = rows.filter(record=record).order_by("id")
        decision = HitDecision(disposition=disposition, reason_code=reason_code, narrative=reason)
        _dispose(record, list(of_record), actor, decision)
    return len(hits)


def _checked(disposition: str, reason_code: str, reason: str) -> str:
    if disposition not in DISPOSITIONS:
        raise InvalidInput("There is no such disposition.", field="disposition")
    if reason_code not in REASONS[AlertKind.SCREENING][disposition]:
        raise Refused(
            "That reason does not fit the disposition.", code="unfit_reason", field="reason_code"
        )
    return reason_checked(reason)


def _dispose(
    record: KycRecord, hits: Sequence[ScreeningHit], actor: User, said: HitDecision
) -> None:
    """Decide the hits of a locked record on what it is now."""
    now = timezone.now()
    for hit in hits:
        if hit.status not in UNDECIDED:
            raise Conflict("This hit was decided already.", code="hit_closed", status=hit.status)
        HitDecision.objects.create(
            hit=hit,
            disposition=said.disposition,
            reason_code=said.reason_code,
            narrative=said.narrative,
            evidence_version=record.evidence_version,
            decided_by=actor,
        )
        hit.status, hit.reason = said.disposition, said.narrative
        hit.disposed_by, hit.disposed_at = actor, now
        hit.save()
    record.evidence_version += 1
    if said.disposition == ScreeningHit.Status.TRUE_MATCH:
        _freeze(record, hits[0], actor)
    elif record.computed_rating:
        # A hit that is cleared weighs nothing any more.
        record_rate(record)
    record.save()
    for hit in hits:
        event = ScreeningHitDisposed(
            stream=record.stream,
            record_id=str(record.id),
            client_id=str(record.client_id),
            hit_id=str(hit.id),
            disposition=said.disposition,
            evidence_version=record.evidence_version,
        )
        emit(event, actor=actor)


def _freeze(record: KycRecord, hit: ScreeningHit, actor: User) -> None:
    """Stop the client's business in this very transaction, and open a case."""
    record_rate(record)
    record_suspend(record, "TRUE_MATCH", actor=actor)
    case_open(actor=actor, client_id=record.client_id, origin=f"hit-{hit.id}")
