"""What a request says becomes a draft: parsed, exact, and of the actor's own portfolio."""

import hashlib
import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.core.domain.instruments import PRICE_PLACES, QUANTITY_PLACES, Symbol
from apps.core.domain.money import exact
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.trading.domain.lots import LotMethod
from apps.trading.domain.orders import (
    LIMITED,
    STOP_GIVEN,
    OrderDraft,
    OrderType,
    Side,
    TimeInForce,
)
from apps.trading.models import Lot, Order, Portfolio
from apps.users.models import User

CLIENT_ORDER_ID = re.compile(r"[\x21-\x7e]{1,64}")
MAX_CHOSEN_LOTS = 100


def own_portfolio(actor: User, portfolio_id: UUID, *, is_locked: bool) -> Portfolio:
    """Return the actor's portfolio; raises NotFound for anybody else's, and Conflict
    `portfolio_closed`.
    """
    if is_locked:
        return Portfolio.objects.locked_of_owner(actor, portfolio_id)
    portfolio = Portfolio.objects.owned_by(actor).filter(id=portfolio_id).first()
    if portfolio is None:
        raise NotFound("There is no such portfolio.")
    if portfolio.is_closed:
        raise Conflict("The portfolio is closed.", code="portfolio_closed")
    return portfolio


def check_client_order_id(client_order_id: str, *, suffix: str = "") -> None:
    """Raise InvalidInput unless the id has 1 to 64 visible ASCII characters with its suffix."""
    if not CLIENT_ORDER_ID.fullmatch(client_order_id + suffix):
        raise InvalidInput("1 to 64 visible ASCII characters.", field="client_order_id")


def known_order(portfolio: Portfolio, client_order_id: str, digest: str) -> Order | None:
    """Return the order that was placed under the id, if any; the portfolio's lock makes it one.

    Raises Conflict `idempotency_mismatch` where the id stands for something else.
    """
    if not Order.objects.is_taken(portfolio.id, client_order_id):
        return None
    first = Order.objects.filter(portfolio=portfolio, client_order_id=client_order_id).first()
    if first is None or first.terms_digest != digest:
        raise Conflict(
            "This client_order_id belongs to an order with other terms.",
            code="idempotency_mismatch",
        )
    return first


def digest_of(*parts: Any) -> str:
    """Return what tells terms from other terms; equal numbers are equal however written."""
    text = json.dumps([_plain(part) for part in parts], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(part: Any) -> Any:
    if isinstance(part, OrderDraft):
        part = part.fields
    if isinstance(part, dict):
        return {name: _plain(value) for name, value in part.items()}
    if isinstance(part, Decimal):
        return f"{part.normalize():f}"
    return part


def _word(kind: Any, value: str, name: str) -> Any:
    try:
        return kind(value)
    except ValueError as error:
        raise InvalidInput(f"{name} is not one of {', '.join(kind)}.", field=name) from error


def positive(value: Decimal | None, places: int, name: str) -> Decimal | None:
    """Return the value; raises InvalidInput where it is not positive and exact."""
    if value is not None and exact(value, places=places, name=name) <= 0:
        raise InvalidInput(f"{name} is a positive number.", field=name)
    return value


def draft_of(
    *,
    portfolio: Portfolio,
    symbol: str,
    side: str,
    order_type: str,
    quantity: Decimal | None,
    notional: Decimal | None = None,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
    trail_amount: Decimal | None = None,
    trail_percent: Decimal | None = None,
    time_in_force: str,
) -> OrderDraft:
    """Return the draft; raises InvalidInput for a value or a combination that is no order."""
    draft = OrderDraft(
        client_id=portfolio.client_id,
        portfolio_id=portfolio.id,
        symbol=Symbol(symbol).value,
        side=_word(Side, side, "side"),
        order_type=_word(OrderType, order_type, "order_type"),
        quantity=positive(quantity, QUANTITY_PLACES, "quantity"),
        notional=positive(notional, PRICE_PLACES, "notional"),
        limit_price=positive(limit_price, PRICE_PLACES, "limit_price"),
        stop_price=positive(stop_price, PRICE_PLACES, "stop_price"),
        trail_amount=positive(trail_amount, PRICE_PLACES, "trail_amount"),
        trail_percent=positive(trail_percent, PRICE_PLACES, "trail_percent"),
        time_in_force=_word(TimeInForce, time_in_force, "time_in_force"),
    )
    if (draft.quantity is None) is (draft.notional is None):
        raise InvalidInput("Give either a quantity or a notional.", field="quantity")
    for kinds, price, name in (
        (LIMITED, draft.limit_price, "limit_price"),
        (STOP_GIVEN, draft.stop_price, "stop_price"),
    ):
        if (draft.order_type in kinds) is (price is None):
            verb = "needs" if price is None else "takes no"
            raise InvalidInput(f"A {draft.order_type} order {verb} {name}.", field=name)
    _check_trail(draft)
    return draft


def _check_trail(draft: OrderDraft) -> None:
    given = [value for value in (draft.trail_amount, draft.trail_percent) if value is not None]
    if len(given) != (draft.order_type is OrderType.TRAILING_STOP):
        raise InvalidInput(
            "A trailing stop, and no other order, has either a trail_amount or a trail_percent.",
            field="trail_amount",
        )
    if draft.trail_percent is not None and draft.trail_percent >= 100:
        raise InvalidInput("A trail is less than 100 percent.", field="trail_percent")


def chosen_lots(lot_ids: Sequence[UUID], draft: OrderDraft, portfolio: Portfolio) -> list[UUID]:
    """Return the lots that a sale names; raises InvalidInput and NotFound."""
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
