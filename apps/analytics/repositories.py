"""Questions to the time series of valuations."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import connections, models

if TYPE_CHECKING:
    from apps.analytics.models import PortfolioValuation

# The last valuation of every bin, one index look-up each: the cost grows with the bins and not with
# the valuations in them.  One that missed a price would look like a loss.
LAST_OF_EACH_BIN = """
WITH known AS (
    SELECT date_bin(%(width)s::interval, min(time), %(since)s) AS first, max(time) AS last
      FROM analytics_portfoliovaluation
     WHERE portfolio_id = %(portfolio_id)s AND time >= %(since)s
)
SELECT found.time, found.total, found.deposits, found.withdrawals, found.benchmark
  FROM known
 CROSS JOIN LATERAL generate_series(known.first, known.last, %(width)s::interval) AS bin (start)
 CROSS JOIN LATERAL (
    SELECT time, total, deposits, withdrawals, benchmark
      FROM analytics_portfoliovaluation
     WHERE portfolio_id = %(portfolio_id)s AND is_complete
       AND time >= bin.start AND time < bin.start + %(width)s::interval
     ORDER BY time DESC
     LIMIT 1
 ) AS found
 ORDER BY found.time
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """The last complete valuation of one bin of time; the flows are totals since the start."""

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


def samples(portfolio_id: UUID, since: datetime, width: timedelta) -> list[Sample]:
    """Return the last complete valuation of every bin of `width` from `since` on, oldest first."""
    wanted: dict[str, UUID | datetime | str] = {
        "portfolio_id": portfolio_id,
        "since": since,
        "width": f"{width.total_seconds()} seconds",
    }
    with connections["timescale"].cursor() as cursor:
        cursor.execute(LAST_OF_EACH_BIN, wanted)
        return [Sample(*row) for row in cursor.fetchall()]
