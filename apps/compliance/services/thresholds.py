"""A threshold is proposed by one officer, replayed over kept results, activated by another."""

from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.matching import HIGHEST_THRESHOLD, RESULT_FLOOR
from apps.compliance.domain.reasons import reason_checked
from apps.compliance.events import ScreeningThresholdChanged
from apps.compliance.models import ScreenedClient, ScreeningThreshold
from apps.compliance.models.threshold import RISK_CLASSES
from apps.compliance.selectors.screening import versions_in_force
from apps.compliance.selectors.thresholds import threshold_in_force, threshold_replay
from apps.compliance.services.work_locks import work_lock_require
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from apps.users.models import User

CHANGE = "compliance.change_screeningthreshold"
Status = ScreeningThreshold.Status


@command
def threshold_propose(
    *,
    actor: User,
    list_code: str,
    risk_class: str,
    threshold: Decimal,
    base_version: int,
    reason: str,
) -> ScreeningThreshold:
    """Propose from which score on is a hit; keep what it would have raised and lost.

    `base_version` is the version in force that the officer saw, 0 for none.  Raises NotPermitted,
    InvalidInput, Conflict `threshold_changed` or `threshold_proposed`.
    """
    _require(actor)
    terms_check(list_code, risk_class, threshold)
    text = reason_checked(reason)
    # Two first proposals of a scope have no row to wait at.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('thresholds', 0))")
    rows = ScreeningThreshold.objects.filter(list_code=list_code, risk_class=risk_class)
    versions = list(rows.order_by("-version"))
    if any(row.status == Status.PROPOSED for row in versions):
        raise Conflict("A proposal for this scope waits already.", code="threshold_proposed")
    current = threshold_in_force(list_code, risk_class)
    _check_base(current, base_version)
    proposal = ScreeningThreshold.objects.create(
        list_code=list_code,
        risk_class=risk_class,
        version=versions[0].version + 1 if versions else 1,
        base_version=base_version,
        threshold=threshold,
        reason=text,
        replay=threshold_replay(list_code, risk_class, threshold).as_json(),
        proposed_by=actor,
    )
    emit(_changed(proposal), actor=actor)
    return proposal


@command
def threshold_activate(
    *, actor: User, threshold_id: UUID, threshold: Decimal
) -> ScreeningThreshold:
    """Bring another officer's proposal into force; every client is due to be screened again.

    `threshold` is the one that the officer read.  Raises NotPermitted (`four_eyes`), NotFound,
    Conflict `threshold_closed`, `threshold_changed` or `other_payload`.
    """
    proposal = _proposal(actor, threshold_id)
    if proposal.proposed_by_id == actor.pk:
        raise NotPermitted("A second officer must activate.", code="four_eyes")
    if proposal.threshold != threshold:
        raise Conflict("This is not what was proposed.", code="other_payload")
    current = threshold_in_force(proposal.list_code, proposal.risk_class)
    _check_base(current, proposal.base_version)
    if current is not None:
        current.status = Status.RETIRED
        current.save(update_fields=["status", "updated_at"])
    _decide(proposal, actor, Status.ACTIVE)
    # As if another matcher had screened them: all are due.
    ScreenedClient.objects.update(matcher_version="")
    emit(_changed(proposal), actor=actor)
    return proposal


@command
def threshold_decline(*, actor: User, threshold_id: UUID) -> ScreeningThreshold:
    """Turn a proposal down, or take one's own back; raises NotPermitted, NotFound, Conflict."""
    proposal = _proposal(actor, threshold_id)
    _decide(proposal, actor, Status.DECLINED)
    emit(_changed(proposal), actor=actor)
    return proposal


def _require(actor: User) -> None:
    if not actor.is_active or not actor.has_perm(CHANGE):
        raise NotPermitted("You may not change thresholds.")


def terms_check(list_code: str, risk_class: str, threshold: Decimal) -> None:
    """Raise InvalidInput for a scope or a number that no threshold has."""
    if list_code and list_code not in versions_in_force():
        raise InvalidInput("There is no such list.", field="list_code")
    if risk_class and risk_class not in dict(RISK_CLASSES):
        raise InvalidInput("There is no such risk class.", field="risk_class")
    if not threshold.is_finite() or not RESULT_FLOOR <= threshold <= HIGHEST_THRESHOLD:
        limits = f"{RESULT_FLOOR} to {HIGHEST_THRESHOLD}"
        raise InvalidInput(f"A threshold is a number from {limits}.", field="threshold")
    if threshold != threshold.quantize(Decimal("0.001")):
        raise InvalidInput("At most three decimal places.", field="threshold")


def _check_base(current: ScreeningThreshold | None, base_version: int) -> None:
    version = current.version if current else 0
    if version != base_version:
        raise Conflict(
            "Another version came into force.",
            code="threshold_changed",
            limit=str(version),
            measured=str(base_version),
        )


def _proposal(actor: User, threshold_id: UUID) -> ScreeningThreshold:
    _require(actor)
    rows = ScreeningThreshold.objects.select_for_update()
    proposal = rows.filter(id=threshold_id).first()
    if proposal is None:
        raise NotFound("There is no such threshold.")
    work_lock_require(actor=actor, page_id=proposal.id)
    if proposal.status != Status.PROPOSED:
        raise Conflict("This proposal was decided already.", code="threshold_closed")
    return proposal


def _decide(proposal: ScreeningThreshold, actor: User, status: str) -> None:
    proposal.status, proposal.decided_by, proposal.decided_at = status, actor, timezone.now()
    proposal.save(update_fields=["status", "decided_by", "decided_at", "updated_at"])


def _changed(row: ScreeningThreshold) -> ScreeningThresholdChanged:
    return ScreeningThresholdChanged(
        stream=row.stream,
        threshold_id=str(row.id),
        list_code=row.list_code,
        risk_class=row.risk_class,
        version=row.version,
        threshold=str(row.threshold),
        status=row.status,
    )
