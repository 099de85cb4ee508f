"""Questions to the tables of trading."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import connections, models
from django.db.models import F, Func, Q, Sum

from apps.core.errors import Conflict, NotFound
from apps.infrastructure.prepared import load_rows, run_prepared
from apps.trading.repositories.matching import MOVE_TRAILING_STOPS, ORDERS_THAT_TRADE
from apps.users.selectors import account_scope

if TYPE_CHECKING:
    from apps.market.domain.quotes import Quote
    from apps.trading.models import (
        CashTransfer,
        Conversion,
        CorporateAction,
        Entitlement,
        Execution,
        Lot,
        LotConsumption,
        Order,
        Portfolio,
        PortfolioTransfer,
    )
    from apps.users.models import User


OF_OWNER = """
WHERE id = %s AND client_id = %s AND (mode = %s OR %s = '') FOR NO KEY UPDATE
"""
OF_ORDER = """
WHERE id = (SELECT portfolio_id FROM trading_order WHERE id = %s) FOR NO KEY UPDATE
"""
GROUP = """
WHERE id = %s OR group_id = (SELECT group_id FROM trading_order WHERE id = %s)
ORDER BY id FOR NO KEY UPDATE
"""
SELLABLE = """
WHERE portfolio_id = %s AND symbol = %s AND remaining_quantity > 0
ORDER BY symbol, acquired_at, id FOR UPDATE
"""
KEEP_LOTS = """
UPDATE trading_lot AS lot SET remaining_quantity = kept.quantity, remaining_cost = kept.cost
  FROM unnest(%s::uuid[], %s::numeric[], %s::numeric[]) AS kept (id, quantity, cost)
 WHERE lot.id = kept.id
"""
REPORTED = "WHERE venue = %s AND venue_execution_id = %s"
IS_TAKEN = """
SELECT EXISTS (SELECT FROM trading_order WHERE portfolio_id = %s AND client_order_id = %s)
    OR EXISTS (SELECT FROM trading_replacement WHERE portfolio_id = %s AND client_order_id = %s)
"""


def _reach(user: "User", column: str) -> dict[str, str]:
    """Return the filter that keeps an API key within portfolios of its mode."""
    return {column: user.reach} if user.reach else {}


def _usable(row: "Portfolio | None", *, may_be_closed: bool = False) -> "Portfolio":
    if row is None:
        raise NotFound("There is no such portfolio.")
    if row.closed_at is not None and not may_be_closed:
        raise Conflict("The portfolio is closed.", code="portfolio_closed")
    return row


class PortfolioQuerySet(models.QuerySet["Portfolio"]):
    def owned_by(self, user: "User") -> Self:
        """Keep what the client may act on: their own."""
        return self.filter(client=user, **_reach(user, "mode"))

    def visible_to(self, user: "User") -> Self:
        """Keep what the user may read; commands ask `owned_by`."""
        return self.filter(account_scope(user, "client"), **_reach(user, "mode"))

    def open(self) -> Self:
        return self.filter(closed_at=None)

    def locked(self, portfolio_id: UUID, *, may_be_closed: bool = False) -> "Portfolio":
        """Load the portfolio for writing: commands on one portfolio wait for each other here.

        Raises NotFound, and Conflict `portfolio_closed` unless it `may_be_closed`.
        """
        row = self.select_for_update(no_key=True, of=("self",)).filter(id=portfolio_id).first()
        return _usable(row, may_be_closed=may_be_closed)

    def locked_of_owner(self, user: "User", portfolio_id: UUID) -> "Portfolio":
        """Load a portfolio of the user's own for writing; raises as `locked` does."""
        whose = [portfolio_id, user.id, user.reach, user.reach]
        rows = load_rows(self.model, OF_OWNER, whose)
        return _usable(rows[0] if rows else None)

    def locked_of_order(self, order_id: UUID) -> "Portfolio":
        """Load an order's portfolio for writing."""
        rows = load_rows(self.model, OF_ORDER, [order_id])
        if not rows:
            raise NotFound("There is no such order.")
        return rows[0]


class CashTransferQuerySet(models.QuerySet["CashTransfer"]):
    def visible_to(self, user: "User") -> Self:
        return self.filter(
            account_scope(user, "portfolio__client"), **_reach(user, "portfolio__mode")
        )

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")

    def locked(self, transfer_id: UUID) -> "CashTransfer":
        rows = self.select_for_update(no_key=True, of=("self",)).select_related("portfolio")
        row = rows.filter(id=transfer_id).first()
        if row is None:
            raise NotFound("There is no such transfer.")
        return row


