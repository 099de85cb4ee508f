"""Commands on orders: place, preview, cancel, close."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from apps.audit.services import Actor, emit
from apps.core.commands import command
from apps.core.domain.instruments import Symbol
from apps.core.errors import NotFound, Unavailable
from apps.infrastructure.prepared import insert_row
from apps.market.selectors import session_end
from apps.trading.domain.orders import OrderDraft, OrderStatus, Side, TimeInForce
from apps.trading.domain.risk import require, written
from apps.trading.models import Order, Portfolio
from apps.trading.selectors.rules import rules_read
from apps.trading.services.assessment import Assessment, assess
from apps.trading.services.closing import close_locked
from apps.trading.services.drafts import (
    check_client_order_id,
    chosen_lots,
    digest_of,
    draft_of,
    known_order,
    own_portfolio,
)
from apps.trading.services.holds import hold_move
from apps.trading.services.locks import order_locked
from apps.trading.services.refusals import written_down
from apps.trading.services.rules import rules_hold
from apps.trading.venues import venue_of
from apps.users.models import User


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
    trail_amount: Decimal | None = None,
    trail_percent: Decimal | None = None,
    time_in_force: str = "DAY",
    client_order_id: str,
    lot_ids: Sequence[UUID] = (),
) -> Order:
    """Check the order, hold its cash or units, accept and return it; a venue hears after commit.

    Exactly one of `quantity` (units) and `notional` (an amount in the instrument's currency that
    buys or sells the most whole lots) is given.  A trailing stop follows the best trade price by
    `trail_amount` (money a unit) or `trail_percent`.  `lot_ids` names the lots that a sale takes
    where the portfolio's lot method is SPECIFIC.  The same `client_order_id` with the same terms
    returns the first order and does nothing.

    Raises InvalidInput, NotFound (portfolio, symbol or lot), Conflict `idempotency_mismatch` (the
    id belongs to an order with other terms), and Refused with the code of the check that failed.
    """
    check_client_order_id(client_order_id)
    portfolio = own_portfolio(actor, portfolio_id, is_locked=True)
    draft = draft_of(
        portfolio=portfolio,
        symbol=symbol,
        side=side,
        order_type=order_type,
        quantity=quantity,
        notional=notional,
        limit_price=limit_price,
        stop_price=stop_price,
        trail_amount=trail_amount,
        trail_percent=trail_percent,
        time_in_force=time_in_force,
    )
    lots = chosen_lots(lot_ids, draft, portfolio)
    digest = digest_of(draft, lots)
    return known_order(portfolio, client_order_id, digest) or place_locked(
        actor=actor,
        portfolio=portfolio,
        draft=draft,
        client_order_id=client_order_id,
        digest=digest,
        lot_ids=lots,
    )


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
    trail_amount: Decimal | None = None,
    trail_percent: Decimal | None = None,
    time_in_force: str = "DAY",
) -> Assessment:
    """Return what `order_place` would do now: each check's result, cost, fees, buying power after.

    Writes nothing.  Raises InvalidInput and NotFound as `order_place` does; a failed check is a
    line of the result.
    """
    portfolio = own_portfolio(actor, portfolio_id, is_locked=False)
    draft = draft_of(
        portfolio=portfolio,
        symbol=symbol,
        side=side,
        order_type=order_type,
        quantity=quantity,
        notional=notional,
        limit_price=limit_price,
        stop_price=stop_price,
        trail_amount=trail_amount,
        trail_percent=trail_percent,
        time_in_force=time_in_force,
    )
    now = timezone.now()
    return assess(draft, portfolio, now=now, rules=rules_read(portfolio, draft.symbol, now))


@command
def order_cancel(*, actor: User, order_id: UUID) -> Order:
    """Ask the venue to cancel and return the order as PENDING_CANCEL; twice is once.

    A fill that is already on its way still counts.  Raises NotFound (also for another client's
    order) and IllegalTransition for an order that is closed.
    """
    if not Order.objects.owned_by(actor).filter(id=order_id).exists():
        raise NotFound("There is no such order.")
    return cancel_request_locked(order_locked(order_id), actor)


@command
def order_cancel_all(*, actor: User, portfolio_id: UUID, symbol: str | None = None) -> list[Order]:
    """Ask the venue to cancel every open order of the portfolio (or those in the symbol).

    Returns those orders, oldest first.  Raises NotFound for anybody else's portfolio, InvalidInput.
    """
    portfolio = own_portfolio(actor, portfolio_id, is_locked=True)
    found = Order.objects.open().filter(portfolio=portfolio).order_by("created_at", "id")
    if symbol is not None:
        found = found.filter(symbol=Symbol(symbol).value)
    found.order_by("id").lock()
    canceled = []
    for order_id in list(found.values_list("id", flat=True)):
        order = order_locked(order_id)
        canceled.append(order if order.is_closed else cancel_request_locked(order, actor))
    return canceled


def cancel_request_locked(
    order: Order, actor: Actor | None, *, reason: str = "by_client", note: str = ""
) -> Order:
    """Ask the venue to cancel an order that `order_locked` loaded, and return it; twice is once.

    An exit that waits never reached the venue and ends here.  Raises IllegalTransition.
    """
    if order.status == OrderStatus.PENDING_CANCEL:
        return order
    if order.is_waiting:
        return close_locked(order, actor=actor, how="cancel", reason=reason)
    event = order.request_cancel(reason=reason, note=note)
    order.save()
    emit(event, actor=actor)
    return order


@command
def orders_cancel_of_client(
    *, actor: Actor | None, client_id: UUID, side: Side | None = None
) -> int:
    """End what a client still has open, in every portfolio; for a freeze.  Return how many.

    With `side` only the orders of that side end.

    Takes the portfolios' locks in the order of their ids: an order that is being placed waits, and
    finds the client frozen.
    """
    count = 0
    portfolios = Portfolio.objects.filter(client_id=client_id).order_by("id")
    for portfolio_id in list(portfolios.values_list("id", flat=True)):
        Portfolio.objects.locked(portfolio_id, may_be_closed=True)
        found = Order.objects.open().filter(portfolio_id=portfolio_id).order_by("id")
        if side is not None:
            found = found.filter(side=side)
        for order_id in list(found.values_list("id", flat=True)):
            order = order_locked(order_id)
            if not order.is_closed and order.status != OrderStatus.PENDING_CANCEL:
                cancel_request_locked(order, actor, reason="by_firm")
                count += 1
    return count


@command
def order_close(*, actor: Actor | None, order_id: UUID, how: str, reason: str) -> Order:
    """End the order (`how` is cancel, reject or expire) and free what it still holds.

    `reason` is a code.  Raises NotFound and IllegalTransition.
    """
    return close_locked(order_locked(order_id), actor=actor, how=how, reason=reason)


def place_locked(
    *,
    actor: User,
    portfolio: Portfolio,
    draft: OrderDraft,
    client_order_id: str,
    digest: str,
    lot_ids: Sequence[UUID] = (),
    group_id: UUID | None = None,
    beside: Order | None = None,
) -> Order:
    """Check the draft, hold what it needs, accept it; for a portfolio that is locked.

    An order that is placed `beside` another one shares what that one holds.  A live one stays
    PENDING_NEW until its venue answers.  Raises Refused.
    """
    venue_of(portfolio.mode)
    rules, now = rules_hold(portfolio, draft.symbol), timezone.now()
    assessment = assess(draft, portfolio, now=now, rules=rules, shares=beside)
    with written_down(draft, assessment.checks, actor=actor, client_order_id=client_order_id):
        require(assessment.checks)
    order = _order(assessment, portfolio, client_order_id, now)
    order.lot_ids, order.terms_digest, order.group_id = list(lot_ids), digest, group_id
    held = _known(assessment.needed) if beside is None else Decimal(0)
    is_live = portfolio.mode == portfolio.Mode.LIVE
    taken = order.submit(held=held) if is_live else order.accept(held=held)
    event = replace(taken, checks=written(assessment.checks))
    hold_move(order, held, actor=actor, key=f"hold-{order.id}")
    insert_row(order)
    emit(event, actor=actor)
    return order


def _order(
    assessment: Assessment, portfolio: Portfolio, client_order_id: str, now: datetime
) -> Order:
    draft = assessment.draft
    expires_at = None
    if draft.time_in_force is TimeInForce.DAY:
        expires_at = session_end(assessment.instrument, now)
    terms = {
        **draft.fields,
        "quantity": _known(assessment.quantity),
        "stop_price": assessment.stop_price,
    }
    return Order(
        **terms,
        portfolio=portfolio,
        mode=portfolio.mode,
        currency=assessment.instrument.currency,
        client_order_id=client_order_id,
        mark_price=assessment.mark_price,
        estimated_value=_value(assessment),
        worst_price=_known(assessment.worst_price),
        expires_at=expires_at,
    )


def _value(assessment: Assessment) -> Decimal:
    return assessment.estimate.amount if assessment.estimate else Decimal(0)


def _known(value: Decimal | None) -> Decimal:
    """Return a figure that every order that passed its checks has."""
    if value is None:
        raise Unavailable("There is no price for this order now.", code="quote_missing")
    return value
