"""What a venue reports becomes trades, lots and postings, once."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.domain.instruments import PRICE_PLACES, QUANTITY_PLACES
from apps.core.domain.money import exact
from apps.core.errors import Conflict, InvalidInput
from apps.infrastructure.metrics import observe_execution
from apps.infrastructure.prepared import insert_row, update_row
from apps.ledger.domain.legs import AccountKind, Leg
from apps.ledger.services import entry_add
from apps.market.selectors import fx_rate
from apps.trading.domain.amounts import Charge, charge_of_fill
from apps.trading.domain.lots import LotCause, LotOrigin
from apps.trading.domain.orders import Side
from apps.trading.models import Execution, Order
from apps.trading.services import policies
from apps.trading.services.closing import replacement_drop
from apps.trading.services.holds import hold_move
from apps.trading.services.linked import after_fill, take_hold
from apps.trading.services.locks import order_locked
from apps.trading.services.lots import lot_open, lots_take

# What a fill changes of its order.
PROGRESS = (
    "status",
    "filled_quantity",
    "filled_value",
    "average_price",
    "fees",
    "held_amount",
    "closed_at",
)


@command
def execution_record(
    *,
    order_id: UUID,
    venue: str,
    venue_execution_id: str,
    quantity: Decimal,
    price: Decimal,
    executed_at: datetime | None = None,
) -> Execution:
    """Record a fill: trade, lots, postings and the order's progress; the same fill counts once.

    The last fill frees what the order still holds.  A fill that arrives while a cancel is pending
    counts.  Raises NotFound, InvalidInput, IllegalTransition (the order is closed), and Conflict
    `overfill` (more than remains) or `worse_than_held` (beyond the price or the sum that was held),
    and Unavailable `fx_rate_unavailable` (there is no rate to the portfolio's currency yet).
    """
    order = order_locked(order_id)
    return record_locked(
        order,
        venue=venue,
        venue_execution_id=venue_execution_id,
        quantity=quantity,
        price=price,
        executed_at=executed_at or timezone.now(),
    )


def record_locked(
    order: Order,
    *,
    venue: str,
    venue_execution_id: str,
    quantity: Decimal,
    price: Decimal,
    executed_at: datetime,
    is_fact: bool = False,
) -> Execution:
    """Do what `execution_record` says to an order whose row is locked in this transaction.

    A fill that `is_fact` happened at a live venue, whatever was held for it: what the hold lacks is
    taken from what is free, and Refused where there is less.
    """
    known = Execution.objects.reported(venue, venue_execution_id)
    if known is not None:
        if known.order_id != order.id:
            raise Conflict("The fill belongs to another order.", code="execution_reused")
        return known
    _check(order, quantity, price, is_fact=is_fact)
    charge = charge_of_fill(
        side=Side(order.side),
        currency=order.currency,
        commission=policies.commission(),
        filled_quantity=order.filled_quantity,
        filled_value=order.filled_value,
        quantity=quantity,
        price=price,
    )
    execution = Execution(
        order=order,
        portfolio_id=order.portfolio_id,
        symbol=order.symbol,
        side=order.side,
        quantity=quantity,
        price=price,
        amount=charge.amount,
        fees=charge.fees,
        currency=order.currency,
        fx_rate=fx_rate(
            order.currency, order.portfolio.currency, on=executed_at.astimezone(UTC).date()
        ).rate,
        venue=venue,
        venue_execution_id=venue_execution_id,
        executed_at=executed_at,
    )
    is_asked = not order.is_working
    take_hold(order)
    if is_fact:
        _hold_more(order, charge.total if order.side == Side.BUY else quantity, execution.id)
    event = order.fill(
        quantity=quantity, price=price, fees=charge.fees, execution_id=execution.id, at=executed_at
    )
    settle = _settle_buy if order.side == Side.BUY else _settle_sell
    entry = entry_add(
        actor=None,
        idempotency_key=f"execution-{execution.id}",
        kind="EXECUTION",
        reference=str(order.id),
        legs=[leg for leg in settle(order, quantity, charge) if leg is not None],
    )
    execution.entry_id = entry.id
    (_open_lot if order.side == Side.BUY else _consume_lots)(order, execution)
    update_row(order, *PROGRESS)
    emit(event, actor=None)
    if order.is_closed and is_asked:
        replacement_drop(order)
    after_fill(order, quantity, execution.id)
    transaction.on_commit(partial(_observe, order, execution), robust=True)
    return execution


def _observe(order: Order, execution: Execution) -> None:
    """Measure how long the client waited for it since the order was accepted."""
    observe_execution(
        symbol=execution.symbol,
        side=execution.side,
        amount=execution.amount,
        seconds=(execution.executed_at - order.created_at).total_seconds(),
    )


def _hold_more(order: Order, needed: Decimal, execution_id: UUID) -> None:
    lacking = max(needed - order.held_amount, Decimal(0))
    hold_move(order, lacking, actor=None, key=f"fact-{order.id}-{execution_id}")
    order.held_amount += lacking


def _check(order: Order, quantity: Decimal, price: Decimal, *, is_fact: bool) -> None:
    for value, places, name in (
        (quantity, QUANTITY_PLACES, "quantity"),
        (price, PRICE_PLACES, "price"),
    ):
        if exact(value, places=places, name=name) <= 0:
            raise InvalidInput(f"{name} is a positive number.", field=name)
    if (is_fact or not order.is_closed) and quantity > order.remaining:
        raise Conflict("The fill is larger than what remains.", code="overfill")
    if not is_fact and order.side == Side.BUY and price > order.worst_price:
        raise Conflict("The fill costs more than was held for it.", code="worse_than_held")


def _leg(owner: UUID | None, kind: AccountKind, asset: str, amount: Decimal) -> Leg | None:
    """Return the leg, or None where rounding left nothing to move."""
    return Leg(owner, kind, asset, amount) if amount else None


def _settle_buy(order: Order, quantity: Decimal, charge: Charge) -> list[Leg | None]:
    """Pay out of the hold; the last fill frees the rest of it."""
    owner, cash = order.portfolio_id, order.currency
    if charge.total > order.held_amount:
        raise Conflict("The fill costs more than was held for it.", code="worse_than_held")
    order.held_amount -= charge.total
    freed = order.held_amount if order.is_closed else Decimal(0)
    order.held_amount -= freed
    return [
        _leg(owner, AccountKind.HELD, cash, -charge.total - freed),
        _leg(owner, AccountKind.CASH, cash, freed),
        _leg(None, AccountKind.CLEARING, cash, charge.amount),
        _leg(None, AccountKind.FEES, cash, charge.fees),
        _leg(owner, AccountKind.SECURITIES, order.symbol, quantity),
        _leg(None, AccountKind.CLEARING, order.symbol, -quantity),
    ]


def _settle_sell(order: Order, quantity: Decimal, charge: Charge) -> list[Leg | None]:
    owner, cash = order.portfolio_id, order.currency
    order.held_amount -= quantity
    freed = order.held_amount if order.is_closed else Decimal(0)
    order.held_amount -= freed
    return [
        _leg(owner, AccountKind.HELD, order.symbol, -quantity - freed),
        _leg(owner, AccountKind.SECURITIES, order.symbol, freed),
        _leg(None, AccountKind.CLEARING, order.symbol, quantity),
        _leg(None, AccountKind.CLEARING, cash, -charge.amount),
        _leg(None, AccountKind.FEES, cash, charge.fees),
        _leg(owner, AccountKind.CASH, cash, charge.amount - charge.fees),
    ]


def _open_lot(order: Order, execution: Execution) -> None:
    insert_row(execution)
    lot_open(
        order.portfolio,
        order.symbol,
        execution.quantity,
        execution.amount + execution.fees,
        execution.executed_at,
        origin=LotOrigin.PURCHASE,
        entry_id=execution.entry_id,
        currency=execution.currency,
        fx_rate=execution.fx_rate,
        execution=execution,
    )


def _consume_lots(order: Order, execution: Execution) -> None:
    proceeds = execution.amount - execution.fees
    parts = lots_take(
        order.portfolio,
        order.symbol,
        execution.quantity,
        cause=LotCause.SALE,
        entry_id=execution.entry_id,
        at=execution.executed_at,
        chosen=[str(lot_id) for lot_id in order.lot_ids],
        proceeds=proceeds,
        fx_rate=execution.fx_rate,
        execution=execution,
    )
    execution.profit = proceeds - sum((part.cost for part in parts), Decimal(0))
    insert_row(execution)