class PortfolioTransferQuerySet(models.QuerySet["PortfolioTransfer"]):
    def of(self, portfolio_id: UUID) -> "models.QuerySet[PortfolioTransfer]":
        """Return what left or entered the portfolio, newest first."""
        found = self.filter(Q(source_id=portfolio_id) | Q(target_id=portfolio_id))
        return found.order_by("-created_at", "-id")


class ConversionQuerySet(models.QuerySet["Conversion"]):
    def keyed(self, portfolio_id: UUID, idempotency_key: str) -> "Conversion | None":
        return self.filter(portfolio_id=portfolio_id, idempotency_key=idempotency_key).first()

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")


class OrderQuerySet(models.QuerySet["Order"]):
    def owned_by(self, user: "User") -> Self:
        """Keep what the client may act on: their own."""
        return self.filter(client=user, **_reach(user, "portfolio__mode"))

    def visible_to(self, user: "User") -> Self:
        """Keep what the user may read; commands ask `owned_by`."""
        return self.filter(account_scope(user, "client"), **_reach(user, "portfolio__mode"))

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")

    def named(self, client_order_id: str) -> Self:
        """Keep the orders that were placed or replaced under the id."""
        replaced = Q(replacements__client_order_id=client_order_id)
        return self.filter(Q(client_order_id=client_order_id) | replaced).distinct()

    def is_taken(self, portfolio_id: UUID, client_order_id: str) -> bool:
        """Say whether an order was placed or replaced under the id."""
        return bool(run_prepared(IS_TAKEN, [portfolio_id, client_order_id] * 2)[0][0])

    def open(self) -> Self:
        return self.filter(closed_at=None)

    def locked_group(self, order_id: UUID) -> "list[Order]":
        """Load the order and those that belong to it for writing, in the one order of such locks.

        Commands lock its portfolio before it.
        """
        return load_rows(self.model, GROUP, [order_id, order_id])

    def resting(self) -> Self:
        """Keep what is open and nobody asked to cancel."""
        return self.open().exclude(status="PENDING_CANCEL")

    def placed(self, symbol: str, before: datetime | None) -> Self:
        """Keep the orders in the symbol that are older than that."""
        found = self.filter(symbol=symbol)
        return found if before is None else found.filter(created_at__lt=before)

    def lock(self) -> None:
        """Lock the orders for writing by id, the one order of such locks; load nothing."""
        list(self.order_by("id").select_for_update(no_key=True).values_list("id"))

    def trailing(self, symbols: "Iterable[str]") -> Self:
        """Working trailing stops that have not triggered."""
        return self.filter(
            symbol__in=list(symbols),
            mark_price__isnull=False,
            triggered_at=None,
            status__in=["NEW", "PARTIALLY_FILLED"],
        )

    def trail(self, quotes: "Iterable[Quote]") -> int:
        """Move the marks and stops of trailing stops to better trade prices; return how many.

        One statement, its rows locked by id as commands lock them; its cost grows with the orders
        whose mark moves.
        """
        rows = [(quote.symbol, quote.last) for quote in quotes]
        if not rows:
            return 0
        columns = [list(column) for column in zip(*rows, strict=True)]
        with connections[self.db].cursor() as cursor:
            cursor.execute(MOVE_TRAILING_STOPS, columns)
            return int(cursor.rowcount)

    def that_trade(self, quotes: "Iterable[Quote]") -> list[tuple[UUID, str]]:
        """Return id and symbol of the orders that the quotes can fill or trigger, oldest first.

        Each branch walks one partial index, so the cost grows with the orders that are returned
        and not with those that rest.
        """
        rows = [(quote.symbol, quote.bid, quote.ask, quote.last) for quote in quotes]
        if not rows:
            return []
        columns = [list(column) for column in zip(*rows, strict=True)]
        with connections[self.db].cursor() as cursor:
            cursor.execute(ORDERS_THAT_TRADE, columns)
            return [(row[0], row[1]) for row in cursor.fetchall()]

    def due(self, at: datetime) -> Self:
        """Open orders whose time in force has ended; a broker ends live ones itself."""
        return self.open().filter(mode="PAPER", expires_at__lte=at).order_by("expires_at")


