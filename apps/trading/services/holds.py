"""What an open order keeps apart in the ledger, and how it moves."""

from decimal import Decimal

from apps.audit.services import Actor
from apps.ledger.domain.legs import AccountKind, Leg
from apps.ledger.selectors import balance_get
from apps.ledger.services import entry_add
from apps.trading.domain.amounts import most_it_costs
from apps.trading.domain.orders import Side
from apps.trading.models import Order
from apps.trading.services import policies


def hold_needed(order: Order, *, quantity: Decimal, worst_price: Decimal) -> Decimal:
    """Return what the rest of the order must hold under those terms: cash, or units of a sale."""
    if order.side == Side.SELL:
        units: Decimal = quantity - order.filled_quantity
        return units
    return most_it_costs(
        quantity=quantity,
        worst_price=worst_price,
        currency=order.currency,
        commission=policies.commission(),
        filled_quantity=order.filled_quantity,
        filled_value=order.filled_value,
    ).total


def hold_free(order: Order) -> Decimal:
    """Return what the portfolio could hold more for the order now."""
    return balance_get(order.portfolio_id, _free(order), order.held_asset)


def hold_move(order: Order, amount: Decimal, *, actor: Actor | None, key: str) -> None:
    """Post that the order holds `amount` more (negative: less); `key` names the occasion.

    The caller sets `held_amount`.  Raises Refused where there is less.
    """
    if not amount:
        return
    owner, asset = order.portfolio_id, order.held_asset
    entry_add(
        actor=actor,
        idempotency_key=f"order-{key}",
        kind="ORDER_HOLD" if amount > 0 else "ORDER_RELEASE",
        reference=str(order.id),
        legs=[
            Leg(owner, _free(order), asset, -amount),
            Leg(owner, AccountKind.HELD, asset, amount),
        ],
    )


def _free(order: Order) -> AccountKind:
    return AccountKind.CASH if order.side == Side.BUY else AccountKind.SECURITIES
