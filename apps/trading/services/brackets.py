"""Commands that place orders which belong together: brackets, and one-cancels-other."""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from apps.core.commands import command
from apps.core.errors import InvalidInput, Refused
from apps.market.selectors import instrument_get, quote_get
from apps.trading.domain.orders import IMMEDIATE, OrderDraft, OrderType, Side
from apps.trading.domain.risk import check_step, require
from apps.trading.models import Order, Portfolio
from apps.trading.services.drafts import (
    check_client_order_id,
    digest_of,
    draft_of,
    known_order,
    own_portfolio,
)
from apps.trading.services.locks import order_locked
from apps.trading.services.orders import place_locked
from apps.users.models import User

TAKE_PROFIT, STOP_LOSS = "-tp", "-sl"


@command
def bracket_place(
    *,
    actor: User,
    portfolio_id: UUID,
    symbol: str,
    order_type: str,
    quantity: Decimal,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
    time_in_force: str = "DAY",
    take_profit_price: Decimal,
    stop_loss_price: Decimal,
    stop_loss_limit_price: Decimal | None = None,
    exit_time_in_force: str = "GTC",
    client_order_id: str,
) -> list[Order]:
    """Place a purchase with two exits and return the three: entry, take-profit, stop-loss.

    The exits wait until the entry fills, and then sell as much as it filled: a limit order at
    `take_profit_price`, and a stop at `stop_loss_price` (with a limit, a stop-limit).  What one
    sells the other does not; the first sale ends what is left of the entry.  The exits'
    client_order_ids are the entry's with `-tp` and `-sl`.  The same id and terms are placed once.

    Raises as `order_place`.
    """
    check_client_order_id(client_order_id, suffix=TAKE_PROFIT)
    portfolio = own_portfolio(actor, portfolio_id, is_locked=True)
    _check_mode(portfolio)
    entry = draft_of(
        portfolio=portfolio,
        symbol=symbol,
        side=Side.BUY,
        order_type=order_type,
        quantity=quantity,
        limit_price=limit_price,
        stop_price=stop_price,
        time_in_force=time_in_force,
    )
    exits = _exits(
        portfolio,
        symbol=symbol,
        quantity=quantity,
        take_profit_price=take_profit_price,
        stop_loss_price=stop_loss_price,
        stop_loss_limit_price=stop_loss_limit_price,
        time_in_force=exit_time_in_force,
    )
    digest = digest_of(entry, *exits)
    known = known_order(portfolio, client_order_id, digest)
    if known is not None:
        return _group(known)
    _check_ids(portfolio, client_order_id, digest)
    _check_around(exits, entry.limit_price or entry.stop_price or _last(symbol))
    tick_size = instrument_get(symbol).tick_size
    for exit_ in exits:
        require(check_step("tick_size", price, tick_size) for price in _prices(exit_))
    placed = place_locked(
        actor=actor,
        portfolio=portfolio,
        draft=entry,
        client_order_id=client_order_id,
        digest=digest,
        group_id=uuid4(),
    )
    suffixes = (TAKE_PROFIT, STOP_LOSS)
    waiting = [
        _waiting(exit_, placed, f"{client_order_id}{suffix}", digest)
        for exit_, suffix in zip(exits, suffixes, strict=True)
    ]
    return [placed, *waiting]


@command
def oco_place(
    *,
    actor: User,
    portfolio_id: UUID,
    symbol: str,
    quantity: Decimal,
    take_profit_price: Decimal,
    stop_loss_price: Decimal,
    stop_loss_limit_price: Decimal | None = None,
    time_in_force: str = "GTC",
    client_order_id: str,
) -> list[Order]:
    """Place two sales of the same units and return them: take-profit and stop-loss.

    A fill of one takes as many units from the other, and the last one cancels it.  Both share one
    hold, so together they never sell more than `quantity`.  Their client_order_ids are the given
    one with `-tp` and `-sl`.  Raises as `order_place`.
    """
    check_client_order_id(client_order_id, suffix=TAKE_PROFIT)
    portfolio = own_portfolio(actor, portfolio_id, is_locked=True)
    _check_mode(portfolio)
    exits = _exits(
        portfolio,
        symbol=symbol,
        quantity=quantity,
        take_profit_price=take_profit_price,
        stop_loss_price=stop_loss_price,
        stop_loss_limit_price=stop_loss_limit_price,
        time_in_force=time_in_force,
    )
    digest = digest_of(*exits)
    known = known_order(portfolio, f"{client_order_id}{TAKE_PROFIT}", digest)
    if known is not None:
        return _group(known)
    _check_ids(portfolio, client_order_id, digest)
    _check_around(exits, _last(symbol))
    common: dict[str, Any] = {
        "actor": actor,
        "portfolio": portfolio,
        "digest": digest,
        "group_id": uuid4(),
    }
    first = place_locked(
        draft=exits[0], client_order_id=f"{client_order_id}{TAKE_PROFIT}", **common
    )
    second = place_locked(
        draft=exits[1], client_order_id=f"{client_order_id}{STOP_LOSS}", beside=first, **common
    )
    return [first, second]


