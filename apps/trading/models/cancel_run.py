"""The firm's request to cancel every order that rests, and how far it has come."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel
from apps.trading.domain.desk_events import CancelRunFinished, CancelRunStarted


class CancelRun(BaseModel):
    """It means the orders that were open when it was made; a worker that dies leaves the rest."""

    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=200)
    orders = models.PositiveIntegerField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["finished_at"],
                condition=Q(finished_at=None),
                nulls_distinct=False,
                name="trading_cancel_run_one_at_a_time",
            ),
        )

    def __str__(self) -> str:
        return f"{self.orders} orders"

    @property
    def stream(self) -> str:
        return f"cancel-run-{self.id}"

    def start(self) -> CancelRunStarted:
        return CancelRunStarted(
            stream=self.stream, run_id=str(self.id), orders=self.orders, reason=self.reason
        )

    def finish(self, *, at: datetime) -> CancelRunFinished:
        self.finished_at = at
        return CancelRunFinished(stream=self.stream, run_id=str(self.id))
