"""Questions to the time series of valuations."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import connections, models

if TYPE_CHECKING:
    from apps.analytics.models import PortfolioValuation

# The last valuation of every bin; array_agg keeps the Decimal that TimescaleDB's last() loses.
LAST_OF_EACH_BIN = """
SELECT (array_agg(time ORDER BY time DESC))[1],
       (array_agg(total ORDER BY time DESC))[1],
       (array_agg(deposits ORDER BY time DESC))[1],
       (array_agg(withdrawals ORDER BY time DESC))[1],
       (array_agg(benchmark ORDER BY time DESC))[1]
  FROM analytics_portfoliovaluation
 WHERE portfolio_id = %s AND time >= %s
 GROUP BY date_bin(%s::interval, time, %s)
 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """The last valuation of one bin of time; the flows are totals since the start."""

    at: datetime
    total: Decimal
    deposits: Decimal
    withdrawals: Decimal
    benchmark: Decimal | None


class ValuationQuerySet(models.QuerySet["PortfolioValuation"]):
    def of(self, portfolio_id: UUID) -> Self:
        return self.filter(portfolio_id=portfolio_id).order_by("time")

    def last_before(self, portfolio_id: UUID, at: datetime) -> "PortfolioValuation | None":
        return self.of(portfolio_id).filter(time__lt=at).last()


def samples(
    portfolio_id: UUID, since: datetime, width: timedelta, origin: datetime
) -> Iterator[Sample]:
    """Yield the last valuation of every bin of `width` from `since` on, oldest first."""
    with connections["timescale"].cursor() as cursor:
        cursor.execute(
            LAST_OF_EACH_BIN, [portfolio_id, since, f"{width.total_seconds()} seconds", origin]
        )
        rows = cursor.fetchall()
    return (Sample(*row) for row in rows)
