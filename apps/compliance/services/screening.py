"""Screening a client against the lists in force, and what an officer says to a hit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.kyc import CLEARED, RESCREENED, KycStatus, KycTrigger
from apps.compliance.domain.matching import (
    DEFAULT_THRESHOLD,
    MATCHER_VERSION,
    STRONG_FROM,
    Match,
    Subject,
    subject_match,
)
from apps.compliance.domain.risk_rating import MODEL_VERSION, risk_rate
from apps.compliance.events import (
    KycScreened,
    KycStatusChanged,
    ScreeningHitDisposed,
    ScreeningHitsSuperseded,
)
from apps.compliance.models import KycRecord, ScreenedClient, ScreeningHit, ScreeningRun
from apps.compliance.selectors.kyc import all_answers
from apps.compliance.selectors.screening import (
    Candidate,
    candidates_of,
    live_hits,
    subject_as_json,
    subject_kept,
    subject_of,
    versions_in_force,
)
from apps.compliance.services.screening_alerts import delisted_raise, hits_raise
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from apps.infrastructure.encryption import blind_index
from apps.users.models import User

DISPOSITIONS = ("TRUE_MATCH", "FALSE_POSITIVE", "INCONCLUSIVE")
UNDECIDED = ("OPEN", "INCONCLUSIVE")
DECIDE = "compliance.decide_kycrecord"
MAX_REASON = 1000


@command
def screening_run(*, record_id: UUID, trigger: str = "ONBOARDING") -> ScreeningRun | None:
    """Compare the client with the lists in force; rate the risk; raise an alert on new hits.

    ONBOARDING takes a SUBMITTED record through SCREENING to IN_REVIEW.  The others compare a client
    of the firm anew: with answers that were changed since (CLIENT_CHANGE), or as last screened
    (LIST_CHANGE, NIGHTLY); a new hit sends an APPROVED record to UNDER_REVIEW.  A pair seen before,
    cleared or not, is not raised again while neither side changed; an undecided one that is not
    found any more is superseded.  Returns None when there was nothing to do.
    """
    record = KycRecord.objects.locked(record_id)
    onboarding = trigger == ScreeningRun.Trigger.ONBOARDING
    if onboarding:
        if record.status != KycStatus.SUBMITTED:
            return None
        record.move(KycTrigger.SCREEN)
    elif record.status not in RESCREENED:
        return None
    # Read before the index, which is then never older than what the run says.
    versions = versions_in_force()
    as_kept = trigger in {ScreeningRun.Trigger.LIST_CHANGE, ScreeningRun.Trigger.NIGHTLY}
    subject = subject_kept(record.id) if as_kept else subject_of(record.id)
    candidates = candidates_of(subject)
    found = pairs_found(subject, candidates)
    run = ScreeningRun.objects.create(
        record=record,
        trigger=trigger,
        list_versions=versions,
        matcher_version=MATCHER_VERSION,
        threshold=DEFAULT_THRESHOLD,
        evidence_version=record.evidence_version,
        candidate_count=len(candidates),
        hit_count=len(found),
        new_hit_count=0,
    )
    fresh = _hits_keep(run, found)
    run.new_hit_count = len(fresh)
    run.save(update_fields=["new_hit_count"])
    superseded = _supersede(record, run, found)
    _keep(record, run, subject)
    if onboarding:
        record.move(KycTrigger.SCREENED)
    elif fresh and record.status == KycStatus.APPROVED:
        record.move(KycTrigger.REVIEW)
    if onboarding or fresh or superseded:
        _rate(record)
        record.evidence_version += 1
        record.save()
    _note(record, run)
    if fresh:
        hits_raise(record, fresh)
    delisted_raise(record)
    return run


@command
def hit_dispose(*, actor: User, hit_id: UUID, disposition: str, reason: str) -> ScreeningHit:
    """Say what a hit is: TRUE_MATCH, FALSE_POSITIVE or INCONCLUSIVE, with a reason.

    A true match makes the rating PROHIBITED and suspends an approved client.  Raises NotPermitted,
    NotFound, InvalidInput, Conflict when the hit is closed.
    """
    if not actor.has_perm(DECIDE):
        raise NotPermitted("You may not decide on hits.")
    hit = ScreeningHit.objects.filter(id=hit_id).first()
    if hit is None:
        raise NotFound("There is no such hit.")
    record = KycRecord.objects.locked(hit.record_id)
    if record.client_id == actor.id:
        raise NotPermitted("Nobody decides on a hit of their own.", code="own_record")
    _dispose(record, hit, actor, disposition, reason)
    return hit


@command
def hits_dispose_by_alert(
    *, actor: User, references: Sequence[str], disposition: str, reason: str
) -> int:
    """Carry what two officers decided on the alert over to its hits; return how many were open."""
    if disposition not in DISPOSITIONS:
        return 0
    rows = ScreeningHit.objects.filter(
        id__in=[UUID(reference) for reference in references], status__in=UNDECIDED
    )
    hits = list(rows.order_by("id"))
    for hit in hits:
        _dispose(KycRecord.objects.locked(hit.record_id), hit, actor, disposition, reason)
    return len(hits)


def pairs_found(
    subject: Subject, candidates: Sequence[Candidate]
) -> dict[str, tuple[Candidate, Match]]:
    """Return the pairs at or above the threshold, by a keyed digest over both their sides."""
    found = {}
    for candidate in candidates:
        match = subject_match(subject, candidate.subject, candidate.weak_names)
        if match.score >= DEFAULT_THRESHOLD:
            found[_pair_hash(subject, candidate)] = (candidate, match)
    return found


def _pair_hash(subject: Subject, candidate: Candidate) -> str:
    """Return a keyed digest over both sides: it changes when one of them does."""
    text = json.dumps([asdict(subject), candidate.list_code, candidate.uid, candidate.content_hash])
    return blind_index(text, "screening.pair")


def _hits_keep(
    run: ScreeningRun, found: Mapping[str, tuple[Candidate, Match]]
) -> list[ScreeningHit]:
    """Store the pairs never seen before; return them.  A superseded one that is back is new."""
    known = ScreeningHit.objects.filter(record=run.record, pair_hash__in=found)
    known = known.exclude(status=ScreeningHit.Status.SUPERSEDED)
    fresh = found.keys() - set(known.values_list("pair_hash", flat=True))
    hits = [
        ScreeningHit(
            run=run,
            record=run.record,
            entity_id=found[pair][0].entity_id,
            pair_hash=pair,
            score=found[pair][1].score,
            client_name=found[pair][1].client_name,
            listed_name=found[pair][1].listed_name,
            features=[feature.as_json() for feature in found[pair][1].features],
        )
        for pair in sorted(fresh)
    ]
    return ScreeningHit.objects.bulk_create(hits)


def _supersede(
    record: KycRecord, run: ScreeningRun, found: Mapping[str, tuple[Candidate, Match]]
) -> int:
    """Close undecided hits that the client's answers, or the list, no longer give."""
    undecided = ScreeningHit.objects.filter(record=record, status__in=UNDECIDED)
    stale = list(undecided.exclude(pair_hash__in=found).values_list("id", flat=True))
    if stale:
        ScreeningHit.objects.filter(id__in=stale).update(
            status=ScreeningHit.Status.SUPERSEDED, superseded_in=run
        )
        event = ScreeningHitsSuperseded(
            stream=record.stream,
            record_id=str(record.id),
            client_id=str(record.client_id),
            run_id=str(run.id),
            trigger=run.trigger,
            hit_ids=[str(hit_id) for hit_id in stale],
        )
        emit(event, actor=None)
    return len(stale)


