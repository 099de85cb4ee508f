"""Alpaca's JSON in our words, and ours in theirs.

After https://docs.alpaca.markets (Trading API v2: orders, account activities, trade_updates).
Amounts are strings on the wire and never floats here.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

from apps.core.domain.instruments import PRICE_PLACES, QUANTITY_PLACES, Symbol
from apps.core.domain.money import exact
from apps.core.errors import InvalidInput
from apps.trading.domain.orders import OrderType, Side
from apps.trading.venues.base import (
    AccountReport,
    FillReport,
    Garbage,
    LiveOrder,
    OrderReport,
    RequestRejected,
    Told,
    VenueStatus,
)

_V = VenueStatus
# What a request or a pause does to an order leaves it working.
STATUSES: Mapping[str, VenueStatus] = MappingProxyType(
    {
        **dict.fromkeys(("accepted", "pending_new", "accepted_for_bidding", "held"), _V.RECEIVED),
        **dict.fromkeys(("new", "partially_filled", "done_for_day", "calculated"), _V.WORKING),
        **dict.fromkeys(("stopped", "suspended"), _V.WORKING),
        **dict.fromkeys(("pending_cancel", "pending_replace"), _V.WORKING),
        "filled": _V.FILLED,
        "canceled": _V.CANCELED,
        "expired": _V.EXPIRED,
        "replaced": _V.REPLACED,
        "rejected": _V.REJECTED,
    }
)
TYPES: Mapping[OrderType, str] = MappingProxyType({kind: kind.lower() for kind in OrderType})
FILLS = frozenset({"fill", "partial_fill"})
REJECTIONS: Mapping[str, str] = MappingProxyType(
    {"order_cancel_rejected": "CANCEL", "order_replace_rejected": "REPLACE"}
)
MAX_TEXT = 128


def decoded(raw: str | bytes) -> Any:
    """Read JSON; numbers with a point stay exact.  Raises Garbage."""
    try:
        text = raw.decode() if isinstance(raw, bytes) else raw
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Garbage("not JSON") from error


def _no_constant(word: str) -> None:
    raise ValueError(word)


def order_body(order: LiveOrder) -> dict[str, str | bool]:
    """Return the body of POST /v2/orders."""
    return {
        "symbol": order.symbol,
        "side": order.side.lower(),
        "type": TYPES[order.order_type],
        "time_in_force": order.time_in_force.lower(),
        "extended_hours": False,
        **_terms(order),
    }


def replacement_body(order: LiveOrder) -> dict[str, str]:
    """Return the body of PATCH /v2/orders/{id}: an amount of a trail is called `trail` there."""
    body = _terms(order)
    trail = body.pop("trail_price", None) or body.pop("trail_percent", None)
    return {**body, "trail": trail} if trail else body


def _terms(order: LiveOrder) -> dict[str, str]:
    amounts = {
        "qty": order.quantity,
        "limit_price": order.limit_price,
        "stop_price": order.stop_price,
        "trail_price": order.trail_amount,
        "trail_percent": order.trail_percent,
    }
    written = {
        name: f"{value.normalize():f}" for name, value in amounts.items() if value is not None
    }
    return {**written, "client_order_id": order.client_order_id}


def order_report(order: Any) -> OrderReport:
    """Read an order object; raises Garbage, also for a status that is not documented."""
    status = STATUSES.get(_text(order, "status"))
    if status is None:
        raise Garbage("unknown status")
    return OrderReport(
        status=status,
        venue_order_id=_id(order, "id"),
        client_order_id=_text(order, "client_order_id"),
        filled_quantity=_amount(order, "filled_qty", QUANTITY_PLACES),
    )


def activity_fill(activity: Any) -> FillReport:
    """Read a trade activity (GET /v2/account/activities/FILL); raises Garbage."""
    return _fill(
        activity,
        order_id=_id(activity, "order_id"),
        cumulative=_amount(activity, "cum_qty", QUANTITY_PLACES),
        at=_time(activity, "transaction_time"),
    )


def told(data: Any) -> list[Told]:
    """Read the data of one trade update: a fill before what the order became by it.

    Raises Garbage.
    """
    if not isinstance(data, dict):
        raise Garbage("no trade update")
    order, event = data.get("order"), _text(data, "event")
    if event in REJECTIONS:
        return [RequestRejected(venue_order_id=_id(order, "id"), what=REJECTIONS[event])]
    report = order_report(order)
    if event not in FILLS or not isinstance(order, dict):
        return [report]
    fill = _fill(
        {**data, "symbol": order.get("symbol"), "side": order.get("side")},
        order_id=report.venue_order_id,
        cumulative=report.filled_quantity,
        at=_time(data, "timestamp"),
    )
    return [fill, report]


def account_report(account: Any, positions: Any) -> AccountReport:
    """Read GET /v2/account and GET /v2/positions; raises Garbage."""
    if not isinstance(positions, list):
        raise Garbage("no list of positions")
    units: dict[str, Decimal] = {}
    for position in positions:
        quantity = abs(_amount(position, "qty", QUANTITY_PLACES))
        is_short = _text(position, "side") == "short"
        units[_symbol(position)] = -quantity if is_short else quantity
    return AccountReport(
        account_id=_id(account, "id"),
        currency=_text(account, "currency"),
        cash=_amount(account, "cash", PRICE_PLACES),
        positions=units,
    )


def _fill(data: Any, *, order_id: str, cumulative: Decimal, at: datetime) -> FillReport:
    """Name the trade by its order and the units that the order had traded with it.

    Stream and activities have ids of their own for a trade; these two facts they share.
    """
    quantity = _amount(data, "qty", QUANTITY_PLACES)
    price = _amount(data, "price", PRICE_PLACES)
    side = _text(data, "side").removesuffix("_short").upper()
    if not 0 < quantity <= cumulative or price <= 0 or side not in set(Side):
        raise Garbage("no trade")
    return FillReport(
        execution_id=f"{order_id}:{cumulative.normalize():f}",
        venue_order_id=order_id,
        symbol=_symbol(data),
        side=Side(side),
        quantity=quantity,
        price=price,
        executed_at=at,
    )


def _field(data: Any, name: str) -> Any:
    if not isinstance(data, Mapping) or data.get(name) is None:
        raise Garbage(f"no {name}")
    return data[name]


def _text(data: Any, name: str) -> str:
    value = _field(data, name)
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
        raise Garbage(f"no {name}")
    return value


def _id(data: Any, name: str) -> str:
    try:
        return str(UUID(_text(data, name)))
    except ValueError as error:
        raise Garbage(f"no {name}") from error


def _amount(data: Any, name: str, places: int) -> Decimal:
    try:
        return exact(_field(data, name), places=places, name=name)
    except InvalidInput as error:
        raise Garbage(f"no {name}") from error


def _symbol(data: Any) -> str:
    try:
        return Symbol(_text(data, "symbol")).value
    except InvalidInput as error:
        raise Garbage("no symbol") from error


def _time(data: Any, name: str) -> datetime:
    try:
        at = datetime.fromisoformat(_text(data, name))
    except ValueError as error:
        raise Garbage(f"no {name}") from error
    if at.tzinfo is None:
        raise Garbage(f"no {name}")
    return at
