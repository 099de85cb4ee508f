"""A rating is set against the computed one by two officers, and ends when its ground is gone."""

from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.kyc import DECIDABLE, RiskRating
from apps.compliance.domain.kyc_reasons import OVERRIDE_REASONS
from apps.compliance.domain.risk_rating import (
    MODEL_VERSION,
    Assessment,
    inputs_hash,
    is_outgrown,
)
from apps.compliance.events.kyc import RatingOverrideChanged
from apps.compliance.models import KycRecord, RatingOverride, ScreenedClient
from apps.compliance.selectors.thresholds import thresholds_in_force
from apps.compliance.services.work_locks import work_lock_release, work_lock_require
from apps.core.commands import command
from apps.core.errors import (
    Conflict,
    IllegalTransition,
    InvalidInput,
    NotFound,
    NotPermitted,
    Refused,
)
from apps.users.models import User

DECIDE = "compliance.decide_kycrecord"
MAX_NOTE = 2000
Status = RatingOverride.Status


@command
def override_propose(
    *,
    actor: User,
    record_id: UUID,
    rating: str,
    reason_code: str,
    note: str,
    inputs_hash: str,
    evidence_version: int,
) -> RatingOverride:
    """Propose another rating than the computed one: LOW, MEDIUM or HIGH.

    `inputs_hash` and `evidence_version` are those that the officer read.  Raises NotPermitted,
    NotFound, InvalidInput, IllegalTransition, Conflict `stale_evidence`, `override_proposed` or
    `work_locked`, Refused `risk_prohibited` or `same_rating`.
    """
    record = _for_officer(actor, record_id)
    text = note.strip()
    if rating not in {"LOW", "MEDIUM", "HIGH"}:
        raise InvalidInput("Choose low, medium or high.", field="rating")
    if reason_code not in OVERRIDE_REASONS:
        raise InvalidInput("There is no such reason.", field="reason_code")
    if not 0 < len(text) <= MAX_NOTE or "\x00" in text:
        raise InvalidInput(f"A reason of 1 to {MAX_NOTE} characters is needed.", field="note")
    _check_current(record, inputs_hash, evidence_version)
    if record.overrides.filter(status=Status.PROPOSED).exists():
        raise Conflict("An override waits for its second officer.", code="override_proposed")
    if record.computed_rating in {RiskRating.PROHIBITED, ""}:
        raise Refused("This rating cannot be overridden.", code="risk_prohibited")
    if rating in {record.computed_rating, record.risk_rating}:
        raise Refused("The client has that rating.", code="same_rating", measured=rating)
    override = RatingOverride.objects.create(
        record=record,
        rating=rating,
        computed_rating=record.computed_rating,
        inputs_hash=record.risk_inputs_hash,
        evidence_version=record.evidence_version,
        reason_code=reason_code,
        note=text,
        proposed_by=actor,
    )
    emit(_changed(override), actor=actor)
    work_lock_release(actor=actor, page_id=record.id)
    return override


@command
def override_confirm(
    *, actor: User, override_id: UUID, rating: str, evidence_version: int
) -> RatingOverride:
    """Bring another officer's override into force; decisions that were proposed before are stale.

    `rating` is what the officer read.  Raises as override_propose does, NotPermitted `same_officer`
    for the proposer, Conflict `override_closed` or `other_payload`.
    """
    override, record = _proposed(actor, override_id)
    if override.proposed_by_id == actor.pk:
        raise NotPermitted("A second officer must confirm.", code="same_officer")
    if override.rating != rating:
        raise Conflict("This is not what was proposed.", code="other_payload")
    if evidence_version != override.evidence_version:
        raise _stale()
    _check_current(record, override.inputs_hash, override.evidence_version)
    override_end(record, "REPLACED")
    _decide(override, actor, Status.ACTIVE)
    record.risk_rating = override.rating
    record.evidence_version += 1
    record.save()
    if thresholds_in_force().by_scope:
        # Other thresholds may hold for this class: due again, as if by another matcher.
        ScreenedClient.objects.filter(record=record).update(matcher_version="")
    emit(_changed(override), actor=actor)
    return override


@command
def override_decline(*, actor: User, override_id: UUID) -> RatingOverride:
    """Turn a proposal down, or take one's own back; raises NotPermitted, NotFound, Conflict."""
    override, _ = _proposed(actor, override_id)
    _decide(override, actor, Status.DECLINED)
    emit(_changed(override), actor=actor)
    return override


def override_end(record: KycRecord, reason: str) -> None:
    """Give a locked record its computed rating back, where it was overridden; the caller saves."""
    active = record.overrides.filter(status=Status.ACTIVE).first()
    if active is not None:
        active.status, active.ended_at, active.end_reason = Status.ENDED, timezone.now(), reason
        active.save(update_fields=["status", "ended_at", "end_reason", "updated_at"])
        record.risk_rating = record.computed_rating
        emit(_changed(active), actor=None)


def rating_apply(record: KycRecord, assessment: Assessment) -> None:
    """Keep a new computed rating on a locked record; an override that it outgrew ends."""
    record.computed_rating = assessment.rating
    record.risk_score = assessment.score
    record.risk_factors = [factor.as_json() for factor in assessment.factors]
    record.risk_model_version = MODEL_VERSION
    record.risk_inputs_hash = inputs_hash(assessment)
    active = record.overrides.filter(status=Status.ACTIVE).first()
    if active is not None and is_outgrown(
        assessment.rating, (active.rating, active.computed_rating)
    ):
        override_end(record, "OUTGROWN")
        active = None
    record.risk_rating = active.rating if active else assessment.rating


def _for_officer(actor: User, record_id: UUID) -> KycRecord:
    if not actor.is_active or not actor.has_perm(DECIDE):
        raise NotPermitted("You may not decide KYC records.")
    record = KycRecord.objects.locked(record_id)
    if record.client_id == actor.id:
        raise NotPermitted("Nobody decides their own record.", code="own_record")
    work_lock_require(actor=actor, page_id=record.id)
    return record


def _check_current(record: KycRecord, inputs: str, evidence_version: int) -> None:
    if record.status not in DECIDABLE:
        raise IllegalTransition(
            f"A KYC record that is {record.status} cannot be decided.", status=record.status
        )
    if record.evidence_version != evidence_version or record.risk_inputs_hash != inputs:
        raise _stale()


def _stale() -> Conflict:
    return Conflict("The evidence changed since you read it.", code="stale_evidence")


def _proposed(actor: User, override_id: UUID) -> tuple[RatingOverride, KycRecord]:
    """Return the proposal and its record, the record locked first as everywhere."""
    override = RatingOverride.objects.filter(id=override_id).first()
    if override is None:
        raise NotFound("There is no such override.")
    record = _for_officer(actor, override.record_id)
    override.refresh_from_db()
    if override.status != Status.PROPOSED:
        raise Conflict("This proposal does not stand any more.", code="override_closed")
    return override, record


def _decide(override: RatingOverride, actor: User, status: str) -> None:
    override.status, override.decided_by, override.decided_at = status, actor, timezone.now()
    override.save(update_fields=["status", "decided_by", "decided_at", "updated_at"])


def _changed(override: RatingOverride) -> RatingOverrideChanged:
    return RatingOverrideChanged(
        **override.record.identity,
        override_id=str(override.id),
        computed_rating=override.computed_rating,
        rating=override.rating,
        reason_code=override.reason_code,
        status=override.status,
        end_reason=override.end_reason,
    )
