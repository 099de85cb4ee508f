"""Screening a client against the lists in force: what is compared, kept, raised and rated."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.audit.services import emit
from apps.compliance.domain.kyc import RESCREENED, KycStatus, KycTrigger
from apps.compliance.domain.matching import (
    MATCHER_VERSION,
    RESULT_FLOOR,
    STRONG_FROM,
    Match,
    Subject,
    subject_match,
)
from apps.compliance.domain.reviews import ReviewReason
from apps.compliance.domain.risk_rating import risk_rate
from apps.compliance.events import KycScreened, ScreeningHitsSuperseded
from apps.compliance.models import (
    KycRecord,
    ScreenedClient,
    ScreeningHit,
    ScreeningResult,
    ScreeningRun,
)
from apps.compliance.selectors.kyc import all_answers
from apps.compliance.selectors.ownership import parties_answers
from apps.compliance.selectors.screening import (
    Candidate,
    candidates_of,
    live_hits,
    subject_as_json,
    subjects_kept,
    subjects_of,
    versions_in_force,
)
from apps.compliance.selectors.thresholds import thresholds_in_force
from apps.compliance.services.overrides import rating_apply
from apps.compliance.services.reviews import review_begin
from apps.compliance.services.screening_alerts import delisted_raise, hits_raise
from apps.core.commands import command
from apps.infrastructure.encryption import blind_index

UNDECIDED = ("OPEN", "INCONCLUSIVE")


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
    subjects = subjects_kept(record.id) if as_kept else subjects_of(record.id)
    near = {party: candidates_of(subject) for party, subject in subjects.items()}
    pairs = [
        pair
        for party, subject in subjects.items()
        for pair in pairs_scored(subject, near[party], record.risk_rating, party)
    ]
    found = _hits(pairs)
    run = ScreeningRun.objects.create(
        record=record,
        trigger=trigger,
        list_versions=versions,
        matcher_version=MATCHER_VERSION,
        threshold=thresholds_in_force().of("", record.risk_rating),
        evidence_version=record.evidence_version,
        candidate_count=sum(map(len, near.values())),
        hit_count=len(found),
        new_hit_count=0,
    )
    ScreeningResult.objects.bulk_create(
        ScreeningResult(
            run=run,
            entity_id=pair.candidate.entity_id,
            party_id=pair.party or None,
            score=pair.match.score,
            threshold=pair.threshold,
        )
        for pair in pairs
    )
    fresh = _hits_keep(run, found)
    run.new_hit_count = len(fresh)
    run.save(update_fields=["new_hit_count"])
    superseded = _supersede(record, run, found)
    _keep(record, run, subjects)
    _record_move(record, onboarding=onboarding, has_new=bool(fresh), has_gone=bool(superseded))
    _note(record, run)
    if fresh:
        hits_raise(record, fresh)
    delisted_raise(record)
    return run


def _record_move(record: KycRecord, *, onboarding: bool, has_new: bool, has_gone: bool) -> None:
    """Take the record to where the results send it, rated by them."""
    if onboarding:
        record.move(KycTrigger.SCREENED)
    elif has_new:
        review_begin(record, ReviewReason.NEW_HIT)
    if onboarding or has_new or has_gone:
        rated = record.risk_rating
        record_rate(record)
        record.evidence_version += 1
        record.save()
        if record.risk_rating != rated and thresholds_in_force().by_scope:
            # Other thresholds may hold for this class: due again, as if by another matcher.
            ScreenedClient.objects.filter(record=record).update(matcher_version="")


@dataclass(frozen=True)
class Pair:
    """An entry that was compared with somebody; a hit from its list's threshold on.

    `party` is the id of the owner or controller who was compared, empty for the client.
    """

    candidate: Candidate
    match: Match
    threshold: Decimal
    subject: Subject
    party: str = ""

    @property
    def is_hit(self) -> bool:
        return self.match.score >= self.threshold


def pairs_scored(
    subject: Subject, candidates: Sequence[Candidate], risk_class: str, party: str = ""
) -> list[Pair]:
    """Return what is worth keeping: every pair from RESULT_FLOOR on, hit or not."""
    thresholds = thresholds_in_force()
    pairs = (
        Pair(
            candidate,
            subject_match(subject, candidate.subject, candidate.weak_names),
            thresholds.of(candidate.list_code, risk_class),
            subject,
            party,
        )
        for candidate in candidates
    )
    return [pair for pair in pairs if pair.match.score >= RESULT_FLOOR]


def pairs_found(
    subject: Subject, candidates: Sequence[Candidate], risk_class: str, party: str = ""
) -> dict[str, Pair]:
    """Return the hits by a keyed digest over both their sides."""
    return _hits(pairs_scored(subject, candidates, risk_class, party))


def _hits(pairs: Sequence[Pair]) -> dict[str, Pair]:
    return {
        pair_digest(asdict(pair.subject), pair.candidate, pair.party): pair
        for pair in pairs
        if pair.is_hit
    }


def pair_digest(compared: Any, candidate: Candidate, party: str = "") -> str:
    """Return a keyed digest over what is compared of both sides; what is not, changes nothing.

    `compared` is our side as JSON; `party` the owner or controller whom it is of.
    """
    listed = asdict(candidate.subject), sorted(candidate.weak_names)
    sides = [compared, candidate.list_code, candidate.uid, listed]
    text = json.dumps([*sides, party] if party else sides)
    return blind_index(text, "screening.pair")


def _hits_keep(run: ScreeningRun, found: Mapping[str, Pair]) -> list[ScreeningHit]:
    """Store the pairs never seen before; return them.  A superseded one that is back is new."""
    known = ScreeningHit.objects.filter(record=run.record, pair_hash__in=found)
    known = known.exclude(status=ScreeningHit.Status.SUPERSEDED)
    fresh = found.keys() - set(known.values_list("pair_hash", flat=True))
    hits = [
        ScreeningHit(
            run=run,
            record=run.record,
            entity_id=found[pair].candidate.entity_id,
            pair_hash=pair,
            score=found[pair].match.score,
            client_name=found[pair].match.client_name,
            listed_name=found[pair].match.listed_name,
            features=[feature.as_json() for feature in found[pair].match.features],
            subject=subject_as_json(found[pair].subject),
            party_id=found[pair].party or None,
        )
        for pair in sorted(fresh)
    ]
    return ScreeningHit.objects.bulk_create(hits)


def _supersede(record: KycRecord, run: ScreeningRun, found: Mapping[str, Pair]) -> int:
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


def _keep(record: KycRecord, run: ScreeningRun, subjects: Mapping[str, Subject]) -> None:
    """Note what the client was screened as, and with which lists."""
    ScreenedClient.objects.update_or_create(
        record=record,
        defaults={
            "subject": subject_as_json(subjects[""]),
            "parties": {party: subject_as_json(one) for party, one in subjects.items() if party}
            or None,
            "list_versions": run.list_versions,
            "matcher_version": run.matcher_version,
            "checked_at": run.created_at,
        },
    )


def record_rate(record: KycRecord) -> None:
    """Rate the client's risk anew, with what the hits say now."""
    hits = live_hits(record.id)
    if any(hit.status == ScreeningHit.Status.TRUE_MATCH for hit in hits):
        screening = "TRUE_MATCH"
    elif hits:
        screening = "STRONG" if max(hit.score for hit in hits) >= STRONG_FROM else "POSSIBLE"
    else:
        screening = "CLEAR"
    people = parties_answers(record.id).values() if record.is_entity else ()
    assessment = risk_rate(all_answers(record.id), screening=screening, people=people)
    rating_apply(record, assessment)


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
