"""What trading asks of a venue.

Orders of paper portfolios and of live ones are different types, and each venue takes one of them:
a paper order does not fit a live adapter.  The database holds the same wall once more (only orders
of LIVE portfolios have instructions to a broker, and only they have a broker's executions).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, Self, TypeVar
from uuid import UUID

from apps.core.errors import DomainError
from apps.trading.domain.fills import Fill, WorkingOrder
from apps.trading.domain.orders import OrderType, Side, TimeInForce
from apps.trading.models import Order


class WrongMode(TypeError):
    """An order was taken for one of the other kind: a defect of ours."""


def _check_mode(order: Order, mode: str) -> None:
    if order.mode != mode or order.portfolio.mode != mode:
        raise WrongMode(f"Order {order.id} is not {mode}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperOrder:
    """An order of a paper portfolio."""

    order_id: UUID
    working: WorkingOrder

    @classmethod
    def of(cls, order: Order) -> Self:
        """Return what the paper venue sees of the order; raises WrongMode for a live one."""
        _check_mode(order, "PAPER")
        return cls(order_id=order.id, working=order.as_working())


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOrder:
    """An order of a live portfolio, as a broker is told of it.

    `client_order_id` is ours and the same however often the order is sent.  `replaces` is the
    broker's own id of the order whose place this one takes.
    """

    client_order_id: str
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    trail_amount: Decimal | None
    trail_percent: Decimal | None
    replaces: str = ""

    @classmethod
    def of(
        cls,
        order: Order,
        *,
        client_order_id: str,
        terms: dict[str, Decimal | None],
        replaces: str = "",
    ) -> Self:
        """Return the order under the terms; raises WrongMode for a paper one."""
        _check_mode(order, "LIVE")
        quantity = terms["quantity"]
        if quantity is None:
            raise ValueError("An order without a quantity.")
        trails = order.order_type == OrderType.TRAILING_STOP
        return cls(
            client_order_id=client_order_id,
            symbol=order.symbol,
            side=Side(order.side),
            order_type=OrderType(order.order_type),
            time_in_force=TimeInForce(order.time_in_force),
            quantity=quantity,
            limit_price=terms["limit_price"],
            # The broker works the stop price of a trailing stop out of the market.
            stop_price=None if trails else terms["stop_price"],
            trail_amount=terms["trail_amount"],
            trail_percent=terms["trail_percent"],
            replaces=replaces,
        )


class VenueStatus(StrEnum):
    """Where an order is at its venue.  RECEIVED is known there and not yet at a market."""

    RECEIVED = "RECEIVED"
    WORKING = "WORKING"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """What a venue says of an order.  The ids are empty where the venue has none of its own.

    `filled_quantity` are the units that this order of the venue's has traded so far.
    """

    status: VenueStatus
    venue_order_id: str = ""
    client_order_id: str = ""
    filled_quantity: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRejected:
    """A venue's word that it will not cancel, or not replace, an order that works on."""

    venue_order_id: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FillReport:
    """A trade at a venue.  `execution_id` is the same by whichever way the venue tells of it."""

    execution_id: str
    venue_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    executed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteReport:
    """What one quote did to an order at a venue that simulates the market."""

    is_triggered: bool
    fill: Fill | None
    execution_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """The firm's account at a broker: cash in `currency`, and units by symbol (short: negative)."""

    account_id: str
    currency: str
    cash: Decimal
    positions: dict[str, Decimal]


class VenueRefused(DomainError):
    """The venue will not do it, and asking again cannot help; `code` says why."""

    code = "venue_refused"


class VenueBusy(Exception):
    """Nothing was done: the venue asks to be left alone for some seconds."""

    def __init__(self, pause_seconds: float) -> None:
        super().__init__(f"Busy for {pause_seconds:g} s.")
        self.pause_seconds = pause_seconds


class VenueUnreachable(Exception):
    """Nothing was done: no connection, no permission, the breaker is open, or not our account."""


class VenueUncertain(Exception):
    """The request may have reached the venue, and its answer has not reached us."""


class Garbage(Exception):
    """What came is not what the venue documents."""


OrderT_contra = TypeVar("OrderT_contra", contravariant=True)


class Venue(Protocol[OrderT_contra]):
    """Where orders are worked.  Each call is safe to repeat with the same order.

    A live venue raises VenueRefused, VenueBusy, VenueUnreachable and VenueUncertain.
    """

    @property
    def name(self) -> str: ...

    def settles(self, currency: str) -> bool:
        """Say whether portfolios in that currency can trade there."""
        ...

    def submit(self, order: OrderT_contra) -> OrderReport:
        """Hand the order over."""
        ...

    def replace(self, order: OrderT_contra) -> OrderReport:
        """Work the order under its terms of now."""
        ...

    def cancel(self, order: OrderT_contra) -> OrderReport:
        """Ask for no more of the order to trade, and say where it is then."""
        ...


Told = OrderReport | FillReport | RequestRejected


class Listener(Protocol):
    """A connection on which a live venue tells of orders as it happens."""

    def heard(self, timeout_seconds: float) -> Iterable[Told] | None:
        """Return what the next message says; None when there was none in time.

        Raises Garbage for a message that means nothing, VenueUnreachable when the connection ended.
        """
        ...

    def close(self) -> None: ...


class LiveVenue(Venue[LiveOrder], Protocol):
    """A broker: it answers in its own time, and is asked what it knows.

    `environment` is PAPER where it only plays (LIVE orders of ours all the same), else LIVE.  After
    `settle` a request whose answer was lost arrives no more; `overlap` is how late a trade may turn
    up in `fills_since`.
    """

    environment: str
    settle: timedelta
    overlap: timedelta

    @property
    def account_id(self) -> str:
        """Return the account that the keys belong to, asked once a process."""
        ...

    def find(self, client_order_id: str) -> OrderReport | None:
        """Return what became of an order of ours; None where it is not known there."""
        ...

    def open_orders(self) -> list[OrderReport]:
        """Return the account's open orders, newest first, and perhaps not all of them."""
        ...

    def fills_since(self, since: datetime) -> Iterator[FillReport]:
        """Yield the account's trades from that moment on, oldest first."""
        ...

    def account(self) -> AccountReport: ...

    def listen(self) -> Listener:
        """Connect to what the venue tells as it happens; raises VenueUnreachable."""
        ...
