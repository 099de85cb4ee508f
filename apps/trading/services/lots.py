"""How lots come and go: the one place that opens them and takes from them.

Called inside a command, under the lock of the portfolio's row.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from apps.core.errors import Conflict
from apps.infrastructure.prepared import insert_row
from apps.trading.domain.lots import LotCause, LotMethod, LotOrigin, sell, spread
from apps.trading.models import Execution, Lot, LotConsumption, Portfolio
from apps.trading.repositories import LotQuerySet

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
    opened_at: datetime | None = None,
    carried_from: Lot | None = None,
) -> Lot:
    """Add a lot: units with their whole cost in `currency`, brought by the ledger's entry.

    `fx_rate` is what one unit of `currency` was in the portfolio's when they were acquired.  A lot
    that was bought names its execution, one that goes on the lot that it was `carried_from`.
    `opened_at` is when the units came into the portfolio,
    where that is not when they were acquired.
    """
    lot = Lot(
        portfolio=portfolio,
        origin=origin,
        entry_id=entry_id,
        execution=execution,
        carried_from=carried_from,
        symbol=symbol,
        currency=currency,
        fx_rate=fx_rate,
        acquired_at=acquired_at,
        opened_at=opened_at or acquired_at,
        quantity=quantity,
        cost=cost,
        remaining_quantity=quantity,
        remaining_cost=cost,
    )
    insert_row(lot)
    return lot


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
    among: LotQuerySet | None = None,
    proceeds: Decimal | None = None,
    fx_rate: Decimal = ONE,
    execution: Execution | None = None,
) -> list[LotConsumption]:
    """Take units out of the portfolio's lots and return the parts, each with its `lot`.

    By the portfolio's method unless told; `chosen` are ids of lots for SPECIFIC; only the lots in
    `among` are touched, where it is given.  A disposal names
    its `proceeds` after fees in the lots' currency, shared out by units, and the `fx_rate` of its
    time.  Raises Refused `insufficient_lots`.
    """
    if among is None:
        lots = Lot.objects.sellable(portfolio.id, symbol)
    else:
        lots = among.locked_open(portfolio.id, symbol)
    rows = {str(lot.id): lot for lot in lots}
    method = method or LotMethod(portfolio.lot_method)
    sale = sell([lot.as_open() for lot in rows.values()], quantity, method, chosen=chosen)
    changed = []
    for left in sale.lots:
        lot = rows[left.key]
        if (left.quantity, left.cost) != (lot.remaining_quantity, lot.remaining_cost):
            lot.leave(quantity=left.quantity, cost=left.cost)
            changed.append(lot)
    Lot.objects.keep(changed)
    shares: Sequence[Decimal | None] = [None] * len(sale.consumed)
    if proceeds is not None:
        shares = spread(proceeds, [part.quantity for part in sale.consumed])
    return LotConsumption.objects.bulk_create(
        LotConsumption(
            lot=rows[part.key],
            cause=cause,
            entry_id=entry_id,
            execution=execution,
            method=method,
            quantity=part.quantity,
            cost=part.cost,
            proceeds=share,
            fx_rate=fx_rate,
            consumed_at=at,
        )
        for part, share in zip(sale.consumed, shares, strict=True)
    )


def lots_carry(
    parts: Sequence[LotConsumption],
    portfolio: Portfolio,
    symbol: str,
    quantity: Decimal,
    *,
    origin: LotOrigin,
    entry_id: UUID,
    at: datetime,
) -> list[Lot]:
    """Open lots for the parts that were taken, `quantity` units in all, and return them.

    Each keeps its part's cost, day of acquisition and rate, exactly: units and costs of the lots
    sum to what was asked and taken.  A part too small for a step of the new units adds its cost to
    its neighbour's.
    """
    lots: list[Lot] = []
    cost = Decimal(0)
    for part, units in zip(parts, spread(quantity, [part.quantity for part in parts]), strict=True):
        cost += part.cost
        if not units:
            continue
        lots.append(
            Lot(
                portfolio=portfolio,
                origin=origin,
                entry_id=entry_id,
                carried_from=part.lot,
                symbol=symbol,
                currency=part.lot.currency,
                fx_rate=part.lot.fx_rate,
                acquired_at=part.lot.acquired_at,
                opened_at=at,
                quantity=units,
                cost=cost,
                remaining_quantity=units,
                remaining_cost=cost,
            )
        )
        cost = Decimal(0)
    lots[-1].cost += cost
    lots[-1].remaining_cost += cost
    return Lot.objects.bulk_create(lots)


def lots_restore(portfolio: Portfolio, *, entry_id: UUID, reversal_id: UUID) -> list[Lot]:
    """Undo what an entry that was reversed did to the portfolio's lots; return those restored.

    What it opened is consumed, what it consumed is opened again, with the same units, cost, rate
    and day; history then counts as if the entry had never been.  Raises Conflict
    `lots_traded_since` where units that it opened went elsewhere.
    """
    opened = list(
        portfolio.lots.filter(entry_id=entry_id).select_for_update().order_by("acquired_at", "id")
    )
    taken = LotConsumption.objects.filter(entry_id=entry_id, lot__portfolio=portfolio)
    own = dict(taken.filter(lot__in=opened).values_list("lot_id", "quantity"))
    if any(lot.remaining_quantity != lot.quantity - own.get(lot.id, 0) for lot in opened):
        raise Conflict("Units of it were sold or moved on since.", code="lots_traded_since")
    LotConsumption.objects.bulk_create(
        LotConsumption(
            lot=lot,
            cause=LotCause.CORPORATE_ACTION,
            entry_id=reversal_id,
            method=LotMethod.FIFO,
            quantity=lot.remaining_quantity,
            cost=lot.remaining_cost,
            consumed_at=lot.opened_at,
        )
        for lot in opened
        if lot.remaining_quantity
    )
    for lot in opened:
        lot.leave(quantity=Decimal(0), cost=Decimal(0))
    Lot.objects.bulk_update(opened, ["remaining_quantity", "remaining_cost"])
    parts = taken.exclude(lot__in=opened).select_related("lot").order_by("id")
    return Lot.objects.bulk_create(
        Lot(
            portfolio=portfolio,
            origin=LotOrigin.CORPORATE_ACTION,
            entry_id=reversal_id,
            carried_from=part.lot,
            symbol=part.lot.symbol,
            currency=part.lot.currency,
            fx_rate=part.lot.fx_rate,
            acquired_at=part.lot.acquired_at,
            opened_at=part.consumed_at,
            quantity=part.quantity,
            cost=part.cost,
            remaining_quantity=part.quantity,
            remaining_cost=part.cost,
        )
        for part in parts
    )
