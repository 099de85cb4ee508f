"""The officers' part of KYC: propose, confirm, withdraw; what needs two needs two."""

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.information import AskedItem, items_checked
from apps.compliance.domain.kyc import (
    DECIDABLE,
    REVIEW_MONTHS,
    KycTrigger,
    RiskRating,
)
from apps.compliance.domain.kyc_reasons import reason_of
from apps.compliance.events import (
    KycDecided,
    KycDecisionProposed,
    KycDecisionWithdrawn,
    KycEvent,
    KycRecordViewed,
)
from apps.compliance.models import KycDecision, KycRecord, ScreeningHit
from apps.compliance.selectors.information import item_labels
from apps.compliance.selectors.kyc import steps_of
from apps.compliance.selectors.screening_alerts import screening_alert
from apps.compliance.services.information import items_request
from apps.compliance.services.screening_alerts import screening_alert_close
from apps.core.commands import command
from apps.core.errors import Conflict, IllegalTransition, NotFound, NotPermitted, Refused
from apps.users.models import User

DECIDE = "compliance.decide_kycrecord"
VIEW = "compliance.view_kycrecord"
MAX_NOTE = 2000


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
    InvalidInput, IllegalTransition, Conflict `stale_evidence` and `decision_pending`, Refused
    `hits_open` and `risk_prohibited`.
    """
    reason_of(outcome, reason_code)
    record = _decidable(actor, record_id, evidence_version)
    if outcome == KycDecision.Outcome.REQUEST_INFORMATION or asked:
        reason_of(KycDecision.Outcome.REQUEST_INFORMATION, reason_code)
        known = item_labels(step.code for step in steps_of(record))
        items_checked(asked, frozenset(known))
    if record.decisions.filter(status=KycDecision.Status.PROPOSED).exists():
        raise Conflict("A decision waits for its second officer.", code="decision_pending")
    if outcome == KycDecision.Outcome.APPROVE:
        _check_approvable(record)
    decision = KycDecision.objects.create(
        record=record,
        outcome=outcome,
        reason_code=reason_code,
        note=note.strip()[:MAX_NOTE],
        evidence_version=record.evidence_version,
        risk_rating=record.risk_rating,
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
    record = _decidable(actor, decision.record_id, evidence_version)
    decision.refresh_from_db()
    if decision.status != KycDecision.Status.PROPOSED:
        raise Conflict("This proposal does not stand any more.", code="decision_closed")
    if decision.proposed_by_id == actor.id:
        raise NotPermitted("A second officer must confirm.", code="same_officer")
    if decision.evidence_version != record.evidence_version:
        raise Conflict("The evidence changed after the proposal.", code="stale_evidence")
    if decision.outcome == KycDecision.Outcome.APPROVE:
        _check_approvable(record)
    decision.confirmed_by = actor
    _carry_out(record, decision, actor)
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
    decision.save()
    event = KycDecisionWithdrawn(**record.identity, decision_id=str(decision.id))
    emit(event, actor=actor)
    return decision


@command
def kyc_view_record(*, actor: User, record_id: UUID) -> KycRecord:
    """Return the record for an officer's eyes; the access is kept in the audit trail."""
    record = KycRecord.objects.select_related("client").filter(id=record_id).first()
    if record is None or not actor.has_perm(VIEW):
        raise NotFound("There is no such KYC record.")
    emit(KycRecordViewed(**record.identity), actor=actor)
    return record


def needs_second(record: KycRecord, outcome: str) -> bool:
    """Tell whether a second officer must confirm an approval or a rejection.

    At HIGH, and while the client's screening alert is open: this decision then closes the alert,
    and no alert is closed by one officer.
    """
    if outcome == KycDecision.Outcome.REQUEST_INFORMATION:
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
    return record


def _decidable(actor: User, record_id: UUID, evidence_version: int) -> KycRecord:
    record = _for_officer(actor, record_id)
    if record.status not in DECIDABLE:
        raise IllegalTransition(
            f"A KYC record that is {record.status} cannot be decided.", status=record.status
        )
    if record.evidence_version != evidence_version:
        raise Conflict(
            "The evidence changed since you read it.",
            code="stale_evidence",
            limit=str(record.evidence_version),
            measured=str(evidence_version),
        )
    return record


def _check_approvable(record: KycRecord) -> None:
    if record.risk_rating in {RiskRating.PROHIBITED, ""}:
        raise Refused(
            "This rating cannot be approved.",
            code="risk_prohibited",
            limit=RiskRating.HIGH,
            measured=record.risk_rating,
        )
    count = record.hits.filter(status=ScreeningHit.Status.OPEN).count()
    if count:
        raise Refused(
            "Say first what each hit is.", code="hits_open", limit="0", measured=str(count)
        )


def _carry_out(record: KycRecord, decision: KycDecision, actor: User) -> None:
    now = timezone.now()
    decision.status, decision.decided_at = KycDecision.Status.FINAL, now
    decision.save()
    record.move(KycTrigger(decision.outcome))
    record.reason_code = decision.reason_code
    record.decided_at = now
    record.reviewed_evidence_version = record.evidence_version
    if decision.outcome == KycDecision.Outcome.APPROVE:
        months = REVIEW_MONTHS[RiskRating(record.risk_rating)]
        today = timezone.localdate()
        record.next_review_date = today.replace(
            year=today.year + months // 12, day=min(today.day, 28)
        )
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
    )
    emit(event, actor=actor)
    if decision.outcome != KycDecision.Outcome.REQUEST_INFORMATION:
        screening_alert_close(decision=decision)
