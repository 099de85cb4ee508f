"""The firm's switch: whether new orders are taken at all."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.trading.domain.risk import FirmState
from apps.trading.events import FirmStateChanged
from apps.users.models import User


class FirmSwitch(models.Model):
    """The one row that every order looks at; where it is missing, the firm is ACTIVE."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    state = models.CharField(
        max_length=8,
        choices=[(state.value, state.value.capitalize()) for state in FirmState],
        default=FirmState.ACTIVE.value,
    )
    reason = models.CharField(max_length=200, blank=True)
    turned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    turned_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "firm switch"
        constraints = (
            models.CheckConstraint(condition=Q(id=1), name="trading_firm_switch_one_row"),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in FirmState]),
                name="trading_firm_switch_state",
            ),
        )

    def __str__(self) -> str:
        return self.state

    def turn(self, *, to: FirmState, reason: str, officer: User, at: datetime) -> FirmStateChanged:
        event = FirmStateChanged(
            stream="firm-switch", before=self.state, after=to.value, reason=reason
        )
        self.state, self.reason = to.value, reason
        self.turned_by, self.turned_at = officer, at
        return event
