"""Commands on alerts: raised by screening and monitoring, closed by two different officers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.alerts import (
    LOCK_DURATION,
    SLA,
    AlertKind,
    AlertTrigger,
    check_disposition,
    next_status,
    note_text,
)
from apps.compliance.events import (
    AlertAssigned,
    AlertDecided,
    AlertEvidenceAdded,
    AlertExported,
    AlertNoted,
    AlertProposalRejected,
    AlertProposed,
    AlertRaised,
    AlertViewed,
)
from apps.compliance.models import Alert, AlertEvidence, AlertNote
from apps.compliance.selectors.screening_alerts import check_follows_hits
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotPermitted
from apps.users.models import User

VIEW = "compliance.view_alert"
DECIDE = "compliance.decide_alert"
ASSIGN = "compliance.assign_alert"
MAX_EVIDENCE = 1000


@command
def alert_raise(
    *,
    client_id: UUID,
    kind: str,
    scenario_code: str,
    score: Decimal,
    evidence: Sequence[Mapping[str, Any]],
    dedup_key: str = "",
    scenario_version: int = 1,
    parameters: Mapping[str, Any] | None = None,
    explanation: Sequence[Mapping[str, Any]] = (),
    window: tuple[datetime, datetime] | None = None,
) -> Alert:
    """Open an alert, or add the evidence to the one that is open in its scope.

    The scope is (client, scenario_code, dedup_key).  Each evidence row needs a `reference` (what
    makes it the same row again: the transaction's id, or list entry and version), may have a
    `kind`, and everything else in it is stored as JSON facts.  `score` is 0 to 1.  `explanation`
    rows are `{name, measured, threshold?, contribution?}`.

    Idempotent: evidence that the scope has already seen, in an open or a closed alert, raises
    nothing and returns that alert.  New evidence withdraws a proposal.  Raises InvalidInput.
    """
    rows = _evidence_rows(evidence)
    measured = _score(score)
    _lock_scope(client_id, scenario_code, dedup_key)
    scope = Alert.objects.in_scope(
        client_id=client_id, scenario_code=scenario_code, dedup_key=dedup_key
    )
    seen = set(
        AlertEvidence.objects.filter(alert__in=scope, reference__in=rows).values_list(
            "reference", flat=True
        )
    )
    alert = scope.open().select_for_update().first()
    if rows.keys() <= seen:
        return alert or scope.order_by("-created_at")[0]
    if alert is None:
        alert = Alert(
            client_id=client_id,
            kind=AlertKind(kind),
            scenario_code=scenario_code,
            dedup_key=dedup_key,
            score=measured,
            due_at=timezone.now() + SLA[AlertKind(kind)],
        )
        _explain(alert, scenario_version, parameters, explanation, window)
        alert.save(force_insert=True)
        _add_evidence(alert, rows)
        emit(
            AlertRaised(
                **alert_identity(alert),
                scenario_version=scenario_version,
                score=str(measured),
                references=list(rows),
            ),
            actor=None,
        )
        return alert
    fresh = {reference: row for reference, row in rows.items() if reference not in seen}
    withdrawn = alert.reopen(AlertTrigger.ADD_EVIDENCE)
    alert.score = max(alert.score, measured)
    _explain(alert, scenario_version, parameters, explanation, window)
    alert.save()
    _add_evidence(alert, fresh)
    emit(
        AlertEvidenceAdded(
            **alert_identity(alert),
            score=str(alert.score),
            references=list(fresh),
            proposal_withdrawn=withdrawn,
        ),
        actor=None,
    )
    return alert


@command
def alert_propose(
    *, actor: User, alert_id: UUID, disposition: str, reason_code: str, note: str
) -> Alert:
    """Propose how to close the alert; another officer confirms or rejects.

    Raises NotPermitted, NotFound, InvalidInput (note), Refused (check_disposition and
    check_follows_hits), IllegalTransition, or Conflict `alert_locked` while another has it open.
    """
    alert = _for_decision(actor, alert_id)
    next_status(alert.status, AlertTrigger.PROPOSE)
    check_disposition(alert.kind, disposition, reason_code)
    check_follows_hits(alert, disposition, reason_code)
    text = note_text(note)
    alert.propose(
        actor, disposition=disposition, reason_code=reason_code, note=text, at=timezone.now()
    )
    alert.save()
    written = AlertNote.objects.create(alert=alert, author=actor, text=text)
    emit(
        AlertProposed(
            **alert_identity(alert),
            disposition=disposition,
            reason_code=reason_code,
            note_id=written.id,
        ),
        actor=actor,
    )
    return alert


@command
def alert_confirm(*, actor: User, alert_id: UUID) -> Alert:
    """Close the alert as another officer proposed.

    Raises NotPermitted (`four_eyes` for the proposer), NotFound, IllegalTransition, Conflict
    `alert_locked`, or Refused where a hit was decided otherwise since.
    """
    alert = _for_decision(actor, alert_id)
    alert.confirm(actor, at=timezone.now())
    check_follows_hits(alert, alert.disposition, alert.reason_code)
    alert.save()
    emit(
        AlertDecided(
            **alert_identity(alert),
            disposition=alert.disposition,
            reason_code=alert.reason_code,
            proposed_by=str(alert.proposed_by_id),
            confirmed_by=str(actor.pk),
            references=list(alert.evidence.values_list("reference", flat=True)),
        ),
        actor=actor,
    )
    return alert


@command
def alert_reject_proposal(*, actor: User, alert_id: UUID, note: str) -> Alert:
    """Send the alert back to the queue; the proposer may do so too, to correct themselves.

    Raises NotPermitted, NotFound, InvalidInput (note), IllegalTransition or Conflict
    `alert_locked`.
    """
    alert = _for_decision(actor, alert_id)
    next_status(alert.status, AlertTrigger.REJECT_PROPOSAL)
    text = note_text(note)
    disposition, proposer = alert.disposition, str(alert.proposed_by_id)
    alert.reopen(AlertTrigger.REJECT_PROPOSAL)
    alert.release()
    alert.save()
    written = AlertNote.objects.create(alert=alert, author=actor, text=text)
    emit(
        AlertProposalRejected(
            **alert_identity(alert),
            disposition=disposition,
            proposed_by=proposer,
            note_id=written.id,
        ),
        actor=actor,
    )
    return alert


@command
def alert_note(*, actor: User, alert_id: UUID, note: str) -> AlertNote:
    """Write a note on an alert that is not closed; raises as alert_propose does."""
    alert = _for_decision(actor, alert_id)
    if alert.status == Alert.Status.CLOSED:
        raise Conflict("The alert is closed.")
    written = AlertNote.objects.create(alert=alert, author=actor, text=note_text(note))
    emit(AlertNoted(**alert_identity(alert), note_id=written.id), actor=actor)
    return written


@command
def alert_view(*, actor: User, alert_id: UUID) -> Alert:
    """Record that the officer saw the alert, and lock it for them if it is free.

    Somebody who may not decide sees without locking; so does the proposer of a decision, who must
    leave the way to the second officer.  Raises NotPermitted or NotFound.
    """
    _require(actor, VIEW)
    alert = Alert.objects.locked(alert_id)
    now = timezone.now()
    may_decide = actor.has_perm(DECIDE) and actor.pk not in {alert.client_id, alert.proposed_by_id}
    if alert.status != Alert.Status.CLOSED and may_decide and not alert.is_locked_for(actor, now):
        _lock(alert, actor, now)
    emit(AlertViewed(**alert_identity(alert)), actor=actor)
    return alert


@command
def alert_lock(*, actor: User, alert_id: UUID) -> Alert:
    """Hold the alert for the officer for LOCK_DURATION, or prolong the hold.

    Raises NotPermitted, NotFound, or Conflict (`alert_locked`, or closed).
    """
    alert = _for_decision(actor, alert_id)
    if alert.status == Alert.Status.CLOSED:
        raise Conflict("The alert is closed.")
    _lock(alert, actor, timezone.now())
    return alert


@command
def alert_unlock(*, actor: User, alert_id: UUID) -> Alert:
    """Let go of the officer's own hold; does nothing where there is none."""
    alert = Alert.objects.locked(alert_id)
    if alert.locked_by_id == actor.pk:
        alert.release()
        alert.save(update_fields=["locked_by", "locked_until", "updated_at"])
    return alert


@command
def alert_assign(*, actor: User, alert_id: UUID, assignee_id: UUID | None) -> Alert:
    """Give the alert to an officer (None: to nobody); the same assignee again changes nothing.

    Taking an alert needs decide_alert, giving it to others assign_alert.  Raises NotPermitted,
    NotFound, InvalidInput for an assignee who may not decide, or Conflict when closed.
    """
    _require(actor, DECIDE if assignee_id == actor.pk else ASSIGN)
    alert = Alert.objects.locked(alert_id)
    if alert.status == Alert.Status.CLOSED:
        raise Conflict("The alert is closed.")
    if alert.assignee_id == assignee_id:
        return alert
    if assignee_id is not None:
        assignee = User.objects.filter(pk=assignee_id, is_active=True).first()
        if assignee is None or not assignee.has_perm(DECIDE) or assignee.pk == alert.client_id:
            raise InvalidInput("That person may not decide this alert.", field="assignee")
    _assign(alert, actor, assignee_id)
    return alert


@command
def alert_next_unassigned(*, actor: User) -> Alert | None:
    """Give the officer the most urgent alert that nobody has; None when the queue is empty.

    Two officers who ask at once get two alerts.  Raises NotPermitted.
    """
    _require(actor, DECIDE)
    alert = (
        Alert.objects.unassigned()
        .exclude(client_id=actor.pk)
        .order_by("due_at", "id")
        .select_for_update(skip_locked=True)
        .first()
    )
    if alert is not None:
        _assign(alert, actor, actor.pk)
    return alert


@command
def alert_export_record(*, actor: User, alert_ids: Sequence[UUID]) -> None:
    """Record that the officer took these alerts out of the system; raises NotPermitted."""
    _require(actor, VIEW)
    emit(
        AlertExported(
            stream=f"alert-exports-{actor.pk}", alert_ids=[str(alert_id) for alert_id in alert_ids]
        ),
        actor=actor,
    )


def _require(actor: User, permission: str) -> None:
    if not actor.is_active or not actor.has_perm(permission):
        raise NotPermitted("You may not do this.")


def _for_decision(actor: User, alert_id: UUID) -> Alert:
    """Return the alert under its row lock, if the officer may act on it now."""
    _require(actor, DECIDE)
    alert = Alert.objects.locked(alert_id)
    if alert.client_id == actor.pk:
        raise NotPermitted("Nobody decides an alert about themselves.", code="own_alert")
    if alert.is_locked_for(actor, timezone.now()):
        raise Conflict("Another officer has this alert open.", code="alert_locked")
    return alert


def _lock(alert: Alert, officer: User, now: datetime) -> None:
    alert.locked_by = officer
    alert.locked_until = now + LOCK_DURATION
    alert.save(update_fields=["locked_by", "locked_until", "updated_at"])


def _assign(alert: Alert, actor: User, assignee_id: UUID | None) -> None:
    alert.assignee_id = assignee_id
    alert.save(update_fields=["assignee", "updated_at"])
    emit(
        AlertAssigned(
            **alert_identity(alert), assignee_id=str(assignee_id) if assignee_id else None
        ),
        actor=actor,
    )


def alert_identity(alert: Alert) -> dict[str, Any]:
    """Return what every event of the alert carries."""
    return {
        "stream": alert.stream,
        "alert_id": str(alert.id),
        "client_id": str(alert.client_id),
        "kind": str(alert.kind),
        "scenario_code": alert.scenario_code,
    }


def _lock_scope(client_id: UUID, scenario_code: str, dedup_key: str) -> None:
    """Let those who raise in one scope wait for each other, also when no row exists yet."""
    scope = f"alert-scope:{client_id}:{scenario_code}:{dedup_key}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [scope])


def _score(score: Decimal) -> Decimal:
    if not isinstance(score, Decimal) or not score.is_finite() or not 0 <= score <= 1:
        raise InvalidInput("A score is a Decimal from 0 to 1.", field="score")
    return score.quantize(Decimal("0.0001"))


def _evidence_rows(evidence: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    rows = {str(row.get("reference") or ""): dict(row) for row in evidence}
    if not rows or "" in rows or len(rows) > MAX_EVIDENCE:
        raise InvalidInput("An alert needs evidence with references.", field="evidence")
    return rows


def _add_evidence(alert: Alert, rows: Mapping[str, dict[str, Any]]) -> None:
    AlertEvidence.objects.bulk_create(
        AlertEvidence(
            alert=alert,
            reference=reference,
            kind=str(row.get("kind") or "FACT"),
            facts={key: value for key, value in row.items() if key not in ("reference", "kind")},
        )
        for reference, row in rows.items()
    )


def _explain(
    alert: Alert,
    scenario_version: int,
    parameters: Mapping[str, Any] | None,
    explanation: Sequence[Mapping[str, Any]],
    window: tuple[datetime, datetime] | None,
) -> None:
    alert.scenario_version = scenario_version
    if parameters is not None:
        alert.parameters = dict(parameters)
    if explanation:
        alert.explanation = [dict(row) for row in explanation]
    if window is not None:
        start, end = window
        alert.window_start = min(alert.window_start or start, start)
        alert.window_end = max(alert.window_end or end, end)
