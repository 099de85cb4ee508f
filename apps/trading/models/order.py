"""The order: one client's instruction to trade, and how far it has come."""

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.core.errors import IllegalTransition
from apps.core.models import BaseModel
from apps.trading.domain.fills import WorkingOrder
from apps.trading.domain.lifecycle import (
    OrderEvent,
    OrderState,
    leaves_quantity,
    next_status,
    state_of,
)
from apps.trading.domain.orders import (
    TERMINAL,
    WORKING,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from apps.trading.events import (
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    OrderReplaceRejected,
    OrderReplaceRequested,
    OrderSubmitted,
    OrderTriggered,
)
from apps.trading.models.order_rules import CONSTRAINTS, INDEXES
from apps.trading.models.portfolio import Portfolio
from apps.trading.repositories import OrderQuerySet

# A trailing stop's stop price follows from its trail.
REPLACEABLE = ("quantity", "limit_price", "stop_price", "trail_amount", "trail_percent")
PRICE_STEP = Decimal("0.00000001")
Terms = Mapping[str, Decimal | None]


def _amount(**options: Any) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(max_digits=26, decimal_places=8, **options)


def _choices(words: Any) -> list[tuple[str, str]]:
    return [(word.value, word.value.replace("_", " ").capitalize()) for word in words]


class Order(BaseModel):
    """It moves only by the methods below, each of which returns the event that says so.

    `worst_price` bounds every fill (0: any price).  `held_amount` is what the ledger holds for it
    now: cash of a purchase, units of a sale.  `filled_value` is the exact sum of price x quantity,
    so that rounding to cents happens once an order and not once a fill.

    Orders of one `group_id` belong together: an entry and its exits (whose `parent` it is), or two
    exits of which one cancels the other.  Exits share what one of them holds.  An exit `is_waiting`
    until its entry fills.  `mark_price` is the best price that a trailing stop has seen.
    `estimated_value`, added up for daily limits, is its worth when it was placed or last raised.
    """

    client = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="orders")
    mode = models.CharField(max_length=5)
    client_order_id = models.CharField(max_length=64)
    symbol = models.CharField(max_length=20)
    currency = models.CharField(max_length=3)
    side = models.CharField(max_length=4, choices=_choices(Side))
    order_type = models.CharField(max_length=13, choices=_choices(OrderType))
    time_in_force = models.CharField(max_length=3, choices=_choices(TimeInForce))
    quantity = _amount()
    notional = _amount(null=True, blank=True)
    limit_price = _amount(null=True, blank=True)
    stop_price = _amount(null=True, blank=True)
    trail_amount = _amount(null=True, blank=True)
    trail_percent = _amount(null=True, blank=True)
    mark_price = _amount(null=True, blank=True)
    worst_price = _amount()
    lot_ids = ArrayField(models.UUIDField(), default=list, blank=True, size=100)
    status = models.CharField(
        max_length=16, choices=_choices(OrderStatus), default=OrderStatus.PENDING_NEW.value
    )
    filled_quantity = _amount(default=Decimal(0))
    filled_value = models.DecimalField(max_digits=42, decimal_places=16, default=Decimal(0))
    average_price = _amount(null=True, blank=True)
    fees = _amount(default=Decimal(0))
    held_amount = _amount(default=Decimal(0))
    reason_code = models.CharField(max_length=40, blank=True)
    triggered_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="exits"
    )
    group_id = models.UUIDField(null=True, blank=True)
    is_waiting = models.BooleanField(default=False)
    terms_digest = models.CharField(max_length=64, blank=True, default="")
    estimated_value = _amount(default=Decimal(0))

    objects = OrderQuerySet.as_manager()
    # The others of its group, where `order_locked` loaded it.
    linked: "tuple[Order, ...]" = ()

    class Meta:
        constraints = CONSTRAINTS
        indexes = INDEXES

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} {self.symbol}"

    @property
    def stream(self) -> str:
        return f"order-{self.id}"

    @property
    def version(self) -> str:
        """Return what changes with every command on the order (not with a trailing stop's mark)."""
        return f"{self.updated_at:%Y%m%dT%H%M%S%f}"

    @property
    def remaining(self) -> Decimal:
        remaining: Decimal = self.quantity - self.filled_quantity
        return remaining

    @property
    def state(self) -> OrderState:
        return state_of(
            OrderStatus(self.status),
            is_waiting=self.is_waiting,
            is_triggered=self.triggered_at is not None,
        )

    @property
    def is_closed(self) -> bool:
        return self.status in TERMINAL

    @property
    def is_working(self) -> bool:
        return self.status in WORKING

    def is_due(self, at: datetime) -> bool:
        """Say whether its time in force is over, though nobody closed it yet."""
        return self.expires_at is not None and self.expires_at <= at

    @property
    def held_asset(self) -> str:
        return self.currency if self.side == Side.BUY else self.symbol

    def as_working(self) -> WorkingOrder:
        return WorkingOrder(
            side=Side(self.side),
            order_type=OrderType(self.order_type),
            remaining=self.remaining,
            limit_price=self.limit_price,
            stop_price=self.stop_price,
            worst_price=self.worst_price,
            time_in_force=TimeInForce(self.time_in_force),
            is_triggered=self.triggered_at is not None,
        )

    @property
    def leaves_quantity(self) -> Decimal:
        return leaves_quantity(
            quantity=self.quantity, filled=self.filled_quantity, is_final=self.is_closed
        )

    @property
    def terms(self) -> dict[str, Decimal | None]:
        """What a replacement may change."""
        return {name: getattr(self, name) for name in REPLACEABLE}

    def accept(self, *, held: Decimal) -> OrderAccepted:
        self._move(OrderEvent.ACCEPTED)
        self.held_amount = held
        self.is_waiting = False
        return OrderAccepted(**self._facts(), **self._words(), held=_text(held))

    def submit(self, *, held: Decimal) -> OrderSubmitted:
        """Be on the way to a live venue, whose answer makes it NEW."""
        self.held_amount = held
        return OrderSubmitted(**self._facts(), **self._words(), held=_text(held))

    def trigger(self, *, last: Decimal, at: datetime) -> OrderTriggered:
        self._move(OrderEvent.TRIGGERED)
        self.triggered_at = at
        return OrderTriggered(**self._facts(), last=_text(last))

    def fill(
        self, *, quantity: Decimal, price: Decimal, fees: Decimal, execution_id: UUID, at: datetime
    ) -> OrderFilled:
        """Count a fill; IllegalTransition when the order is closed.

        A live order that is CANCELED still counts what its venue traded before it heard of that.
        """
        is_late = self.status == OrderStatus.CANCELED and self.mode == "LIVE"
        if self.is_closed and not is_late:
            raise IllegalTransition(
                f"An order that is {self.status} fills no more.",
                status=self.status,
                trigger=OrderEvent.FILLED,
            )
        self.filled_quantity += quantity
        if not is_late or not self.remaining:
            self._move(OrderEvent.FILLED, at)
        self.filled_value += quantity * price
        average = self.filled_value / self.filled_quantity
        self.average_price = average.quantize(PRICE_STEP, ROUND_HALF_EVEN)
        self.fees += fees
        return OrderFilled(
            **self._facts(),
            quantity=_text(quantity),
            price=_text(price),
            currency=self.currency,
            execution_id=str(execution_id),
            fees=_text(fees),
            remaining=_text(self.remaining),
        )

    def request_cancel(self, *, reason: str = "by_client", note: str = "") -> OrderCancelRequested:
        self._move(OrderEvent.PENDING_CANCEL)
        return OrderCancelRequested(**self._facts(), reason=reason, note=note)

    def refuse_cancel(self, *, reason: str) -> OrderCancelRejected:
        """Work on: the venue did not cancel."""
        self._move(OrderEvent.CANCEL_REJECTED)
        self._move(OrderEvent.ACCEPTED)
        return OrderCancelRejected(**self._facts(), reason=reason)

    def request_replace(self, *, replacement_id: UUID, terms: Terms) -> OrderReplaceRequested:
        self._move(OrderEvent.PENDING_UPDATE)
        return OrderReplaceRequested(**self._facts(), **_revised(replacement_id, terms))

    def replace(
        self, *, replacement_id: UUID | None, terms: Terms, worst_price: Decimal, held: Decimal
    ) -> OrderReplaced:
        """Take the new terms; what filled stays filled, and the order works on where it was.

        A request to cancel outlasts them.
        """
        if self.status != OrderStatus.PENDING_CANCEL:
            self._move(OrderEvent.UPDATED)
        for name, value in terms.items():
            setattr(self, name, value)
        self.worst_price, self.held_amount = worst_price, held
        if self.status == OrderStatus.PENDING_REPLACE and replacement_id is not None:
            self._move(OrderEvent.ACCEPTED)
        revised = _revised(replacement_id, self.terms)
        return OrderReplaced(**self._facts(), **revised, held=_text(held))

    def refuse_replace(
        self, *, replacement_id: UUID, reason: str, held: Decimal
    ) -> OrderReplaceRejected:
        """Go on under the old terms."""
        self._move(OrderEvent.MODIFY_REJECTED)
        self._move(OrderEvent.ACCEPTED)
        self.held_amount = held
        return OrderReplaceRejected(
            **self._facts(), replacement_id=str(replacement_id), reason=reason
        )

    def cancel(self, *, reason: str, at: datetime) -> OrderCanceled:
        return OrderCanceled(**self._close(OrderEvent.CANCELED, reason, at))

    def reject(self, *, reason: str, at: datetime) -> OrderRejected:
        return OrderRejected(**self._close(OrderEvent.REJECTED, reason, at))

    def expire(self, *, reason: str, at: datetime) -> OrderExpired:
        return OrderExpired(**self._close(OrderEvent.EXPIRED, reason, at))

    def _close(self, event: OrderEvent, reason: str, at: datetime) -> dict[str, Any]:
        self._move(event, at)
        self.held_amount, self.is_waiting = Decimal(0), False
        self.reason_code = reason
        return {**self._facts(), "filled": _text(self.filled_quantity), "reason": reason}

    def _move(self, event: OrderEvent, at: datetime | None = None) -> None:
        status = next_status(self.state, event, filled=self.filled_quantity, leaves=self.remaining)
        self.status = status.value
        if status in TERMINAL:
            self.closed_at = at

    def _words(self) -> dict[str, Any]:
        return {
            "order_type": self.order_type,
            "time_in_force": self.time_in_force,
            "quantity": _text(self.quantity),
            "limit_price": _text(self.limit_price) if self.limit_price is not None else None,
            "stop_price": _text(self.stop_price) if self.stop_price is not None else None,
            "currency": self.currency,
        }

    def _facts(self) -> dict[str, Any]:
        return {
            "stream": self.stream,
            "order_id": str(self.id),
            "portfolio_id": str(self.portfolio_id),
            "client_id": str(self.client_id),
            "symbol": self.symbol,
            "side": self.side,
        }


def _revised(replacement_id: UUID | None, terms: Terms) -> dict[str, Any]:
    written = {name: _text(value) for name, value in terms.items() if value is not None}
    return {"replacement_id": str(replacement_id) if replacement_id else None, "terms": written}


def _text(value: Decimal) -> str:
    return format(value.normalize(), "f") if value else "0"
