"""Queries of limits: the versions of one, and which of them count."""

from datetime import datetime
from uuid import UUID

from django.db.models import Max, Q, QuerySet

from apps.trading.models import TradingLimit


def limit_versions(limit: TradingLimit) -> QuerySet[TradingLimit]:
    """Return every version, and every proposal, of the same limit, newest first."""
    rows = TradingLimit.objects.select_related("proposed_by", "decided_by")
    same = Q(scope=limit.scope, kind=limit.kind, client_id=limit.client_id)
    return rows.filter(same & Q(portfolio_id=limit.portfolio_id)).order_by("-created_at")


def limits_proposed() -> QuerySet[TradingLimit]:
    """Return what waits for a second officer."""
    return TradingLimit.objects.filter(status=TradingLimit.Status.PROPOSED)


def limit_newest(limit: TradingLimit) -> int:
    """Return the number of the newest confirmed version of the same limit; 0 without one."""
    return limit_versions(limit).aggregate(newest=Max("version"))["newest"] or 0


def limit_in_force(limit: TradingLimit, at: datetime) -> TradingLimit | None:
    """Return the version of the same limit that counts at that time."""
    return limit_versions(limit).filter(_holds(at)).order_by("-version").first()


def limits_in_force(at: datetime) -> QuerySet[TradingLimit, UUID]:
    """Return the ids of the versions that count at that time, one of each limit."""
    limit = ("scope", "client", "portfolio", "kind")
    rows = TradingLimit.objects.filter(_holds(at)).order_by(*limit, "-version")
    return rows.distinct(*limit).values_list("id", flat=True)


def _holds(at: datetime) -> Q:
    has_begun = Q(status="CONFIRMED", effective_from__lte=at)
    return has_begun & (Q(effective_to=None) | Q(effective_to__gt=at))
