"""From which score on is a hit, and what another threshold would have raised and lost."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from apps.compliance.domain.matching import DEFAULT_THRESHOLD
from apps.compliance.models import (
    ScreeningHit,
    ScreeningResult,
    ScreeningRun,
    ScreeningThreshold,
)


@dataclass(frozen=True)
class Thresholds:
    """The rows in force, by list and risk class; the narrower row counts, a list before a class."""

    by_scope: dict[tuple[str, str], Decimal]

    def of(self, list_code: str, risk_class: str) -> Decimal:
        for scope in ((list_code, risk_class), (list_code, ""), ("", risk_class), ("", "")):
            if scope in self.by_scope:
                return self.by_scope[scope]
        return DEFAULT_THRESHOLD


@dataclass(frozen=True)
class Replay:
    """What a threshold would have done to kept results: to all of them, and to clients as of now.

    `raised` are new hits, `lost` those that would not be; `lost_true` of them were true matches.
    """

    results: int
    raised: int
    lost: int
    lost_true: int
    clients: int
    clients_raised: int
    clients_lost: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def thresholds_in_force() -> Thresholds:
    rows = ScreeningThreshold.objects.filter(status=ScreeningThreshold.Status.ACTIVE)
    return Thresholds(
        {
            (list_code, risk_class): threshold
            for list_code, risk_class, threshold in rows.values_list(
                "list_code", "risk_class", "threshold"
            )
        }
    )


def threshold_in_force(list_code: str, risk_class: str) -> ScreeningThreshold | None:
    """Return the row of exactly that scope."""
    return ScreeningThreshold.objects.filter(
        list_code=list_code, risk_class=risk_class, status=ScreeningThreshold.Status.ACTIVE
    ).first()


def threshold_replay(list_code: str, risk_class: str, threshold: Decimal) -> Replay:
    """Compare the threshold with what made each kept result a hit, or not, at its time."""
    rows = ScreeningResult.objects.all()
    if list_code:
        rows = rows.filter(entity__list_code=list_code)
    if risk_class:
        rows = rows.filter(run__record__risk_rating=risk_class)
    raised = rows.filter(score__lt=F("threshold"), score__gte=threshold)
    lost = rows.filter(score__gte=F("threshold"), score__lt=threshold)
    newest = ScreeningRun.objects.filter(record=OuterRef("run__record")).order_by("-created_at")
    now = Q(run=Subquery(newest.values("id")[:1]))
    true = ScreeningHit.objects.filter(
        status=ScreeningHit.Status.TRUE_MATCH,
        record=OuterRef("run__record"),
        entity=OuterRef("entity"),
    )
    return Replay(
        results=rows.count(),
        raised=raised.count(),
        lost=lost.count(),
        lost_true=lost.filter(Exists(true)).count(),
        clients=_clients(rows.filter(now)),
        clients_raised=_clients(raised.filter(now)),
        clients_lost=_clients(lost.filter(now)),
    )


def _clients(rows: QuerySet[ScreeningResult]) -> int:
    return rows.values("run__record").distinct().count()
