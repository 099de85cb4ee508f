"""The equity curve of the dashboard."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.analytics.selectors import equity_curve
from apps.users.models import User

SPAN = timedelta(days=365)
FEWEST_POINTS = 2


def curve_series(user: User, portfolio_id: UUID) -> list[list[Any]]:
    """Return times (seconds), values and benchmark, oldest first; empty with too little history.

    Floats: they are drawn and never counted with.
    """
    points = equity_curve(user, portfolio_id, since=timezone.now() - SPAN)
    if len(points) < FEWEST_POINTS:
        return []
    return [
        [int(point.at.timestamp()) for point in points],
        [float(point.value) for point in points],
        [None if point.benchmark is None else float(point.benchmark) for point in points],
    ]
