"""An order that a check refused: it never became one, and staff can still say why."""

from typing import Any

from django.db import models

from apps.core.models import BaseModel
from apps.trading.domain.desk_events import OrderRefused
from apps.trading.models.portfolio import Portfolio


class OrderRefusal(BaseModel):
    """What one is found by; the event of its stream has the terms and every check.  Append-only."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+")
    client_order_id = models.CharField(max_length=64)
    symbol = models.CharField(max_length=20)
    side = models.CharField(max_length=4)
    order_type = models.CharField(max_length=13)
    code = models.CharField("refused by", max_length=60)

    class Meta:
        verbose_name = "refused order"
        indexes = (
            models.Index(fields=["-created_at", "-id"], name="trading_refusal_newest"),
            models.Index(fields=["client_order_id"], name="trading_refusal_named"),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.symbol}: {self.code}"

    @property
    def stream(self) -> str:
        return f"refusal-{self.id}"

    def refuse(self, facts: dict[str, Any]) -> OrderRefused:
        return OrderRefused(stream=self.stream, **facts)