def _check_mode(portfolio: Portfolio) -> None:
    """Refuse what no live venue is asked for: orders there that know of each other."""
    if portfolio.mode == Portfolio.Mode.LIVE:
        raise Refused(
            "Orders that belong together are for paper portfolios.",
            code="not_at_live_venue",
            limit="PAPER",
            measured=portfolio.mode,
        )


def _exits(
    portfolio: Portfolio,
    *,
    symbol: str,
    quantity: Decimal,
    take_profit_price: Decimal,
    stop_loss_price: Decimal,
    stop_loss_limit_price: Decimal | None,
    time_in_force: str,
) -> tuple[OrderDraft, OrderDraft]:
    has_limit = stop_loss_limit_price is not None
    common: dict[str, Any] = {
        "portfolio": portfolio,
        "symbol": symbol,
        "side": Side.SELL,
        "quantity": quantity,
        "time_in_force": time_in_force,
    }
    take_profit = draft_of(order_type=OrderType.LIMIT, limit_price=take_profit_price, **common)
    stop_loss = draft_of(
        order_type=OrderType.STOP_LIMIT if has_limit else OrderType.STOP,
        limit_price=stop_loss_limit_price,
        stop_price=stop_loss_price,
        **common,
    )
    if take_profit.time_in_force in IMMEDIATE:
        raise InvalidInput("An exit is DAY or GTC.", field="time_in_force")
    if stop_loss_price >= take_profit_price:
        raise InvalidInput("The stop-loss is below the take-profit.", field="stop_loss_price")
    return take_profit, stop_loss


def _check_around(exits: tuple[OrderDraft, OrderDraft], price: Decimal | None) -> None:
    """Refuse exits that would trade at once: the wrong way round, or a slip of the pen."""
    take_profit, stop_loss = exits[0].limit_price, exits[1].stop_price
    if price is None or take_profit is None or stop_loss is None:
        return
    if take_profit <= price:
        raise InvalidInput("The take-profit is above the price.", field="take_profit_price")
    if stop_loss >= price:
        raise InvalidInput("The stop-loss is below the price.", field="stop_loss_price")


def _check_ids(portfolio: Portfolio, client_order_id: str, digest: str) -> None:
    """Raise Conflict where another order has one of the ids already."""
    for suffix in (TAKE_PROFIT, STOP_LOSS):
        known_order(portfolio, f"{client_order_id}{suffix}", f"not {digest}")


def _last(symbol: str) -> Decimal | None:
    quote = quote_get(symbol)
    return quote.last if quote else None


def _prices(draft: OrderDraft) -> tuple[Decimal | None, Decimal | None]:
    return draft.limit_price, draft.stop_price


def _waiting(draft: OrderDraft, entry: Order, client_order_id: str, digest: str) -> Order:
    order = Order(
        client_id=entry.client_id,
        portfolio=entry.portfolio,
        mode=entry.mode,
        client_order_id=client_order_id,
        symbol=entry.symbol,
        currency=entry.currency,
        side=draft.side,
        order_type=draft.order_type,
        time_in_force=draft.time_in_force,
        quantity=entry.quantity,
        limit_price=draft.limit_price,
        stop_price=draft.stop_price,
        worst_price=draft.limit_price or Decimal(0),
        parent=entry,
        group_id=entry.group_id,
        is_waiting=True,
        terms_digest=digest,
    )
    order.save(force_insert=True)
    return order


def _group(order: Order) -> list[Order]:
    locked = order_locked(order.id)
    rest = sorted(locked.linked, key=lambda other: other.client_order_id, reverse=True)
    return [locked, *rest]
