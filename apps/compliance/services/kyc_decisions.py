"""The officers' part of KYC: propose, confirm, withdraw; what needs two needs two."""

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.information import AskedItem, items_checked
from apps.compliance.domain.kyc import (
    KycStatus,
    KycTrigger,
    RiskRating,
    client_status,
    next_status,
)
from apps.compliance.domain.kyc_reasons import reason_of
from apps.compliance.domain.reviews import ReviewReason, next_review
from apps.compliance.events import (
    KycDecided,
    KycDecisionProposed,
    KycDecisionWithdrawn,
    KycEvent,
    KycRecordViewed,
)
from apps.compliance.models import KycDecision, KycRecord, RatingOverride, ScreeningHit
from apps.compliance.selectors.information import item_labels
from apps.compliance.selectors.kyc import answers_left, steps_of
from apps.compliance.selectors.ownership import ownership_view
from apps.compliance.selectors.reviews import identity_expired, is_holding, snapshot_of
from apps.compliance.selectors.screening_alerts import screening_alert
from apps.compliance.selectors.self_certification import certification_of
from apps.compliance.services.due_diligence import check_diligence, diligence_end
from apps.compliance.services.information import items_request
from apps.compliance.services.reviews import (
    record_expire,
    record_suspend,
    review_begin,
    review_end,
)
from apps.compliance.services.screening_alerts import screening_alert_close
from apps.compliance.services.work_locks import work_lock_release, work_lock_require
from apps.core.commands import command
from apps.core.errors import Conflict, NotFound, NotPermitted, Refused
from apps.trading.services.orders import orders_cancel_of_client
from apps.users.models import User

DECIDE = "compliance.decide_kycrecord"
VIEW = "compliance.view_kycrecord"
MAX_NOTE = 2000
Outcome = KycDecision.Outcome


@command
def kyc_propose_decision(
    *,
    actor: User,
    record_id: UUID,
    outcome: str,
    reason_code: str,
    evidence_version: int,
    note: str = "",
    asked: Sequence[AskedItem] = (),
) -> KycDecision:
    """Decide a record, or propose the decision where `needs_second` asks for another officer.

    `evidence_version` is the one that the officer read; `asked` is what a REQUEST_INFORMATION asks
    the client for.  Raises NotPermitted, NotFound,
    InvalidInput, IllegalTransition, Conflict `stale_evidence`, `decision_pending` and
    `override_proposed`, Refused `unfit_reason`, `unfit_items`, `hits_open`, `risk_prohibited`,
    `kyc_incomplete`, `document_expired`, `kyc_ownership_incomplete`, `self_certification_missing`,
    `diligence_incomplete` and `assets_held`.
    """
    reason_of(outcome, reason_code)
    record = _decidable(actor, record_id, outcome, evidence_version)
    if outcome == Outcome.REQUEST_INFORMATION or asked:
        reason_of(Outcome.REQUEST_INFORMATION, reason_code)
        known = item_labels(step.code for step in steps_of(record))
        items_checked(asked, frozenset(known))
    if record.decisions.filter(status=KycDecision.Status.PROPOSED).exists():
        raise Conflict("A decision waits for its second officer.", code="decision_pending")
    _check(record, outcome)
    decision = KycDecision.objects.create(
        record=record,
        outcome=outcome,
        reason_code=reason_code,
        note=note.strip()[:MAX_NOTE],
        evidence_version=record.evidence_version,
        risk_rating=record.risk_rating,
        from_status=record.status,
        proposed_by=actor,
    )
    event = KycDecisionProposed(
        **record.identity,
        decision_id=str(decision.id),
        outcome=outcome,
        reason_code=reason_code,
        risk_rating=record.risk_rating,
        evidence_version=record.evidence_version,
    )
    emit(event, actor=actor)
    work_lock_release(actor=actor, page_id=record.id)
    if not needs_second(record, outcome):
        _carry_out(record, decision, actor)
        if asked:
            items_request(decision=decision, asked=asked, actor=actor)
    return decision


