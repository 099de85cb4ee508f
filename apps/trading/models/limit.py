"""A limit on orders: proposed by one officer, in force once another confirmed it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.errors import Conflict, NotPermitted, Stale
from apps.core.models import BaseModel
from apps.trading.domain.desk_events import LimitConfirmed, LimitDeclined, LimitProposed
from apps.trading.domain.limits import LimitKind, LimitOwner, LimitScope
from apps.trading.models.portfolio import Portfolio
from apps.users.models import User


def _choices(words: type[StrEnum]) -> list[tuple[str, str]]:
    return [(word.value, word.value.replace("_", " ").capitalize()) for word in words]


def _scope_fits() -> Q:
    return (
        Q(scope="FIRM", client=None, portfolio=None)
        | Q(scope="CLIENT", client__isnull=False, portfolio=None)
        | Q(scope="PORTFOLIO", client=None, portfolio__isnull=False)
    )


class TradingLimit(BaseModel):
    """One version of the limit of that kind on that subject; an earlier one is never changed.

    Of the confirmed versions whose period holds, the highest counts: one with an end gives way to
    the one before it.  `value` None lifts the limit.  `based_on` is the newest confirmed version
    when it was proposed, and must still be that when it is confirmed.  The trigger
    trading_limit_decided_once keeps a decided row as it is.
    """

    class Status(models.TextChoices):
        PROPOSED = "PROPOSED", "Awaiting second officer"
        CONFIRMED = "CONFIRMED", "Confirmed"
        DECLINED = "DECLINED", "Declined"

    scope = models.CharField(max_length=9, choices=_choices(LimitScope))
    client = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    portfolio = models.ForeignKey(Portfolio, null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(
        max_length=22,
        choices=_choices(LimitKind),
    )
    based_on = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(null=True)
    value = models.DecimalField(max_digits=26, decimal_places=8, null=True)
    effective_from = models.DateTimeField(null=True)
    effective_to = models.DateTimeField(null=True)
    owner = models.CharField(max_length=10, choices=_choices(LimitOwner))
    reason = models.CharField(max_length=300)
    status = models.CharField(max_length=9, choices=Status, default=Status.PROPOSED)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "limit"
        constraints = (
            models.CheckConstraint(condition=_scope_fits(), name="trading_limit_scope"),
            models.CheckConstraint(
                condition=Q(kind__in=[one.value for one in LimitKind]), name="trading_limit_kind"
            ),
            models.CheckConstraint(
                condition=Q(value=None) | Q(value__gte=0), name="trading_limit_value"
            ),
            models.CheckConstraint(
                condition=Q(effective_to=None)
                | Q(effective_from=None)
                | Q(effective_to__gt=F("effective_from")),
                name="trading_limit_period",
            ),
            models.CheckConstraint(
                condition=~Q(status="CONFIRMED") | ~Q(decided_by=F("proposed_by")),
                name="trading_limit_four_eyes",
            ),
            # The firm's first limits come with the installation; every other one took two officers.
            models.CheckConstraint(
                condition=(
                    Q(proposed_by__isnull=False)
                    & (
                        Q(status="PROPOSED", version=None, decided_by=None)
                        | Q(status="DECLINED", version=None, decided_by__isnull=False)
                        | Q(
                            status="CONFIRMED",
                            decided_by__isnull=False,
                            version=F("based_on") + 1,
                            effective_from__isnull=False,
                        )
                    )
                )
                | Q(
                    proposed_by=None,
                    scope="FIRM",
                    status="CONFIRMED",
                    version=1,
                    based_on=0,
                    effective_from__isnull=False,
                ),
                name="trading_limit_state",
            ),
            models.UniqueConstraint(
                fields=["scope", "client", "portfolio", "kind", "version"],
                nulls_distinct=False,
                condition=Q(status="CONFIRMED"),
                name="trading_limit_version",
            ),
        )
        indexes = (
            models.Index(
                fields=["kind"],
                name="trading_limit_of_firm",
                condition=Q(scope="FIRM", status="CONFIRMED"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.get_scope_display().lower()}"

    @property
    def stream(self) -> str:
        return f"limit-{self.id}"

    @property
    def subject_id(self) -> str:
        """Return the id of the client or the portfolio that it binds; "" for the firm's."""
        return str(self.portfolio_id or self.client_id or "")

    def propose(self) -> LimitProposed:
        return LimitProposed(
            **self._facts(), based_on=self.based_on, owner=self.owner, reason=self.reason
        )

    def confirm(self, officer: User, *, newest: int, at: datetime) -> LimitConfirmed:
        """Put it in force; raises NotPermitted for its proposer, Stale, Conflict."""
        self._demand_open()
        if self.proposed_by_id == officer.pk:
            raise NotPermitted("Another officer has to confirm.", code="four_eyes")
        if newest != self.based_on:
            raise Stale("The limit has changed since this was proposed; propose it again.")
        start = max(self.effective_from or at, at)
        if self.effective_to is not None and self.effective_to <= start:
            raise Conflict("Its period is over.", code="period_over")
        self.effective_from, self.version = start, newest + 1
        self._decide(self.Status.CONFIRMED, officer, at)
        return LimitConfirmed(
            **self._facts(),
            version=self.version,
            effective_from=start.isoformat(),
            effective_to=self.effective_to.isoformat() if self.effective_to else None,
        )

    def decline(self, officer: User, *, at: datetime) -> LimitDeclined:
        """Drop the proposal; its proposer may take it back.  Raises Conflict."""
        self._demand_open()
        self._decide(self.Status.DECLINED, officer, at)
        return LimitDeclined(**self._facts())

    def _demand_open(self) -> None:
        if self.status != self.Status.PROPOSED:
            raise Conflict("This is decided already.", code="already_decided")

    def _decide(self, status: "TradingLimit.Status", officer: User, at: datetime) -> None:
        self.status, self.decided_by, self.decided_at = status, officer, at

    def _facts(self) -> dict[str, Any]:
        return {
            "stream": self.stream,
            "limit_id": str(self.id),
            "scope": self.scope,
            "subject_id": self.subject_id,
            "kind": self.kind,
            "value": None if self.value is None else f"{self.value.normalize():f}",
        }
