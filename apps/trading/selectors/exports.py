"""A portfolio's positions, lots, orders and what it did as rows of a table, for files to keep."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from apps.trading.models import CashTransfer, Execution, Order, PortfolioTransfer
from apps.trading.selectors.positions import lot_list, position_list

Rows = Iterator[tuple[Any, ...]]
CHUNK = 2000


def positions(portfolio_id: UUID) -> Rows:
    for row in position_list(portfolio_id):
        yield (
            *(row.symbol, row.currency, row.quantity, row.available, row.cost, row.average_cost),
            *(row.last_price, row.market_value, row.unrealised_profit),
        )


def lots(portfolio_id: UUID) -> Rows:
    for lot in lot_list(portfolio_id, only_open=False).iterator(chunk_size=CHUNK):
        yield (
            *(lot.id, lot.symbol, lot.origin, lot.acquired_at.isoformat(), lot.currency),
            *(lot.quantity, lot.cost, lot.remaining_quantity, lot.remaining_cost),
        )


def orders(portfolio_id: UUID) -> Rows:
    rows = Order.objects.filter(portfolio_id=portfolio_id).newest_first()
    for row in rows.iterator(chunk_size=CHUNK):
        yield (
            *(row.id, row.client_order_id, row.created_at.isoformat(), row.symbol, row.side),
            *(row.order_type, row.time_in_force, row.quantity, row.notional, row.limit_price),
            *(row.stop_price, row.trail_amount, row.trail_percent, row.status, row.reason_code),
            *(row.filled_quantity, row.average_price, row.fees, row.currency),
            *(_moment(row.expires_at), _moment(row.closed_at)),
        )


def executions(portfolio_id: UUID) -> Rows:
    rows = Execution.objects.filter(portfolio_id=portfolio_id).newest_first()
    for row in rows.iterator(chunk_size=CHUNK):
        yield (
            *(row.id, row.order_id, row.executed_at.isoformat(), row.symbol, row.side),
            *(row.quantity, row.price, row.amount, row.fees, row.profit, row.currency),
            *(row.venue, row.venue_execution_id),
        )


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def transactions(portfolio_id: UUID) -> Rows:
    """Yield trades, then what the bank moved, then what other portfolios gave or got."""
    trades = Execution.objects.filter(portfolio_id=portfolio_id).order_by("executed_at", "id")
    for row in trades.iterator(chunk_size=CHUNK):
        yield (
            *(row.executed_at.isoformat(), row.side, row.symbol, row.quantity, row.price),
            *(row.amount, row.fees, row.profit, row.currency, row.id),
        )
    banked = CashTransfer.objects.filter(portfolio_id=portfolio_id, status="SETTLED")
    for transfer in banked.order_by("settled_at", "id").iterator(chunk_size=CHUNK):
        at = _moment(transfer.settled_at)
        amount = transfer.amount if transfer.kind == "DEPOSIT" else -transfer.amount
        yield (*(at, transfer.kind, "", "", "", amount, "", "", transfer.currency, transfer.id),)
    for moved in PortfolioTransfer.objects.of(portfolio_id).iterator(chunk_size=CHUNK):
        way = "OUT" if moved.source_id == portfolio_id else "IN"
        is_cash = moved.kind == PortfolioTransfer.Kind.CASH
        sign = 1 if way == "IN" else -1
        yield (
            *(moved.created_at.isoformat(), f"TRANSFER_{way}"),
            *("" if is_cash else moved.asset, "" if is_cash else moved.quantity, ""),
            *(sign * moved.quantity if is_cash else "", "", ""),
            *(moved.asset if is_cash else "", moved.id),
        )


EXPORTS: Mapping[str, tuple[tuple[str, ...], Callable[[UUID], Rows]]] = MappingProxyType(
    {
        "positions": (
            (
                *("symbol", "currency", "quantity", "available", "cost", "average_cost"),
                *("last_price", "market_value", "unrealised_profit"),
            ),
            positions,
        ),
        "lots": (
            (
                *("id", "symbol", "origin", "acquired_at", "currency", "quantity", "cost"),
                *("remaining_quantity", "remaining_cost"),
            ),
            lots,
        ),
        "orders": (
            (
                *("id", "client_order_id", "created_at", "symbol", "side", "type"),
                *("time_in_force", "quantity", "notional", "limit_price", "stop_price"),
                *("trail_amount", "trail_percent", "status", "reason_code", "filled_quantity"),
                *("average_price", "fees", "currency", "expires_at", "closed_at"),
            ),
            orders,
        ),
        "executions": (
            (
                *("id", "order_id", "executed_at", "symbol", "side", "quantity", "price"),
                *("amount", "fees", "profit", "currency", "venue", "venue_execution_id"),
            ),
            executions,
        ),
        "transactions": (
            (
                *("at", "kind", "symbol", "quantity", "price", "amount", "fees", "profit"),
                *("currency", "id"),
            ),
            transactions,
        ),
    }
)
