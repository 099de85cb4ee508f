"""Queries of the live venue: how it is, and what our books say that it must hold for us."""

from datetime import datetime
from decimal import Decimal

from django.db.models import Count
from django.utils import timezone

from apps.infrastructure.health import Finding, grade_age
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balances_by_owner
from apps.trading.models import Portfolio, VenueAccount, VenueDifference
from apps.trading.repositories.venues import VenueDifferenceQuerySet
from apps.trading.venues import live_venue

OWNED = frozenset({AccountKind.CASH, AccountKind.HELD, AccountKind.SECURITIES})


def check_live_venue() -> Finding:
    """Grade the live venue by the last sign of life of its stream; without a venue all is well."""
    if not live_is_available():
        return Finding(detail="There is no live venue.")
    account = VenueAccount.objects.order_by("-heard_at").first()
    return stream_finding(account.heard_at if account else None)


def stream_finding(heard_at: datetime | None) -> Finding:
    """Grade a venue's stream by its last sign of life."""
    age = (timezone.now() - heard_at).total_seconds() if heard_at else None
    return grade_age(age, late=30, down=300, missing="The live venue was never heard.")


def live_is_available() -> bool:
    """Say whether live portfolios can be opened at all."""
    return live_venue() is not None


def live_holdings() -> dict[str, Decimal]:
    """Return what all live portfolios own together, free and held, by asset."""
    live = set(Portfolio.objects.filter(mode="LIVE").values_list("id", flat=True))
    total: dict[str, Decimal] = {}
    for owner_id, row in balances_by_owner():
        if owner_id in live and row.kind in OWNED:
            total[row.asset] = total.get(row.asset, Decimal(0)) + row.balance
    return total


def difference_list() -> VenueDifferenceQuerySet:
    """Return the open differences between live venues and our ledger, oldest first."""
    return VenueDifference.objects.open().order_by("created_at", "id")


def difference_counts() -> dict[str, int]:
    """Return how many differences are open, by kind."""
    rows = VenueDifference.objects.open().values("kind").annotate(count=Count("id"))
    return {row["kind"]: row["count"] for row in rows}
