"""Commands on orders: place, preview, cancel, close."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.audit.services import Actor, emit
from apps.core.commands import command
from apps.core.domain.instruments import PRICE_PLACES, QUANTITY_PLACES, Symbol
from apps.core.domain.money import exact
from apps.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from apps.ledger.domain.legs import AccountKind, Leg
from apps.ledger.services import entry_post
from apps.market.selectors import session_end
from apps.trading.domain.lots import LotMethod
from apps.trading.domain.orders import (
    LIMITED,
    STOPPED,
    OrderDraft,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from apps.trading.domain.risk import require
from apps.trading.models import Lot, Order, Portfolio
from apps.trading.services.assessment import Assessment, assess
from apps.trading.services.locks import order_locked
from apps.trading.venues import venue_of
from apps.users.models import User

CLIENT_ORDER_ID = re.compile(r"[\x21-\x7e]{1,64}")
MAX_CHOSEN_LOTS = 100


@command
def order_place(
    *,
    actor: User,
    portfolio_id: UUID,
    symbol: str,
    side: str,
    order_type: str,
    quantity: Decimal | None = None,
    notional: Decimal | None = None,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
    time_in_force: str = "DAY",
    client_order_id: str,
    lot_ids: Sequence[UUID] = (),
) -> Order:
    """Check the order, hold its cash or units, accept and return it; a venue hears after commit.

    Exactly one of `quantity` (units) and `notional` (an amount in the portfolio's currency that
    buys or sells the most whole lots) is given.  `lot_ids` names the lots that a sale takes where
    the portfolio's lot method is SPECIFIC.  The same `client_order_id` with the same terms returns
    the first order and does nothing.

    Raises InvalidInput, NotFound (portfolio, symbol or lot), Conflict `idempotency_mismatch` (the
    id belongs to an order with other terms), and Refused with the code of the check that failed.
    """
    if not CLIENT_ORDER_ID.fullmatch(client_order_id):
        raise InvalidInput("1 to 64 visible ASCII characters.", field="client_order_id")
    portfolio = _own_portfolio(actor, portfolio_id, is_locked=True)
    draft = _draft(
        portfolio=portfolio,
        symbol=symbol,
        side=side,
        order_type=order_type,
        quantity=quantity,
        notional=notional,
        limit_price=limit_price,
        stop_price=stop_price,
        time_in_force=time_in_force,
    )
    lots = _chosen_lots(lot_ids, draft, portfolio)
    first = Order.objects.filter(portfolio=portfolio, client_order_id=client_order_id).first()
    if first is not None:
        return _same(first, draft, lots)
    venue_of(portfolio.mode)
    now = timezone.now()
    assessment = assess(draft, portfolio, now=now)
    require(assessment.checks)
    order = _order(assessment, portfolio, client_order_id, now)
    order.lot_ids = lots
    event = order.accept(held=_known(assessment.needed))
    entry_post(
        actor=actor,
        idempotency_key=f"order-hold-{order.id}",
        kind="ORDER_HOLD",
        reference=str(order.id),
        legs=_hold(order, order.held_amount),
    )
    order.save(force_insert=True)
    emit(event, actor=actor)
    return order


def order_preview(
    *,
    actor: User,
    portfolio_id: UUID,
    symbol: str,
    side: str,
    order_type: str,
    quantity: Decimal | None = None,
    notional: Decimal | None = None,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
    time_in_force: str = "DAY",
) -> Assessment:
    """Return what `order_place` would do now: each check's result, cost, fees, buying power after.

    Writes nothing.  Raises InvalidInput and NotFound as `order_place` does; a failed check is a
    line of the result.
    """
    portfolio = _own_portfolio(actor, portfolio_id, is_locked=False)
    draft = _draft(
        portfolio=portfolio,
        symbol=symbol,
        side=side,
        order_type=order_type,
        quantity=quantity,
        notional=notional,
        limit_price=limit_price,
        stop_price=stop_price,
        time_in_force=time_in_force,
    )
    return assess(draft, portfolio, now=timezone.now())


@command
def order_cancel(*, actor: User, order_id: UUID) -> Order:
    """Ask the venue to cancel and return the order as PENDING_CANCEL; twice is once.

    A fill that is already on its way still counts.  Raises NotFound (also for another client's
    order) and IllegalTransition for an order that is closed.
    """
    if not Order.objects.visible_to(actor).filter(id=order_id).exists():
        raise NotFound("There is no such order.")
    order = order_locked(order_id)
    if order.status == OrderStatus.PENDING_CANCEL:
        return order
    event = order.request_cancel()
    order.save()
    emit(event, actor=actor)
    return order


@command
def order_close(*, actor: Actor | None, order_id: UUID, how: str, reason: str) -> Order:
    """End the order (`how` is cancel, reject or expire) and free what it still holds.

    `reason` is a code.  Raises NotFound and IllegalTransition.
    """
    return close_locked(order_locked(order_id), actor=actor, how=how, reason=reason)


def close_locked(order: Order, *, actor: Actor | None, how: str, reason: str) -> Order:
    """Do what `order_close` says to an order whose row is locked in this transaction."""
    held, now = order.held_amount, timezone.now()
    moves = {"cancel": order.cancel, "reject": order.reject, "expire": order.expire}
    event = moves[how](reason=reason, at=now)
    if held:
        entry_post(
            actor=actor,
            idempotency_key=f"order-release-{order.id}",
            kind="ORDER_RELEASE",
            reference=str(order.id),
            legs=_hold(order, -held),
        )
    order.save()
    emit(event, actor=actor)
    return order


def _hold(order: Order, amount: Decimal) -> list[Leg]:
    """Return the legs that move free cash or units to HELD (or back, for a negative amount)."""
    free = AccountKind.CASH if order.side == Side.BUY else AccountKind.SECURITIES
    owner, asset = order.portfolio_id, order.held_asset
    return [
        Leg(owner, free, asset, -amount),
        Leg(owner, AccountKind.HELD, asset, amount),
    ]


def _own_portfolio(actor: User, portfolio_id: UUID, *, is_locked: bool) -> Portfolio:
    """Return the actor's portfolio; raises NotFound for anybody else's."""
    portfolios = Portfolio.objects.visible_to(actor)
    if is_locked:
        return portfolios.locked(portfolio_id)
    portfolio = portfolios.filter(id=portfolio_id).first()
    if portfolio is None:
        raise NotFound("There is no such portfolio.")
    return portfolio


def _word(kind: Any, value: str, name: str) -> Any:
    try:
        return kind(value)
    except ValueError as error:
        raise InvalidInput(f"{name} is not one of {', '.join(kind)}.", field=name) from error


def _positive(value: Decimal | None, places: int, name: str) -> Decimal | None:
    if value is not None and exact(value, places=places, name=name) <= 0:
        raise InvalidInput(f"{name} is a positive number.", field=name)
    return value


def _draft(
    *,
    portfolio: Portfolio,
    symbol: str,
    side: str,
    order_type: str,
    quantity: Decimal | None,
    notional: Decimal | None,
    limit_price: Decimal | None,
    stop_price: Decimal | None,
    time_in_force: str,
) -> OrderDraft:
    draft = OrderDraft(
        client_id=portfolio.client_id,
        portfolio_id=portfolio.id,
        symbol=Symbol(symbol).value,
        side=_word(Side, side, "side"),
        order_type=_word(OrderType, order_type, "order_type"),
        quantity=_positive(quantity, QUANTITY_PLACES, "quantity"),
        notional=_positive(notional, PRICE_PLACES, "notional"),
        limit_price=_positive(limit_price, PRICE_PLACES, "limit_price"),
        stop_price=_positive(stop_price, PRICE_PLACES, "stop_price"),
        time_in_force=_word(TimeInForce, time_in_force, "time_in_force"),
    )
    if (draft.quantity is None) is (draft.notional is None):
        raise InvalidInput("Give either a quantity or a notional.", field="quantity")
    for kinds, price, name in (
        (LIMITED, draft.limit_price, "limit_price"),
        (STOPPED, draft.stop_price, "stop_price"),
    ):
        if (draft.order_type in kinds) is (price is None):
            verb = "needs" if price is None else "takes no"
            raise InvalidInput(f"A {draft.order_type} order {verb} {name}.", field=name)
    return draft


def _chosen_lots(lot_ids: Sequence[UUID], draft: OrderDraft, portfolio: Portfolio) -> list[UUID]:
    if not lot_ids:
        return []
    if len(lot_ids) > MAX_CHOSEN_LOTS:
        raise InvalidInput(f"At most {MAX_CHOSEN_LOTS} lots.", field="lot_ids")
    if draft.side is Side.BUY or portfolio.lot_method != LotMethod.SPECIFIC:
        raise InvalidInput(
            "Only a sale out of a portfolio with specific identification names lots.",
            field="lot_ids",
        )
    lots = Lot.objects.of(portfolio.id).filter(symbol=draft.symbol, id__in=lot_ids)
    if lots.count() != len(set(lot_ids)):
        raise NotFound("There is no such lot.", field="lot_ids")
    return list(lot_ids)


def _same(order: Order, draft: OrderDraft, lots: list[UUID]) -> Order:
    terms = asdict(draft)
    if draft.notional is not None:
        del terms["quantity"]
    stored = {name: getattr(order, name) for name in terms}
    if stored != terms or order.lot_ids != lots:
        raise Conflict(
            "This client_order_id belongs to an order with other terms.",
            code="idempotency_mismatch",
        )
    return order


def _order(
    assessment: Assessment, portfolio: Portfolio, client_order_id: str, now: datetime
) -> Order:
    draft = assessment.draft
    expires_at = None
    if draft.time_in_force is TimeInForce.DAY:
        expires_at = session_end(assessment.instrument, now)
    terms = {**asdict(draft), "quantity": _known(assessment.quantity)}
    return Order(
        **terms,
        portfolio=portfolio,
        mode=portfolio.mode,
        currency=portfolio.currency,
        client_order_id=client_order_id,
        worst_price=_known(assessment.worst_price),
        expires_at=expires_at,
    )


def _known(value: Decimal | None) -> Decimal:
    """Return a figure that every order that passed its checks has."""
    if value is None:
        raise Unavailable("There is no price for this order now.", code="quote_missing")
    return value
