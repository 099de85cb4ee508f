"""Alpaca as a live venue: what it takes only orders of live portfolios."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import structlog

from apps.trading.venues.alpaca.client import NOT_THERE, Client
from apps.trading.venues.alpaca.listener import AlpacaListener
from apps.trading.venues.alpaca.wire import (
    account_report,
    activity_fill,
    order_body,
    order_report,
    replacement_body,
)
from apps.trading.venues.base import (
    AccountReport,
    FillReport,
    Garbage,
    LiveOrder,
    OrderReport,
    VenueRefused,
    VenueStatus,
    VenueUncertain,
)

logger = structlog.get_logger(__name__)
PAGE = 100
ORDERS = "/v2/orders"
OPEN = frozenset({VenueStatus.RECEIVED, VenueStatus.WORKING})


class AlpacaVenue:
    """Works live orders under our ids; `account` is settings.ALPACA.

    Whoever sends an order again asks `find` first: a lost answer is no lost order.
    """

    name = "ALPACA"

    def __init__(self, account: Mapping[str, Any]) -> None:
        self.settings = account
        self.environment: str = account["account"]
        self.settle = timedelta(seconds=account["settle"])
        self.overlap = timedelta(seconds=account["overlap"])
        self.client = Client(account)

    def settles(self, currency: str) -> bool:
        return currency == "USD"

    def submit(self, order: LiveOrder) -> OrderReport:
        return _read(self.client.write("POST", ORDERS, order_body(order)))

    def replace(self, order: LiveOrder) -> OrderReport:
        path = f"{ORDERS}/{order.replaces}"
        return _read(self.client.write("PATCH", path, replacement_body(order)))

    def cancel(self, order: LiveOrder) -> OrderReport:
        """Ask to cancel the order of that client_order_id, whatever its terms.

        Returns where it stood before; raises VenueRefused where it is not known or not cancelable.
        """
        found = self.find(order.client_order_id)
        if found is None:
            raise VenueRefused("The venue does not know the order.", code=NOT_THERE)
        if found.status in OPEN:
            self.client.write("DELETE", f"{ORDERS}/{found.venue_order_id}")
        return found

    def find(self, client_order_id: str) -> OrderReport | None:
        path = f"{ORDERS}:by_client_order_id"
        try:
            found = self.client.read(path, client_order_id=client_order_id)
        except VenueRefused:
            return None
        report = _read(found)
        if report.client_order_id != client_order_id:
            raise VenueUncertain("another order")
        return report

    def open_orders(self) -> list[OrderReport]:
        found = self.client.read(ORDERS, status="open", limit="500", direction="desc")
        if not isinstance(found, list):
            raise VenueUncertain("no list of orders")
        return list(map(_read, found))

    def fills_since(self, since: datetime) -> Iterator[FillReport]:
        """Yield the account's trades; one that cannot be read is logged and left to a person."""
        query = {"after": _stamp(since), "direction": "asc", "page_size": str(PAGE)}
        while True:
            page = self.client.read("/v2/account/activities/FILL", **query)
            if not isinstance(page, list):
                raise VenueUncertain("no list of activities")
            for activity in page:
                try:
                    yield activity_fill(activity)
                except Garbage as error:
                    logger.warning("venue_activity_unreadable", reason=str(error))
            token = page[-1].get("id") if page and isinstance(page[-1], dict) else None
            if len(page) < PAGE or not isinstance(token, str) or query.get("page_token") == token:
                return
            query["page_token"] = token

    @cached_property
    def account_id(self) -> str:
        return _account(self.client.read("/v2/account"), []).account_id

    def account(self) -> AccountReport:
        account, positions = self.client.read("/v2/account"), self.client.read("/v2/positions")
        return _account(account, positions)

    def listen(self) -> AlpacaListener:
        """Connect to the trade updates; raises VenueUnreachable."""
        return AlpacaListener(self.settings)


def _read(order: Any) -> OrderReport:
    try:
        return order_report(order)
    except Garbage as error:
        raise VenueUncertain(str(error)) from error


def _account(account: Any, positions: Any) -> AccountReport:
    try:
        return account_report(account, positions)
    except Garbage as error:
        raise VenueUncertain(str(error)) from error


def _stamp(at: datetime) -> str:
    # Whole milliseconds, rounded down: no trade falls through a rounding of theirs.
    at = at.astimezone(UTC)
    return f"{at - timedelta(microseconds=at.microsecond % 1000):%Y-%m-%dT%H:%M:%S.%fZ}"
