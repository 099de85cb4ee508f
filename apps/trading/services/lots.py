"""How lots come and go: the one place that opens them and takes from them.

Called inside a command, under the lock of the portfolio's row.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from apps.trading.domain.lots import LotCause, LotMethod, LotOrigin, sell, spread
from apps.trading.models import Execution, Lot, LotConsumption, Portfolio

ONE = Decimal(1)


def lot_open(
    portfolio: Portfolio,
    symbol: str,
    quantity: Decimal,
    cost: Decimal,
    acquired_at: datetime,
    *,
    origin: LotOrigin,
    entry_id: UUID,
    currency: str,
    fx_rate: Decimal = ONE,
    execution: Execution | None = None,
    carried_from: Lot | None = None,
) -> Lot:
    """Add a lot: units with their whole cost in `currency`, brought by the ledger's entry.

    `fx_rate` is what one unit of `currency` was in the portfolio's when they were acquired.  A lot
    that was bought names its execution; one that is carried over names the lot it comes from.
    """
    return Lot.objects.create(
        portfolio=portfolio,
        origin=origin,
        entry_id=entry_id,
        execution=execution,
        carried_from=carried_from,
        symbol=symbol,
        currency=currency,
        fx_rate=fx_rate,
        acquired_at=acquired_at,
        quantity=quantity,
        cost=cost,
        remaining_quantity=quantity,
        remaining_cost=cost,
    )


def lots_take(
    portfolio: Portfolio,
    symbol: str,
    quantity: Decimal,
    *,
    cause: LotCause,
    entry_id: UUID,
    at: datetime,
    method: LotMethod | None = None,
    chosen: Sequence[str] = (),
    proceeds: Decimal | None = None,
    fx_rate: Decimal = ONE,
    execution: Execution | None = None,
) -> list[LotConsumption]:
    """Take units out of the portfolio's lots and return the parts, each with its `lot`.

    By the portfolio's method unless told; `chosen` are ids of lots for SPECIFIC.  A disposal names
    its `proceeds` after fees in the lots' currency, shared out by units, and the `fx_rate` of its
    time.  Raises Refused `insufficient_lots`.
    """
    rows = {str(lot.id): lot for lot in Lot.objects.locked_open(portfolio.id, symbol)}
    sale = sell(
        [lot.as_open() for lot in rows.values()],
        quantity,
        method or LotMethod(portfolio.lot_method),
        chosen=chosen,
    )
    changed = []
    for left in sale.lots:
        lot = rows[left.key]
        if (left.quantity, left.cost) != (lot.remaining_quantity, lot.remaining_cost):
            lot.leave(quantity=left.quantity, cost=left.cost)
            changed.append(lot)
    Lot.objects.bulk_update(changed, ["remaining_quantity", "remaining_cost"])
    shares: Sequence[Decimal | None] = [None] * len(sale.consumed)
    if proceeds is not None:
        shares = spread(proceeds, [part.quantity for part in sale.consumed])
    return LotConsumption.objects.bulk_create(
        LotConsumption(
            lot=rows[part.key],
            cause=cause,
            entry_id=entry_id,
            execution=execution,
            quantity=part.quantity,
            cost=part.cost,
            proceeds=share,
            fx_rate=fx_rate,
            consumed_at=at,
        )
        for part, share in zip(sale.consumed, shares, strict=True)
    )
