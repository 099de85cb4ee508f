"""What a portfolio, or its client, has ordered of late: what the checks of an order add up."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Count, Q, Sum

from apps.infrastructure.prepared import run_prepared
from apps.trading.domain.orders import OrderDraft
from apps.trading.models import Order

ACTIVITY = """
SELECT (SELECT coalesce(sum(held_amount), 0) FROM trading_order
         WHERE portfolio_id = %s AND symbol = %s AND side = 'BUY' AND closed_at IS NULL),
       placed.count, placed.value,
       (SELECT max(created_at) FROM trading_order
         WHERE portfolio_id = %s AND created_at >= %s AND symbol = %s AND side = %s
           AND order_type = %s AND quantity = %s
           AND limit_price IS NOT DISTINCT FROM %s::numeric
           AND trail_amount IS NOT DISTINCT FROM %s::numeric
           AND trail_percent IS NOT DISTINCT FROM %s::numeric
           AND (%s::numeric IS NULL OR stop_price = %s::numeric))
  FROM (SELECT count(*) AS count,
               coalesce(sum(estimated_value) FILTER (WHERE currency = %s), 0) AS value
          FROM trading_order
         WHERE portfolio_id = %s AND created_at >= %s AND id IS DISTINCT FROM %s::uuid) AS placed
"""


class Activity(NamedTuple):
    """`on_the_way`: the cash that purchases of the symbol hold; `orders_today`: how many;
    `value_today`: what those in the draft's currency are worth; `repeated_at`: the same order.
    """

    on_the_way: Decimal
    orders_today: int
    value_today: Decimal
    repeated_at: datetime | None


def portfolio_activity(
    draft: OrderDraft,
    *,
    quantity: Decimal | None,
    currency: str,
    today: datetime,
    lately: datetime,
    besides: Order | None,
) -> Activity:
    """Return what the draft's portfolio did: since `today` began, and the same order `lately`.

    `quantity` is what the draft comes to.  The same stop is asked for only where one is given.
    Today's are without the one `besides`: its new terms are measured instead.
    """
    mine = (draft.portfolio_id, draft.symbol, draft.portfolio_id)
    words = (draft.symbol, draft.side.value, draft.order_type.value, quantity or Decimal(0))
    trail = (draft.limit_price, draft.trail_amount, draft.trail_percent)
    stop = (draft.stop_price, draft.stop_price)
    placed = (currency, draft.portfolio_id, today, besides.id if besides else None)
    given = [*mine, lately, *words, *trail, *stop, *placed]
    return Activity(*run_prepared(ACTIVITY, given)[0])


def client_activity(
    draft: OrderDraft, *, currency: str, today: datetime, besides: Order | None
) -> tuple[int, Decimal]:
    """Return how many orders the client placed today, and what those in the currency are worth."""
    placed = Order.objects.filter(client=draft.client_id, created_at__gte=today)
    if besides is not None:
        placed = placed.exclude(id=besides.id)
    in_currency = Sum("estimated_value", filter=Q(currency=currency), default=Decimal(0))
    sums = placed.aggregate(count=Count("id"), value=in_currency)
    return sums["count"], sums["value"]
