"""The cockpit: what waits at the desk, for how long, and how well it is worked off."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import Count, Q

from apps.compliance.domain.wording import duration_words, plain
from apps.compliance.models import Alert, KycRecord

AGE_BUCKETS = (
    ("under 4 h", timedelta(0), timedelta(hours=4)),
    ("4 to 24 h", timedelta(hours=4), timedelta(hours=24)),
    ("1 to 3 days", timedelta(hours=24), timedelta(hours=72)),
    ("over 3 days", timedelta(hours=72), timedelta(days=36500)),
)
KYC_WAITING = ("SUBMITTED", "SCREENING", "IN_REVIEW", "UNDER_REVIEW")
KYC_QUEUES = {"IN_REVIEW": "KYC to decide", "UNDER_REVIEW": "KYC under review again"}
KYC_SLA = timedelta(hours=24)
SOON = timedelta(hours=4)
RATE_DAYS = 30
CHART_WIDTH = 160
UNFOUNDED = ("FALSE_POSITIVE", "NOT_SUSPICIOUS")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart; `width` in pixels of CHART_WIDTH."""

    label: str
    count: int
    width: int


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue of the desk; `page` names its list and `query` is the filter there."""

    label: str
    query: str
    count: int
    breached: int
    due_soon: int
    oldest: str
    page: str = "admin:compliance_alert_changelist"


@dataclass(frozen=True, slots=True)
class Desk:
    open_alerts: int
    median_age: str
    breaches: int
    false_positive_rate: str
    kyc_waiting: int
    four_eyes: int
    queues: list[Queue]
    by_age: list[Bar]
    by_scenario: list[Bar]


def desk_overview(at: datetime) -> Desk:
    """Return the figures of the desk at that time; the rate covers the RATE_DAYS before it."""
    rows = list(
        Alert.objects.open().values_list(
            *("status", "assignee_id", "created_at", "due_at", "scenario_code")
        )
    )
    ages = [at - created for _, _, created, _, _ in rows]
    scenarios = [code for *_, code in rows]

    def queue(label: str, query: str, status: str, *, unassigned: bool | None = None) -> Queue:
        chosen = [
            (created, due)
            for row_status, assignee, created, due, _ in rows
            if row_status == status and unassigned in (None, assignee is None)
        ]
        return Queue(
            label=label,
            query=query,
            count=len(chosen),
            breached=sum(due < at for _, due in chosen),
            due_soon=sum(at <= due < at + SOON for _, due in chosen),
            oldest=_oldest(at, [created for created, _ in chosen]),
        )

    return Desk(
        open_alerts=len(rows),
        median_age=duration_words(median(ages)) if ages else "none",
        breaches=sum(due < at for _, _, _, due, _ in rows),
        false_positive_rate=_false_positive_rate(at),
        kyc_waiting=KycRecord.objects.filter(status__in=KYC_WAITING).count(),
        four_eyes=sum(status == "PROPOSED" for status, *_ in rows),
        queues=[
            queue("Unassigned", "status__exact=OPEN&held=nobody", "OPEN", unassigned=True),
            queue("Being worked on", "status__exact=OPEN&held=somebody", "OPEN", unassigned=False),
            queue("Awaiting second officer", "status__exact=PROPOSED", "PROPOSED"),
            *_kyc_queues(at),
        ],
        by_age=_bars(
            {label: sum(low <= age < high for age in ages) for label, low, high in AGE_BUCKETS}
        ),
        by_scenario=_bars({plain(code): scenarios.count(code) for code in sorted(set(scenarios))}),
    )


def _kyc_queues(at: datetime) -> list[Queue]:
    """Return the KYC records by what they wait for; late is a day after they were handed in."""
    queues = []
    for status, label in KYC_QUEUES.items():
        chosen = list(
            KycRecord.objects.filter(status=status, submitted_at__isnull=False).values_list(
                "submitted_at", flat=True
            )
        )
        due = [submitted + KYC_SLA for submitted in chosen if submitted]
        queues.append(
            Queue(
                label=label,
                query=f"status__exact={status}",
                count=len(due),
                breached=sum(moment < at for moment in due),
                due_soon=sum(at <= moment < at + SOON for moment in due),
                oldest=_oldest(at, [moment - KYC_SLA for moment in due]),
                page="admin:compliance_kycrecord_changelist",
            )
        )
    return queues


def _oldest(at: datetime, starts: list[datetime]) -> str:
    return duration_words(at - min(starts)) if starts else ""


def _false_positive_rate(at: datetime) -> str:
    counts = Alert.objects.filter(
        status="CLOSED", decided_at__gt=at - timedelta(days=RATE_DAYS)
    ).aggregate(every=Count("id"), unfounded=Count("id", Q(disposition__in=UNFOUNDED)))
    if not counts["every"]:
        return "none decided"
    return f"{100 * counts['unfounded'] / counts['every']:.0f} %"


def _bars(counts: dict[str, int]) -> list[Bar]:
    longest = max(counts.values(), default=0)
    return [
        Bar(label, count, CHART_WIDTH * count // longest if longest else 0)
        for label, count in counts.items()
    ]
