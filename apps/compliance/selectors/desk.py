"""The cockpit: what waits at the desk, for how long, and how well it is worked off.

Every figure is counted in the database, and leads to the rows behind it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Aggregate, Count, DurationField, F, Min, Q, QuerySet, Value

from apps.compliance.domain.wording import duration_words, plain
from apps.compliance.domain.work_items import AGES, KIND_WORDS, WorkKind, soon_at
from apps.compliance.models import Alert, HitDecision, WorkItem
from apps.users.models import User

RATE_DAYS = 30
CHART_WIDTH = 160
BARS = 12
UNFOUNDED = ("FALSE_POSITIVE", "NOT_SUSPICIOUS")


class Median(Aggregate):
    """The middle value of a duration, in the database."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart; `width` in pixels of CHART_WIDTH, `query` the rows behind it."""

    label: str
    count: int
    width: int
    query: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """One kind of work that waits; `query` is its filter of the queue."""

    label: str
    query: str
    count: int
    unassigned: int
    late: int
    soon: int
    second: int
    oldest: str
    decided: int
    in_time: str
    time_to_decide: str


@dataclass(frozen=True, slots=True)
class Desk:
    """`mine` and `four_eyes` are the viewer's; rates cover the last RATE_DAYS."""

    waiting: int
    late: int
    soon: int
    mine: int
    unassigned: int
    four_eyes: int
    median_age: str
    in_time: str
    time_to_decide: str
    false_positives: str
    unfounded_alerts: str
    queues: list[Queue]
    by_age: list[Bar]
    by_list: list[Bar]
    by_scenario: list[Bar]


def desk_overview(officer: User, at: datetime) -> Desk:
    """Return the figures of the desk as that officer sees them at that time."""
    since = at - timedelta(days=RATE_DAYS)
    waiting = WorkItem.objects.open()
    counts = waiting.aggregate(
        **_counts(at),
        **_ages(at),
        mine=Count("id", Q(assignee=officer)),
        median=Median(Value(at) - F("opened_at")),
    )
    decided = WorkItem.objects.filter(closed_at__gt=since, closed_at__lte=at)
    rates = decided.aggregate(**_rates())
    by_kind = {row["kind"]: row for row in _by("kind", waiting, **_counts(at))}
    rates_by_kind = {row["kind"]: row for row in _by("kind", decided, **_rates())}
    kinds = [kind for kind in WorkKind if kind in by_kind or kind in rates_by_kind]
    return Desk(
        waiting=counts["every"],
        late=counts["late"],
        soon=counts["soon"],
        mine=counts["mine"],
        unassigned=counts["unassigned"],
        four_eyes=WorkItem.objects.awaiting_second(officer).count(),
        median_age=_duration(counts["median"]),
        in_time=_share(rates["in_time"], rates["decided"]),
        time_to_decide=_duration(rates["median"]),
        false_positives=_unfounded(HitDecision.objects.filter(decided_at__gt=since)),
        unfounded_alerts=_unfounded(Alert.objects.filter(status="CLOSED", decided_at__gt=since)),
        queues=[
            _queue(kind, by_kind.get(kind, {}), rates_by_kind.get(kind, {}), at) for kind in kinds
        ],
        by_age=_bars((label, counts[code], {"age": code}) for code, label, *_ in AGES),
        by_list=_by_topic(waiting, WorkKind.HIT),
        by_scenario=_by_topic(waiting, WorkKind.ALERT),
    )


def _by(column: str, items: QuerySet[WorkItem], **figures: Aggregate) -> list[dict[str, Any]]:
    return list(items.order_by().values(column).annotate(**figures))


def _counts(at: datetime) -> dict[str, Aggregate]:
    return {
        "every": Count("id"),
        "unassigned": Count("id", Q(assignee=None)),
        "late": Count("id", Q(due_at__lt=at)),
        "soon": Count("id", Q(due_at__gte=at, due_at__lt=soon_at(at))),
        "second": Count("id", Q(proposed_by__isnull=False)),
        "oldest": Min("opened_at"),
    }


def _ages(at: datetime) -> dict[str, Aggregate]:
    return {
        code: Count("id", Q(opened_at__lte=at - low, opened_at__gt=at - high))
        for code, _, low, high in AGES
    }


def _rates() -> dict[str, Aggregate]:
    return {
        "decided": Count("id"),
        "in_time": Count("id", Q(closed_at__lte=F("due_at"))),
        "median": Median(F("closed_at") - F("opened_at")),
    }


def _queue(kind: WorkKind, counts: dict[str, Any], rates: dict[str, Any], at: datetime) -> Queue:
    return Queue(
        label=KIND_WORDS[kind],
        query=urlencode({"kind": kind}),
        count=counts.get("every", 0),
        unassigned=counts.get("unassigned", 0),
        late=counts.get("late", 0),
        soon=counts.get("soon", 0),
        second=counts.get("second", 0),
        oldest=_duration(at - counts["oldest"]) if counts else "none",
        decided=rates.get("decided", 0),
        in_time=_share(rates.get("in_time", 0), rates.get("decided", 0)),
        time_to_decide=_duration(rates.get("median")),
    )


def _by_topic(waiting: QuerySet[WorkItem], kind: WorkKind) -> list[Bar]:
    """Return the longest bars of a kind by list or scenario."""
    rows = _by("topic", waiting.filter(kind=kind), every=Count("id"))
    longest = sorted(rows, key=lambda row: (-row["every"], row["topic"]))[:BARS]
    in_words = kind == WorkKind.ALERT
    return _bars(
        (
            plain(row["topic"]) if in_words else row["topic"],
            row["every"],
            {"kind": kind, "topic": row["topic"]},
        )
        for row in longest
    )


def _unfounded(rows: QuerySet[Any]) -> str:
    counts = rows.aggregate(every=Count("id"), unfounded=Count("id", Q(disposition__in=UNFOUNDED)))
    return _share(counts["unfounded"], counts["every"])


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "none"


def _duration(span: timedelta | None) -> str:
    return "none" if span is None else duration_words(span)


def _bars(counts: Iterable[tuple[str, int, dict[str, str]]]) -> list[Bar]:
    rows = list(counts)
    longest = max((count for _, count, _ in rows), default=0)
    return [
        Bar(label, count, CHART_WIDTH * count // longest if longest else 0, urlencode(query))
        for label, count, query in rows
    ]