@command
def kyc_confirm_decision(*, actor: User, decision_id: UUID, evidence_version: int) -> KycDecision:
    """Carry out what another officer proposed.

    Raises NotPermitted `same_officer` for the proposer, and as kyc_propose_decision does.
    """
    decision = _proposed(decision_id)
    record = _decidable(actor, decision.record_id, decision.outcome, evidence_version)
    decision.refresh_from_db()
    if decision.status != KycDecision.Status.PROPOSED:
        raise Conflict("This proposal does not stand any more.", code="decision_closed")
    if decision.proposed_by_id == actor.id:
        raise NotPermitted("A second officer must confirm.", code="same_officer")
    now_is = (record.evidence_version, record.status, record.risk_rating)
    if now_is != (decision.evidence_version, decision.from_status, decision.risk_rating):
        raise Conflict("The evidence changed after the proposal.", code="stale_evidence")
    _check(record, decision.outcome)
    decision.confirmed_by = actor
    _carry_out(record, decision, actor)
    work_lock_release(actor=actor, page_id=record.id)
    return decision


@command
def kyc_withdraw_decision(*, actor: User, decision_id: UUID) -> KycDecision:
    """Take a proposal back: its proposer changed their mind, or the second officer disagrees."""
    decision = _proposed(decision_id)
    record = _for_officer(actor, decision.record_id)
    decision.refresh_from_db()
    if decision.status != KycDecision.Status.PROPOSED:
        raise Conflict("This proposal does not stand any more.", code="decision_closed")
    decision.status = KycDecision.Status.WITHDRAWN
    decision.decided_at = timezone.now()
    decision.save(update_fields=["status", "decided_at", "updated_at"])
    event = KycDecisionWithdrawn(**record.identity, decision_id=str(decision.id))
    emit(event, actor=actor)
    return decision


@command
def kyc_view_record(*, actor: User, record_id: UUID) -> KycRecord:
    """Return the record for an officer's eyes, not its client's; the access is kept."""
    others = KycRecord.objects.select_related("client").exclude(client=actor)
    record = others.filter(id=record_id).first()
    if record is None or not actor.has_perm(VIEW):
        raise NotFound("There is no such KYC record.")
    emit(KycRecordViewed(**record.identity), actor=actor)
    return record


def needs_second(record: KycRecord, outcome: str) -> bool:
    """Tell whether a second officer must confirm.

    An approval or a rejection at HIGH, and while the client's screening alert is open: that then
    closes the alert, and no alert is closed by one officer.  Whatever lets a suspended client do
    business again, and what cannot be undone.  To stop somebody one officer is enough.
    """
    if outcome == Outcome.REVIEW:
        return record.status == KycStatus.SUSPENDED
    if outcome == Outcome.CLOSE:
        return record.status != KycStatus.DRAFT
    if outcome not in {Outcome.APPROVE, Outcome.REJECT}:
        return False
    return record.risk_rating == RiskRating.HIGH or screening_alert(record.client_id) is not None


def _proposed(decision_id: UUID) -> KycDecision:
    decision = KycDecision.objects.filter(id=decision_id).first()
    if decision is None:
        raise NotFound("There is no such decision.")
    return decision


def _for_officer(actor: User, record_id: UUID) -> KycRecord:
    if not actor.is_active or not actor.has_perm(DECIDE):
        raise NotPermitted("You may not decide KYC records.")
    record = KycRecord.objects.locked(record_id)
    if record.client_id == actor.id:
        raise NotPermitted("Nobody decides their own record.", code="own_record")
    work_lock_require(actor=actor, page_id=record.id)
    return record


def _decidable(actor: User, record_id: UUID, outcome: str, evidence_version: int) -> KycRecord:
    record = _for_officer(actor, record_id)
    next_status(record.status, KycTrigger(outcome))
    if record.evidence_version != evidence_version:
        raise Conflict(
            "The evidence changed since you read it.",
            code="stale_evidence",
            limit=str(record.evidence_version),
            measured=str(evidence_version),
        )
    return record


