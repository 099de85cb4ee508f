"""A replacement: the request to work an order under other terms."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel
from apps.trading.domain.orders import OrderStatus
from apps.trading.models.order import Order
from apps.trading.models.portfolio import Portfolio

PENDING, REPLACED, REJECTED = (
    OrderStatus.PENDING_REPLACE,
    OrderStatus.REPLACED,
    OrderStatus.REJECTED,
)


class Replacement(BaseModel):
    """One link in the chain of an order's terms; REPLACED says so of those `before`.

    `before` and `after` are amounts as text, by their names.  `terms_digest` tells a repeated
    request from another one under the same `client_order_id`.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="replacements")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+")
    client_order_id = models.CharField(max_length=64)
    status = models.CharField(
        max_length=16,
        choices=[(word.value, word.value) for word in (PENDING, REPLACED, REJECTED)],
        default=PENDING.value,
    )
    reason_code = models.CharField(max_length=40, blank=True)
    before = models.JSONField()
    after = models.JSONField()
    worst_price = models.DecimalField(max_digits=26, decimal_places=8)
    terms_digest = models.CharField(max_length=64)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["portfolio", "client_order_id"], name="trading_replacement_client_order_id"
            ),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(status=PENDING.value),
                name="trading_replacement_one_pending",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[PENDING.value, REPLACED.value, REJECTED.value]),
                name="trading_replacement_words",
            ),
        )
        indexes = (
            models.Index(fields=["order", "created_at"], name="trading_replacement_of_order"),
        )

    def __str__(self) -> str:
        return f"{self.status} {self.order_id}"

    @property
    def terms(self) -> dict[str, Decimal | None]:
        return _read(self.after)

    @property
    def terms_before(self) -> dict[str, Decimal | None]:
        return _read(self.before)

    def answer(self, status: OrderStatus, *, reason: str = "") -> None:
        self.status, self.reason_code = status.value, reason


def written(terms: Mapping[str, Decimal | None]) -> dict[str, Any]:
    """Return the terms as JSON primitives."""
    return {name: None if value is None else f"{value:f}" for name, value in terms.items()}


def _read(terms: Mapping[str, str | None]) -> dict[str, Decimal | None]:
    return {name: None if text is None else Decimal(text) for name, text in terms.items()}
