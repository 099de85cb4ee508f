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
    AlertKind,
    AlertTrigger,
    check_disposition,
    next_status,
    note_text,
)
from apps.compliance.domain.work_items import WorkKind, alert_priority, due_at
from apps.compliance.events import (
    AlertDecided,
    AlertEvidenceAdded,
    AlertExported,
    AlertNoted,
    AlertProposalRejected,
    AlertProposed,
    AlertRaised,
    AlertViewed,
)
from apps.compliance.models import Alert, AlertEvidence, AlertNote, KycRecord
from apps.compliance.selectors.screening_alerts import check_follows_hits
from apps.compliance.services.work_locks import work_lock_release, work_lock_require
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotPermitted
from apps.users.models import User

VIEW = "compliance.view_alert"
DECIDE = "compliance.decide_alert"
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
            due_at=_due_at(client_id, kind),
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
    check_follows_hits), IllegalTransition, or Conflict `work_locked` while another has it open.
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
    work_lock_release(actor=actor, page_id=alert.id)
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
    `work_locked`, or Refused where a hit was decided otherwise since.
    """
    alert = _for_decision(actor, alert_id)
    alert.confirm(actor, at=timezone.now())
    check_follows_hits(alert, alert.disposition, alert.reason_code)
    alert.save()
    work_lock_release(actor=actor, page_id=alert.id)
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
    `work_locked`.
    """
    alert = _for_decision(actor, alert_id)
    next_status(alert.status, AlertTrigger.REJECT_PROPOSAL)
    text = note_text(note)
    disposition, proposer = alert.disposition, str(alert.proposed_by_id)
    alert.reopen(AlertTrigger.REJECT_PROPOSAL)
    alert.save()
    work_lock_release(actor=actor, page_id=alert.id)
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
    """Record that the officer saw the alert; raises NotPermitted, or NotFound for their own too."""
    _require(actor, VIEW)
    alert = Alert.objects.exclude(client=actor).locked(alert_id)
    emit(AlertViewed(**alert_identity(alert)), actor=actor)
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
    work_lock_require(actor=actor, page_id=alert.id)
    return alert


def _due_at(client_id: UUID, kind: str) -> datetime:
    rating = KycRecord.objects.of(client_id).values_list("risk_rating", flat=True).first()
    return due_at(WorkKind.ALERT, alert_priority(kind, rating or ""), timezone.now())


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