class ExecutionQuerySet(models.QuerySet["Execution"]):
    def reported(self, venue: str, venue_execution_id: str) -> "Execution | None":
        rows = load_rows(self.model, REPORTED, [venue, venue_execution_id])
        return rows[0] if rows else None

    def visible_to(self, user: "User") -> Self:
        return self.filter(
            account_scope(user, "portfolio__client"), **_reach(user, "portfolio__mode")
        )

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")


class LotQuerySet(models.QuerySet["Lot"]):
    def open(self) -> Self:
        return self.filter(remaining_quantity__gt=0)

    def of(self, portfolio_id: UUID) -> Self:
        return self.filter(portfolio_id=portfolio_id).order_by("symbol", "acquired_at", "id")

    def locked_open(self, portfolio_id: UUID, symbol: str) -> "list[Lot]":
        """Load what may be taken of these lots, for writing, oldest first."""
        return list(self.of(portfolio_id).open().filter(symbol=symbol).select_for_update())

    def sellable(self, portfolio_id: UUID, symbol: str) -> "list[Lot]":
        """Load all that a sale may consume, for writing, oldest first."""
        return load_rows(self.model, SELLABLE, [portfolio_id, symbol])

    def keep(self, lots: "Iterable[Lot]") -> None:
        """Write what is left of lots that are locked."""
        left = [(lot.id, lot.remaining_quantity, lot.remaining_cost) for lot in lots]
        if left:
            run_prepared(KEEP_LOTS, [list(column) for column in zip(*left, strict=True)])

    def there_at(self, symbol: str, moment: datetime) -> Self:
        """Keep lots of the symbol that came into their portfolio by then."""
        return self.filter(symbol=symbol, opened_at__lte=moment)

    def units_held(self, symbol: str, moment: datetime) -> dict[UUID, Decimal]:
        """Return how many units each portfolio held just before the moment."""
        lots = self.filter(symbol=symbol, opened_at__lt=moment)
        came = lots.values_list("portfolio_id").annotate(Sum("quantity"))
        gone = (
            lots.filter(consumptions__consumed_at__lt=moment)
            .values_list("portfolio_id")
            .annotate(Sum("consumptions__quantity"))
        )
        held = dict(came)
        for portfolio_id, units in gone:
            held[portfolio_id] -= units
        return {portfolio_id: units for portfolio_id, units in held.items() if units > 0}

    def units_left(self, symbol: str, moment: datetime) -> dict[UUID, Decimal]:
        """Return how many of the units that were there at the moment each portfolio still has."""
        lots = self.there_at(symbol, moment).open()
        return dict(lots.values_list("portfolio_id").annotate(Sum("remaining_quantity")))


class LotConsumptionQuerySet(models.QuerySet["LotConsumption"]):
    model: "type[LotConsumption]"

    def of(self, portfolio_id: UUID) -> Self:
        return self.filter(lot__portfolio_id=portfolio_id).order_by("consumed_at", "id")

    def disposals(self, taken_back: "EntitlementQuerySet") -> Self:
        """Keep what brought money, but for the entries of actions that were taken back.

        Without money units only went on with their cost.
        """
        undone = taken_back.annotate(entry=Func(F("entry_ids"), function="unnest")).values("entry")
        return self.filter(proceeds__isnull=False).exclude(entry_id__in=undone)


class CorporateActionQuerySet(models.QuerySet["CorporateAction"]):
    def locked(self, action_id: UUID) -> "CorporateAction":
        """Load the action for writing; commands lock it before any portfolio."""
        row = self.select_for_update(of=("self",)).filter(id=action_id).first()
        if row is None:
            raise NotFound("There is no such corporate action.")
        return row

    def to_apply(self, on: date) -> Self:
        """Keep confirmed actions that are due on that day or before, oldest first."""
        due = Q(pay_date=None, ex_date__lte=on) | Q(pay_date__lte=on)
        return self.filter(due, status="CONFIRMED").order_by("ex_date", "created_at")

    def to_reverse(self) -> Self:
        return self.filter(status="REVERSING").order_by("updated_at")


class EntitlementQuerySet(models.QuerySet["Entitlement"]):
    model: "type[Entitlement]"

    def visible_to(self, user: "User") -> Self:
        return self.filter(
            account_scope(user, "portfolio__client"), **_reach(user, "portfolio__mode")
        )

    def standing(self) -> Self:
        """Keep those that were not taken back."""
        return self.filter(reversed_at=None)

    def taken_back(self) -> Self:
        return self.exclude(reversed_at=None)

    def of_units(self) -> Self:
        """Leave out those that changed open orders alone."""
        return self.filter(units__gt=0)
