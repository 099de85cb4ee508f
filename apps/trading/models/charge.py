"""Custody fees and interest on cash: rates, what each day adds, and what a month comes to."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.errors import Conflict, NotPermitted, Stale
from apps.core.models import BaseModel
from apps.trading.domain.charges import ChargeKind
from apps.trading.events.charges import (
    ChargeBooked,
    ChargeDeferred,
    ChargeRateConfirmed,
    ChargeRateDeclined,
    ChargeRateProposed,
)
from apps.trading.models.portfolio import Portfolio
from apps.users.models import User

KINDS = [(kind.value, kind.value.replace("_", " ").capitalize()) for kind in ChargeKind]
WORDS = {
    ChargeKind.CUSTODY_FEE.value: "Custody fee taken",
    ChargeKind.CREDIT_INTEREST.value: "Interest paid",
}


def _officer() -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )


class ChargeRate(BaseModel):
    """One version of a rate, proposed by one officer and in force once another confirmed it.

    Of the confirmed versions that have begun on a day the highest counts; one without a rate ends
    it.  A portfolio's own rate goes before that of every portfolio (`portfolio` None).  The trigger
    trading_charge_rate_decided_once keeps a decided row as it is.
    """

    class Status(models.TextChoices):
        PROPOSED = "PROPOSED", "Awaiting second officer"
        CONFIRMED = "CONFIRMED", "Confirmed"
        DECLINED = "DECLINED", "Declined"

    kind = models.CharField(max_length=15, choices=KINDS)
    currency = models.CharField(max_length=3, blank=True)
    portfolio = models.ForeignKey(Portfolio, null=True, on_delete=models.PROTECT, related_name="+")
    rate_bps = models.DecimalField("basis points a year", max_digits=9, decimal_places=2, null=True)
    effective_on = models.DateField(null=True)
    based_on = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(null=True)
    reason = models.CharField(max_length=300)
    status = models.CharField(max_length=9, choices=Status, default=Status.PROPOSED)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    decided_by = _officer()
    decided_at = models.DateTimeField(null=True)

    class Meta:
        permissions = (("decide_chargerate", "Can propose and confirm rates of charges"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(kind="CUSTODY_FEE", currency="")
                | (Q(kind="CREDIT_INTEREST") & ~Q(currency="")),
                name="trading_charge_rate_kind",
            ),
            models.CheckConstraint(
                condition=Q(rate_bps=None) | Q(rate_bps__gte=0), name="trading_charge_rate_value"
            ),
            models.CheckConstraint(
                condition=Q(status="PROPOSED", version=None, decided_by=None)
                | Q(status="DECLINED", version=None, decided_by__isnull=False)
                | Q(
                    status="CONFIRMED",
                    decided_by__isnull=False,
                    version=F("based_on") + 1,
                    effective_on__isnull=False,
                ),
                name="trading_charge_rate_state",
            ),
            models.CheckConstraint(
                condition=~Q(status="CONFIRMED") | ~Q(decided_by=F("proposed_by")),
                name="trading_charge_rate_four_eyes",
            ),
            models.UniqueConstraint(
                fields=["kind", "currency", "portfolio", "version"],
                nulls_distinct=False,
                condition=Q(status="CONFIRMED"),
                name="trading_charge_rate_version",
            ),
        )

    def __str__(self) -> str:
        return " ".join(filter(None, (self.get_kind_display(), self.currency)))

    @property
    def stream(self) -> str:
        return f"charge-rate-{self.id}"

    def propose(self) -> ChargeRateProposed:
        return ChargeRateProposed(**self._facts(), based_on=self.based_on, reason=self.reason)

    def confirm(self, officer: User, *, newest: int, at: datetime) -> ChargeRateConfirmed:
        """Let it begin tomorrow or later; raises NotPermitted for its proposer, Stale, Conflict."""
        self._demand_open()
        if self.proposed_by_id == officer.pk:
            raise NotPermitted("Another officer has to confirm.", code="four_eyes")
        if newest != self.based_on:
            raise Stale("The rate has changed since this was proposed; propose it again.")
        tomorrow = at.date() + timedelta(days=1)
        self.effective_on = max(self.effective_on or tomorrow, tomorrow)
        self.version = newest + 1
        self._decide(self.Status.CONFIRMED, officer, at)
        return ChargeRateConfirmed(
            **self._facts(), version=self.version, effective_on=self.effective_on.isoformat()
        )

    def decline(self, officer: User, *, at: datetime) -> ChargeRateDeclined:
        """Drop the proposal; its proposer may take it back.  Raises Conflict."""
        self._demand_open()
        self._decide(self.Status.DECLINED, officer, at)
        return ChargeRateDeclined(**self._facts())

    def _demand_open(self) -> None:
        if self.status != self.Status.PROPOSED:
            raise Conflict("This is decided already.", code="already_decided")

    def _decide(self, status: "ChargeRate.Status", officer: User, at: datetime) -> None:
        self.status, self.decided_by, self.decided_at = status, officer, at

    def _facts(self) -> dict[str, Any]:
        return {
            "stream": self.stream,
            "rate_id": str(self.id),
            "kind": self.kind,
            "currency": self.currency,
            "portfolio_id": str(self.portfolio_id or ""),
            "rate_bps": None if self.rate_bps is None else f"{self.rate_bps.normalize():f}",
        }


class AccrualDay(models.Model):
    """A day (UTC) that was accrued for every portfolio; the last of a month once it is booked."""

    day = models.DateField(primary_key=True)
    booked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.day)


class ChargeAccrual(models.Model):
    """What one day adds for a portfolio: `base` at the day's end times `rate_bps` over 365 days.

    Never changed.  A fee's base is the worth of all assets in the portfolio's currency, without
    those for which there was no price or exchange rate (`is_complete` False); interest's is the
    cash of the currency, held or free.
    """

    id = models.BigAutoField(primary_key=True)
    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=15, choices=KINDS)
    currency = models.CharField(max_length=3)
    day = models.DateField()
    base = models.DecimalField(max_digits=38, decimal_places=8)
    rate_bps = models.DecimalField("basis points a year", max_digits=9, decimal_places=2)
    rate = models.ForeignKey(ChargeRate, on_delete=models.PROTECT, related_name="+", db_index=False)
    is_complete = models.BooleanField(default=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["portfolio", "kind", "currency", "day"], name="trading_accrual_once"
            ),
            models.CheckConstraint(condition=Q(base__gt=0), name="trading_accrual_base"),
        )
        indexes = (models.Index(fields=["day"], name="trading_accrual_of_day"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.day}"


class Charge(BaseModel):
    """A month's fee or interest of a portfolio, once: booked in one entry, or due until it can be.

    A fee that the free cash does not cover stays DUE, whole, and moves nothing meanwhile.
    """

    class Status(models.TextChoices):
        DUE = "DUE", "Due"
        BOOKED = "BOOKED", "Booked"
        NOTHING = "NOTHING", "Rounds to nothing"

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="charges")
    kind = models.CharField(max_length=15, choices=KINDS)
    currency = models.CharField(max_length=3)
    month = models.DateField()
    days = models.PositiveSmallIntegerField()
    amount = models.DecimalField(max_digits=26, decimal_places=8)
    status = models.CharField(max_length=7, choices=Status, default=Status.DUE)
    entry_id = models.UUIDField(null=True)
    booked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["portfolio", "kind", "currency", "month"], name="trading_charge_once"
            ),
            models.CheckConstraint(
                condition=Q(status="DUE", amount__gt=0, entry_id=None, booked_at=None)
                | Q(status="BOOKED", amount__gt=0, entry_id__isnull=False, booked_at__isnull=False)
                | Q(status="NOTHING", amount=0, entry_id=None, booked_at=None),
                name="trading_charge_status",
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="trading_charge_month"),
        )
        indexes = (
            models.Index(fields=["month"], condition=Q(status="DUE"), name="trading_charge_due"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.month:%Y-%m}"

    @classmethod
    def of_month(
        cls,
        portfolio: Portfolio,
        kind: str,
        currency: str,
        month: date,
        *,
        days: int,
        amount: Decimal,
    ) -> "Charge":
        status = cls.Status.DUE if amount else cls.Status.NOTHING
        return cls(
            portfolio=portfolio,
            kind=kind,
            currency=currency,
            month=month,
            days=days,
            amount=amount,
            status=status,
        )

    def book(self, entry_id: UUID, *, at: datetime) -> ChargeBooked:
        self.status, self.entry_id, self.booked_at = self.Status.BOOKED, entry_id, at
        return ChargeBooked(**self._facts(), words=WORDS[self.kind], entry_id=str(entry_id))

    def defer(self) -> ChargeDeferred:
        return ChargeDeferred(**self._facts())

    def _facts(self) -> dict[str, Any]:
        return {
            "stream": self.portfolio.stream,
            "charge_id": str(self.id),
            "portfolio_id": str(self.portfolio_id),
            "client_id": str(self.portfolio.client_id),
            "kind": self.kind,
            "month": self.month.isoformat(),
            "amount": f"{self.amount.normalize():f}",
            "currency": self.currency,
        }
