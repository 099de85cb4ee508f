"""What waits now, read from the tables that know: one source a kind of work.

The queue's own table follows these rows (`services/work_items.py`); a new kind needs a source here
and its line in each table of `domain/work_items.py`.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Least

from apps.compliance.domain.alerts import AlertKind
from apps.compliance.domain.due_diligence import SENIOR_ITEMS
from apps.compliance.domain.kyc import DECIDABLE, RiskRating
from apps.compliance.domain.kyc_reasons import REASONS
from apps.compliance.domain.matching import STRONG_FROM
from apps.compliance.domain.wording import plain
from apps.compliance.domain.work_items import BY_RISK, Priority, WorkKind
from apps.compliance.models import (
    Alert,
    DueDiligence,
    DueDiligenceItem,
    KycDecision,
    KycRecord,
    MatchWithdrawal,
    OwnListChange,
    PaymentExit,
    RatingOverride,
    ScreeningHit,
    ScreeningThreshold,
    WatchlistImport,
)
from apps.compliance.models import Case as CaseRow
from apps.trading.selectors.limits import limits_proposed

Rows = QuerySet[Any, Any]
# Stands for the time of a proposal where there is none: unlike NULL it can be compared.
NO_PROPOSAL = Value(datetime(1970, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class WorkSubject:
    """Something that waits; `proposed_by_id` is set when it waits for a second officer."""

    subject_id: UUID
    page_id: UUID
    stream: str
    title: str
    opened_at: datetime | None
    summary: str = ""
    topic: str = ""
    client_id: UUID | None = None
    proposed_by_id: UUID | None = None
    due_at: datetime | None = None


@dataclass(frozen=True)
class WorkSource:
    """`rows` are annotated with `work_priority`, and with `work_mark`, when it was proposed."""

    rows: Callable[[], Rows]
    describe: Callable[[Any], WorkSubject]
    related: Collection[str] = ()


def _by_risk(rating: str) -> Case:
    """Return the expression that turns a rating into a priority."""
    urgent = [When(**{rating: risk}, then=Value(int(rank))) for risk, rank in BY_RISK.items()]
    return Case(*urgent, default=Value(int(Priority.NORMAL)))


def _marked(rows: QuerySet[Any], *, priority: Any, proposed_at: Any = None) -> Rows:
    mark = NO_PROPOSAL if proposed_at is None else Coalesce(proposed_at, NO_PROPOSAL)
    marked: Rows = rows.annotate(work_priority=priority, work_mark=mark)
    return marked


def _kyc_rows() -> Rows:
    pending = KycDecision.objects.filter(status=KycDecision.Status.PROPOSED)
    made_at = pending.filter(record=OuterRef("pk")).values("created_at")[:1]
    rows = KycRecord.objects.decidable()
    return _marked(
        rows.prefetch_related(Prefetch("decisions", queryset=pending, to_attr="proposed")),
        priority=_by_risk("risk_rating"),
        proposed_at=Subquery(made_at),
    )


def _kyc(record: KycRecord) -> WorkSubject:
    proposed: list[KycDecision] = getattr(record, "proposed", [])
    pending = proposed[0] if proposed else None
    told = f"{record.get_status_display()}, risk {plain(record.risk_rating).lower()}"
    if pending:
        told = f"{pending.get_outcome_display()}: {REASONS[pending.reason_code].label}"
    return WorkSubject(
        subject_id=record.id,
        page_id=record.id,
        stream=record.stream,
        title=str(record),
        topic=record.status,
        client_id=record.client_id,
        # A review begins now; only the first check begins with the submission.
        opened_at=record.submitted_at if record.decided_at is None else None,
        proposed_by_id=pending.proposed_by_id if pending else None,
        summary=told,
    )


def _hit_rows() -> Rows:
    strong = When(score__gte=STRONG_FROM, then=Value(int(Priority.URGENT)))
    return _marked(
        ScreeningHit.objects.filter(status=ScreeningHit.Status.OPEN),
        priority=Case(strong, default=_by_risk("record__risk_rating")),
    )


def _hit(hit: ScreeningHit) -> WorkSubject:
    return WorkSubject(
        subject_id=hit.id,
        page_id=hit.record_id,
        stream=hit.record.stream,
        title=f"Hit {hit.entity.list_code} {hit.entity.uid}",
        topic=hit.entity.list_code,
        client_id=hit.record.client_id,
        opened_at=hit.created_at,
        summary=f"Score {hit.score} on {hit.record}",
    )


def _alert_rows() -> Rows:
    rating = KycRecord.objects.filter(client=OuterRef("client")).values("risk_rating")[:1]
    screening = When(kind=AlertKind.SCREENING, then=Value(int(Priority.HIGH)))
    least = Case(screening, default=Value(int(Priority.NORMAL)))
    return _marked(
        Alert.objects.open().annotate(client_rating=Subquery(rating)),
        priority=Least(_by_risk("client_rating"), least),
        proposed_at=F("proposed_at"),
    )


def _alert(alert: Alert) -> WorkSubject:
    told = f"Score {alert.score:.2f}"
    if alert.disposition:
        told = f"Close as {plain(alert.disposition).lower()}: {plain(alert.reason_code)}"
    return WorkSubject(
        subject_id=alert.id,
        page_id=alert.id,
        stream=alert.stream,
        title=str(alert),
        topic=alert.scenario_code,
        client_id=alert.client_id,
        opened_at=alert.created_at,
        due_at=alert.due_at,
        proposed_by_id=alert.proposed_by_id,
        summary=told,
    )


def _case(case: CaseRow) -> WorkSubject:
    return WorkSubject(
        subject_id=case.id,
        page_id=case.id,
        stream=case.stream,
        title=str(case),
        client_id=case.client_id,
        opened_at=case.opened_at,
    )


def _threshold(row: ScreeningThreshold) -> WorkSubject:
    return WorkSubject(
        subject_id=row.id,
        page_id=row.id,
        stream=row.stream,
        title=f"Threshold: {row}",
        topic=row.list_code,
        opened_at=row.created_at,
        proposed_by_id=row.proposed_by_id,
        summary=f"A hit from {row.threshold} on",
    )


def _own_list(change: OwnListChange) -> WorkSubject:
    return WorkSubject(
        subject_id=change.id,
        page_id=change.id,
        stream=change.stream,
        title=f"Own list {str(change.id)[:8]}",
        topic="OWN",
        opened_at=change.created_at,
        proposed_by_id=change.proposed_by_id,
        summary=f"{change.get_action_display()} ({len(change.payload)} entries)",
    )


def _import_rows() -> Rows:
    waiting = Q(override_proposed_by__isnull=False, override_confirmed_by=None)
    return _marked(
        WatchlistImport.objects.filter(waiting),
        priority=Value(int(Priority.HIGH)),
        proposed_at=F("ended_at"),
    )


def _import(attempt: WatchlistImport) -> WorkSubject:
    return WorkSubject(
        subject_id=attempt.id,
        page_id=attempt.id,
        stream=attempt.stream,
        title=f"Import {attempt}",
        topic=attempt.list_code,
        opened_at=None,
        proposed_by_id=attempt.override_proposed_by_id,
        summary="Let the file in though the list shrank",
    )


def _limit(limit: Any) -> WorkSubject:
    value = "lift it" if limit.value is None else f"{limit.value.normalize():f}"
    return WorkSubject(
        subject_id=limit.id,
        page_id=limit.id,
        stream=limit.stream,
        title=f"Limit: {limit}",
        topic=limit.scope,
        client_id=limit.client_id,
        opened_at=limit.created_at,
        proposed_by_id=limit.proposed_by_id,
        summary=f"{limit.get_kind_display()}: {value}",
    )


def _payment(made: PaymentExit) -> WorkSubject:
    return WorkSubject(
        subject_id=made.id,
        page_id=made.screening_id,
        stream=made.screening.stream,
        title=f"Blocked: {made.screening}",
        topic=made.action,
        client_id=made.screening.client_id,
        opened_at=made.created_at,
        proposed_by_id=made.proposed_by_id,
        summary=made.get_action_display(),
    )


def _override(made: RatingOverride) -> WorkSubject:
    return WorkSubject(
        subject_id=made.id,
        page_id=made.record_id,
        stream=made.record.stream,
        title=f"Rating of {made.record}",
        topic=made.rating,
        client_id=made.record.client_id,
        opened_at=made.created_at,
        proposed_by_id=made.proposed_by_id,
        summary=f"{plain(made.rating)} instead of {plain(made.computed_rating).lower()}",
    )


def _withdrawal(made: MatchWithdrawal) -> WorkSubject:
    return WorkSubject(
        subject_id=made.id,
        page_id=made.hit.record_id,
        stream=made.hit.record.stream,
        title=f"Match {made.hit.entity.list_code} {made.hit.entity.uid}",
        topic=made.hit.entity.list_code,
        client_id=made.hit.record.client_id,
        opened_at=made.created_at,
        proposed_by_id=made.proposed_by_id,
        summary=f"Take it back: {made.get_reason_code_display().lower()}",
    )


def _diligence_rows() -> Rows:
    """Return checklists on which only the agreement of a supervisor is missing."""
    left = DueDiligenceItem.objects.filter(diligence=OuterRef("pk"), done_at=None)
    rows = DueDiligence.objects.filter(
        closed_at=None, record__status__in=DECIDABLE, record__risk_rating=RiskRating.HIGH
    )
    rows = rows.filter(Exists(left.filter(code__in=SENIOR_ITEMS)))
    rows = rows.exclude(Exists(left.exclude(code__in=SENIOR_ITEMS)))
    return _marked(rows, priority=Value(int(Priority.HIGH)))


def _diligence(row: DueDiligence) -> WorkSubject:
    return WorkSubject(
        subject_id=row.id,
        page_id=row.record_id,
        stream=row.record.stream,
        title=f"{row} of {row.record}",
        client_id=row.record.client_id,
        opened_at=None,
        summary="Everything is found out: agree to the client, or not",
    )


def _proposals(rows: Rows, priority: Priority) -> Rows:
    return _marked(rows, priority=Value(int(priority)), proposed_at=F("created_at"))


SOURCES: dict[WorkKind, WorkSource] = {
    WorkKind.KYC: WorkSource(_kyc_rows, _kyc),
    WorkKind.HIT: WorkSource(_hit_rows, _hit, ("record", "entity")),
    WorkKind.ALERT: WorkSource(_alert_rows, _alert),
    WorkKind.CASE: WorkSource(
        lambda: _marked(
            CaseRow.objects.filter(status=CaseRow.Status.OPEN), priority=Value(int(Priority.URGENT))
        ),
        _case,
    ),
    WorkKind.THRESHOLD: WorkSource(
        lambda: _proposals(
            ScreeningThreshold.objects.filter(status=ScreeningThreshold.Status.PROPOSED),
            Priority.NORMAL,
        ),
        _threshold,
    ),
    WorkKind.OWN_LIST: WorkSource(
        lambda: _proposals(
            OwnListChange.objects.filter(status=OwnListChange.Status.PROPOSED), Priority.HIGH
        ),
        _own_list,
    ),
    WorkKind.IMPORT: WorkSource(_import_rows, _import),
    WorkKind.PAYMENT: WorkSource(
        lambda: _proposals(
            PaymentExit.objects.filter(status=PaymentExit.Status.PROPOSED), Priority.HIGH
        ),
        _payment,
        ("screening",),
    ),
    WorkKind.OVERRIDE: WorkSource(
        lambda: _proposals(
            RatingOverride.objects.filter(status=RatingOverride.Status.PROPOSED), Priority.HIGH
        ),
        _override,
        ("record",),
    ),
    WorkKind.DILIGENCE: WorkSource(_diligence_rows, _diligence, ("record",)),
    WorkKind.MATCH: WorkSource(
        lambda: _proposals(
            MatchWithdrawal.objects.filter(status=MatchWithdrawal.Status.PROPOSED), Priority.HIGH
        ),
        _withdrawal,
        ("hit__record", "hit__entity"),
    ),
    WorkKind.LIMIT: WorkSource(lambda: _proposals(limits_proposed(), Priority.HIGH), _limit),
}