def _check(record: KycRecord, outcome: str) -> None:
    """Raise Refused where the state allows the outcome but the facts do not."""
    if outcome == Outcome.APPROVE:
        _check_approvable(record)
    if outcome == Outcome.REVIEW and record.risk_rating == RiskRating.PROHIBITED:
        # Under review a client may trade.
        raise _prohibited(record)
    if outcome == Outcome.CLOSE and is_holding(record.client_id):
        raise Refused(
            "The client still has money or securities with us.", code="assets_held", limit="0"
        )


def _prohibited(record: KycRecord) -> Refused:
    return Refused(
        "This rating cannot be approved.",
        code="risk_prohibited",
        limit=RiskRating.HIGH,
        measured=record.risk_rating,
    )


def _check_approvable(record: KycRecord) -> None:
    if record.risk_rating in {RiskRating.PROHIBITED, ""}:
        raise _prohibited(record)
    if record.overrides.filter(status=RatingOverride.Status.PROPOSED).exists():
        raise Conflict(
            "Another rating is proposed: let a second officer decide that first.",
            code="override_proposed",
        )
    if missing := answers_left(record):
        raise Refused("The client has questions left.", code="kyc_incomplete", **missing)
    if identity_expired(record.id):
        raise Refused(
            "The client's identity document has expired: ask for another.",
            code="document_expired",
        )
    if record.is_entity and (gaps := ownership_view(record).gaps):
        raise Refused(
            "Owners and controllers are not complete.",
            code="kyc_ownership_incomplete",
            gaps=" ".join(gaps),
        )
    if not certification_of(record).is_in_force:
        raise Refused(
            "The client has not signed for the tax residence as it is stated now.",
            code="self_certification_missing",
        )
    check_diligence(record)
    count = record.hits.filter(status=ScreeningHit.Status.OPEN).count()
    if count:
        raise Refused(
            "Say first what each hit is.", code="hits_open", limit="0", measured=str(count)
        )


def _carry_out(record: KycRecord, decision: KycDecision, actor: User) -> None:
    now = timezone.now()
    before = record.status
    if decision.outcome == Outcome.APPROVE:
        decision.snapshot = snapshot_of(record)
        record.approved_at = now
        rating = RiskRating(record.risk_rating)
        record.next_review_date = next_review(timezone.localdate(), rating)
    decision.status, decision.decided_at = KycDecision.Status.FINAL, now
    # Nothing of what was proposed is written again.
    decision.save(update_fields=["status", "decided_at", "confirmed_by", "snapshot", "updated_at"])
    _move(record, decision, actor)
    if client_status(record.status) != client_status(before):
        record.decided_at = now
    record.reviewed_evidence_version = record.evidence_version
    record.save()
    event: KycEvent = KycDecided(
        **record.identity,
        decision_id=str(decision.id),
        decision=decision.outcome,
        reason_code=decision.reason_code,
        risk_rating=record.risk_rating,
        status=record.status,
        proposed_by=str(decision.proposed_by_id),
        confirmed_by=str(decision.confirmed_by_id or ""),
        evidence_version=record.evidence_version,
        from_status=before,
    )
    emit(event, actor=actor)
    _follow(record, decision, actor)


def _move(record: KycRecord, decision: KycDecision, actor: User) -> None:
    match decision.outcome:
        case Outcome.SUSPEND:
            record_suspend(record, decision.reason_code, actor=actor)
        case Outcome.EXPIRE:
            record_expire(record, decision.reason_code, actor=actor)
        case _:
            record.move(KycTrigger(decision.outcome))
            record.reason_code = decision.reason_code


def _follow(record: KycRecord, decision: KycDecision, actor: User) -> None:
    """Do what the decision entails for review, alert and orders."""
    match decision.outcome:
        case Outcome.REVIEW:
            review_begin(record, ReviewReason.OFFICER, actor=actor)
        case Outcome.APPROVE | Outcome.REJECT:
            diligence_end(record)
            review_end(record, actor=actor)
            screening_alert_close(decision=decision)
        case Outcome.CLOSE:
            review_end(record, actor=actor)
            orders_cancel_of_client(actor=actor, client_id=record.client_id)
