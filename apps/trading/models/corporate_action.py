"""What issuers did to their holders, and what it did to each portfolio."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from apps.core.errors import IllegalTransition, NotPermitted
from apps.core.models import BaseModel
from apps.trading.domain.corporate_actions import ActionKind, ActionStatus, ActionTerms
from apps.trading.domain.gains import market_midnight
from apps.trading.events.corporate_actions import (
    CorporateActionConfirmed,
    CorporateActionProposed,
    CorporateActionRejected,
    CorporateActionReversalConfirmed,
    CorporateActionReversalProposed,
)
from apps.trading.models.portfolio import Portfolio
from apps.trading.repositories import CorporateActionQuerySet, EntitlementQuerySet
from apps.users.models import User


def _amount(**options: Any) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(max_digits=26, decimal_places=8, **options)


def _officer(*, null: bool = True) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=null,
        blank=null,
        on_delete=models.PROTECT,
        related_name="+",
    )


class CorporateAction(BaseModel):
    """Proposed by one person, confirmed by another, then applied to every holder once.

    The terms never change: a wrong proposal is rejected, a wrongly applied action is reversed, by
    two people again.  `source` says where the issuer's announcement can be looked up.
    """

    kind = models.CharField(
        max_length=16, choices=[(k.value, k.value.replace("_", " ").lower()) for k in ActionKind]
    )
    symbol = models.CharField(max_length=20)
    currency = models.CharField(max_length=3)
    ex_date = models.DateField()
    record_date = models.DateField(null=True, blank=True)
    pay_date = models.DateField(null=True, blank=True)
    ratio_new = _amount(null=True, blank=True)
    ratio_old = _amount(null=True, blank=True)
    cash_in_lieu = _amount(null=True, blank=True)
    amount = _amount(null=True, blank=True)
    withholding_rate = models.DecimalField(max_digits=9, decimal_places=8, default=Decimal(0))
    new_symbol = models.CharField(max_length=20, blank=True)
    source = models.CharField(max_length=300)
    status = models.CharField(
        max_length=9,
        choices=[(s.value, s.value.lower()) for s in ActionStatus],
        default=ActionStatus.PROPOSED.value,
    )
    proposed_by = _officer(null=False)
    confirmed_by = _officer()
    reversal_proposed_by = _officer()
    reversal_confirmed_by = _officer()
    reason = models.CharField(max_length=300, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    reversed_at = models.DateTimeField(null=True, blank=True)

    objects = CorporateActionQuerySet.as_manager()

    class Meta:
        ordering = ("-ex_date", "symbol")
        permissions = (
            ("propose_corporateaction", "Can propose corporate actions and their reversal"),
            ("confirm_corporateaction", "Can confirm what somebody else proposed"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["symbol", "kind", "ex_date"],
                name="trading_action_once",
                condition=~Q(status__in=["REJECTED", "REVERSED"]),
            ),
            models.CheckConstraint(
                condition=(Q(confirmed_by=None) | ~Q(confirmed_by=F("proposed_by")))
                & (
                    Q(reversal_confirmed_by=None)
                    | ~Q(reversal_confirmed_by=F("reversal_proposed_by"))
                ),
                name="trading_action_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["PROPOSED", "REJECTED"], confirmed_by=None)
                | Q(status__in=["CONFIRMED", "APPLIED"], confirmed_by__isnull=False)
                | Q(
                    status__in=["REVERSING", "REVERSED"],
                    reversal_proposed_by__isnull=False,
                    reversal_confirmed_by__isnull=False,
                ),
                name="trading_action_status",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=[kind.value for kind in ActionKind]),
                name="trading_action_kind",
            ),
        )

    def __str__(self) -> str:
        return f"{self.symbol} {self.get_kind_display()} {self.ex_date}"

    @property
    def stream(self) -> str:
        return f"corporate-action-{self.id}"

    @property
    def terms(self) -> ActionTerms:
        return ActionTerms(
            kind=ActionKind(self.kind),
            symbol=self.symbol,
            currency=self.currency,
            ex_date=self.ex_date,
            record_date=self.record_date,
            pay_date=self.pay_date,
            ratio_new=self.ratio_new,
            ratio_old=self.ratio_old,
            cash_in_lieu=self.cash_in_lieu,
            amount=self.amount,
            withholding_rate=self.withholding_rate,
            new_symbol=self.new_symbol,
        )

    @property
    def orders_before(self) -> datetime | None:
        """Return until when orders were placed in the units that it changes; None: until now.

        Until the ex date begins or, where it was confirmed after that, until then.
        """
        return self.confirmed_at and max(self.confirmed_at, market_midnight(self.ex_date))

    def proposed(self) -> CorporateActionProposed:
        terms = {
            "ratio_new": self.ratio_new,
            "ratio_old": self.ratio_old,
            "cash_in_lieu": self.cash_in_lieu,
            "amount": self.amount,
            "withholding_rate": self.withholding_rate,
        }
        written = {name: f"{value.normalize():f}" for name, value in terms.items() if value}
        dates = {"record_date": self.record_date, "pay_date": self.pay_date}
        written |= {name: day.isoformat() for name, day in dates.items() if day}
        if self.new_symbol:
            written["new_symbol"] = self.new_symbol
        return CorporateActionProposed(
            stream=self.stream,
            action_id=str(self.id),
            kind=self.kind,
            symbol=self.symbol,
            currency=self.currency,
            ex_date=self.ex_date.isoformat(),
            terms=written,
            source=self.source,
        )

    def confirm(self, officer: User, *, at: datetime) -> CorporateActionConfirmed:
        self._move(ActionStatus.PROPOSED, ActionStatus.CONFIRMED)
        _other_person(officer, self.proposed_by_id)
        self.confirmed_by, self.confirmed_at = officer, at
        return CorporateActionConfirmed(stream=self.stream, action_id=str(self.id))

    def reject(self, *, reason: str) -> CorporateActionRejected:
        self._move(ActionStatus.PROPOSED, ActionStatus.REJECTED)
        self.reason = reason
        return CorporateActionRejected(stream=self.stream, action_id=str(self.id), reason=reason)

    def finish(self, *, at: datetime) -> None:
        """Say that every holder had it, or had it taken back."""
        if self.status == ActionStatus.REVERSING:
            self._move(ActionStatus.REVERSING, ActionStatus.REVERSED)
            self.reversed_at = at
        else:
            self._move(ActionStatus.CONFIRMED, ActionStatus.APPLIED)
            self.applied_at = at

    def propose_reversal(self, officer: User, *, reason: str) -> CorporateActionReversalProposed:
        if self.status not in {ActionStatus.CONFIRMED, ActionStatus.APPLIED}:
            raise IllegalTransition(f"An action that is {self.status} is not reversed.")
        self.reversal_proposed_by, self.reason = officer, reason
        return CorporateActionReversalProposed(
            stream=self.stream, action_id=str(self.id), reason=reason
        )

    def confirm_reversal(self, officer: User) -> CorporateActionReversalConfirmed:
        if self.reversal_proposed_by_id is None:
            raise IllegalTransition("Nobody proposed to reverse this action.")
        if self.status not in {ActionStatus.CONFIRMED, ActionStatus.APPLIED}:
            raise IllegalTransition(f"An action that is {self.status} is not reversed.")
        _other_person(officer, self.reversal_proposed_by_id)
        self.status = ActionStatus.REVERSING
        self.reversal_confirmed_by = officer
        return CorporateActionReversalConfirmed(stream=self.stream, action_id=str(self.id))

    def _move(self, start: ActionStatus, end: ActionStatus) -> None:
        if self.status != start:
            raise IllegalTransition(f"An action that is {self.status} does not become {end}.")
        self.status = end


def _other_person(officer: User, proposer_id: Any) -> None:
    if officer.pk == proposer_id:
        raise NotPermitted("Whoever proposed it does not confirm it.", code="four_eyes")


class Entitlement(BaseModel):
    """What one action did to one portfolio, once: units before and after, cash, tax kept back.

    Without units it changed only the portfolio's open orders.
    """

    action = models.ForeignKey(
        CorporateAction, on_delete=models.PROTECT, related_name="entitlements"
    )
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+")
    units = _amount()
    units_after = _amount()
    gross = _amount()
    withheld = _amount()
    entry_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    reversal_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    reversed_at = models.DateTimeField(null=True, blank=True)

    objects = EntitlementQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["action", "portfolio"], name="trading_entitlement_once"
            ),
            models.CheckConstraint(
                condition=Q(units__gte=0, units_after__gte=0, gross__gte=0, withheld__gte=0)
                & Q(withheld__lte=F("gross")),
                name="trading_entitlement_amounts",
            ),
        )

    def __str__(self) -> str:
        return f"{self.units.normalize():f} units of {self.action_id}"

    @property
    def net(self) -> Decimal:
        net: Decimal = self.gross - self.withheld
        return net
