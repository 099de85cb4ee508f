"""A true match is taken back by two officers; the client is then compared anew."""

from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.kyc import RESCREENED
from apps.compliance.domain.reasons import reason_checked
from apps.compliance.events.kyc import MatchWithdrawalChanged
from apps.compliance.models import KycRecord, MatchWithdrawal, ScreeningHit, ScreeningRun
from apps.compliance.selectors.hits import is_delisted
from apps.compliance.services.hits import DECIDE
from apps.compliance.services.screening import record_rate, screening_run
from apps.compliance.services.work_locks import work_lock_release, work_lock_require
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from apps.users.models import User

Ground, Status = MatchWithdrawal.Ground, MatchWithdrawal.Status


@command
def match_withdraw_propose(
    *, actor: User, hit_id: UUID, reason_code: str, reason: str, evidence_version: int
) -> MatchWithdrawal:
    """Propose to take a true match back; `evidence_version` is the one that the officer read.

    Raises NotPermitted, NotFound, InvalidInput, Conflict `no_true_match`, `withdrawal_proposed`,
    `stale_evidence`, `work_locked` or `work_escalated`.
    """
    if reason_code not in Ground.values:
        raise InvalidInput("There is no such ground.", field="reason_code")
    text = reason_checked(reason)
    hit = _matched(actor, hit_id, evidence_version)
    if reason_code == Ground.DELISTED and not is_delisted(hit.entity):
        raise InvalidInput("The entry is on its list.", field="reason_code")
    if hit.withdrawals.filter(status=Status.PROPOSED).exists():
        raise Conflict("This waits for its second officer.", code="withdrawal_proposed")
    made = MatchWithdrawal.objects.create(
        hit=hit,
        reason_code=reason_code,
        reason=text,
        evidence_version=evidence_version,
        proposed_by=actor,
    )
    emit(_changed(made), actor=actor)
    work_lock_release(actor=actor, page_id=hit.record_id)
    return made


@command
def match_withdraw_confirm(
    *, actor: User, withdrawal_id: UUID, reason_code: str, evidence_version: int
) -> MatchWithdrawal:
    """Take back what another officer proposed; `reason_code` is what was read.

    The hit is superseded, the rating computed anew, and the client compared with the lists as they
    are: what is still listed comes back as an open hit.  A suspended client stays so until the
    officers decide.  Raises as match_withdraw_propose does, NotPermitted `same_officer` for the
    proposer, Conflict `withdrawal_closed` and `other_payload`.
    """
    made = _proposed(actor, withdrawal_id, evidence_version)
    if made.proposed_by_id == actor.pk:
        raise NotPermitted("A second officer must confirm.", code="same_officer")
    if made.reason_code != reason_code:
        raise Conflict("This is not what was proposed.", code="other_payload")
    if made.evidence_version != evidence_version:
        raise _stale()
    _decide(made, actor, Status.DONE)
    hit = made.hit
    hit.status = ScreeningHit.Status.SUPERSEDED
    hit.save(update_fields=["status", "updated_at"])
    record = hit.record
    record_rate(record)
    record.evidence_version += 1
    record.save()
    if record.status in RESCREENED:
        screening_run(record_id=record.id, trigger=ScreeningRun.Trigger.WITHDRAWAL)
    return made


@command
def match_withdraw_decline(*, actor: User, withdrawal_id: UUID) -> MatchWithdrawal:
    """Turn a proposal down, or take one's own back.  Raises NotPermitted, NotFound, Conflict."""
    made = _proposed(actor, withdrawal_id)
    _decide(made, actor, Status.DECLINED)
    return made


def _matched(actor: User, hit_id: UUID, evidence_version: int | None) -> ScreeningHit:
    """Return the hit, its record locked, while it is a true match on the evidence that was read."""
    if not actor.is_active or not actor.has_perm(DECIDE):
        raise NotPermitted("You may not decide on hits.")
    hit = ScreeningHit.objects.select_related("entity").filter(id=hit_id).first()
    if hit is None:
        raise NotFound("There is no such hit.")
    record = KycRecord.objects.locked(hit.record_id)
    if record.client_id == actor.id:
        raise NotPermitted("Nobody decides on a hit of their own.", code="own_record")
    work_lock_require(actor=actor, page_id=record.id)
    hit.refresh_from_db(fields=["status"])
    if hit.status != ScreeningHit.Status.TRUE_MATCH:
        raise Conflict("This is no true match.", code="no_true_match")
    if evidence_version not in {None, record.evidence_version}:
        raise _stale()
    hit.record = record
    return hit


def _stale() -> Conflict:
    return Conflict("The evidence changed since you read it.", code="stale_evidence")


def _proposed(
    actor: User, withdrawal_id: UUID, evidence_version: int | None = None
) -> MatchWithdrawal:
    found = MatchWithdrawal.objects.filter(id=withdrawal_id).first()
    if found is None:
        raise NotFound("There is no such proposal.")
    hit = _matched(actor, found.hit_id, evidence_version)
    found.refresh_from_db()
    if found.status != Status.PROPOSED:
        raise Conflict("This proposal does not stand any more.", code="withdrawal_closed")
    found.hit = hit
    return found


def _decide(made: MatchWithdrawal, actor: User, status: str) -> None:
    made.status, made.decided_by, made.decided_at = status, actor, timezone.now()
    made.save(update_fields=["status", "decided_by", "decided_at", "updated_at"])
    emit(_changed(made), actor=actor)
    work_lock_release(actor=actor, page_id=made.hit.record_id)


def _changed(made: MatchWithdrawal) -> MatchWithdrawalChanged:
    return MatchWithdrawalChanged(
        **made.hit.record.identity,
        hit_id=str(made.hit_id),
        withdrawal_id=str(made.id),
        reason_code=made.reason_code,
        status=made.status,
    )
