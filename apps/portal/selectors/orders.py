"""One order with its fills and its trail; positions with their lots."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.audit.selectors import stream_events
from apps.portal.domain.wording import EVENTS, event_words
from apps.trading.selectors.orders import order_get, trade_list
from apps.trading.selectors.positions import PositionView, lot_list, position_list
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class HeldPosition:
    view: PositionView
    lots: list[Any]


def position_views(portfolio_id: UUID) -> list[HeldPosition]:
    """Return the positions with their open lots; the caller has checked whose portfolio it is."""
    lots: dict[str, list[Any]] = {}
    for lot in lot_list(portfolio_id):
        lots.setdefault(lot.symbol, []).append(lot)
    return [HeldPosition(view, lots.get(view.symbol, [])) for view in position_list(portfolio_id)]


def order_read(user: User, order_id: UUID) -> dict[str, Any]:
    """Return the order, its fills and what happened to it; raises NotFound for others' orders."""
    order = order_get(user, order_id)
    return {
        "order": order,
        "fills": list(trade_list(user).filter(order_id=order.id)),
        "trail": [
            {"words": event_words(row.name, row.payload), "at": row.occurred_at}
            for row in stream_events(order.stream)
            if row.name in EVENTS
        ],
    }


def changeable_terms(order: Any) -> dict[str, str]:
    """Return the terms of the order that its client may change, as they are typed."""
    terms = dict(order.terms)
    if order.group_id is not None:
        del terms["quantity"]
    if order.mark_price is not None or order.triggered_at is not None:
        del terms["stop_price"]
    if order.triggered_at is not None:
        del terms["trail_amount"], terms["trail_percent"]
    return {name: f"{value.normalize():f}" for name, value in terms.items() if value is not None}