def _keep(record: KycRecord, run: ScreeningRun, subject: Subject) -> None:
    """Note what the client was screened as, and with which lists."""
    ScreenedClient.objects.update_or_create(
        record=record,
        defaults={
            "subject": subject_as_json(subject),
            "list_versions": run.list_versions,
            "matcher_version": run.matcher_version,
            "checked_at": run.created_at,
        },
    )


def _rate(record: KycRecord) -> None:
    hits = live_hits(record.id)
    if any(hit.status == ScreeningHit.Status.TRUE_MATCH for hit in hits):
        screening = "TRUE_MATCH"
    elif hits:
        screening = "STRONG" if max(hit.score for hit in hits) >= STRONG_FROM else "POSSIBLE"
    else:
        screening = "CLEAR"
    assessment = risk_rate(all_answers(record.id), screening=screening)
    record.risk_rating = assessment.rating
    record.risk_score = assessment.score
    record.risk_factors = [factor.as_json() for factor in assessment.factors]
    record.risk_model_version = MODEL_VERSION


def _note(record: KycRecord, run: ScreeningRun) -> None:
    emit(
        KycScreened(
            stream=record.stream,
            record_id=str(record.id),
            client_id=str(record.client_id),
            run_id=str(run.id),
            trigger=run.trigger,
            hit_count=run.hit_count,
            new_hit_count=run.new_hit_count,
            risk_rating=record.risk_rating,
            evidence_version=record.evidence_version,
        ),
        actor=None,
    )


def _dispose(
    record: KycRecord, hit: ScreeningHit, actor: User, disposition: str, reason: str
) -> None:
    text = reason.strip()
    if disposition not in DISPOSITIONS:
        raise InvalidInput("There is no such disposition.", field="disposition")
    if not text or len(text) > MAX_REASON:
        raise InvalidInput(f"A reason of 1 to {MAX_REASON} characters is needed.", field="reason")
    hit.refresh_from_db()
    if hit.status not in UNDECIDED:
        raise Conflict("This hit was decided already.", code="hit_closed", status=hit.status)
    hit.status = disposition
    hit.reason, hit.disposed_by, hit.disposed_at = text, actor, timezone.now()
    hit.save()
    record.evidence_version += 1
    if disposition == ScreeningHit.Status.TRUE_MATCH:
        _freeze(record, actor)
    record.save()
    emit(
        ScreeningHitDisposed(
            stream=record.stream,
            record_id=str(record.id),
            client_id=str(record.client_id),
            hit_id=str(hit.id),
            disposition=disposition,
            evidence_version=record.evidence_version,
        ),
        actor=actor,
    )


def _freeze(record: KycRecord, actor: User) -> None:
    _rate(record)
    if record.status not in CLEARED:
        return
    record.move(KycTrigger.SUSPEND)
    record.reason_code = "TRUE_MATCH"
    event = KycStatusChanged(
        stream=record.stream,
        record_id=str(record.id),
        client_id=str(record.client_id),
        status=record.status,
        reason_code=record.reason_code,
    )
    emit(event, actor=actor)
