"""Commands on recurring plans: make one, change it, pause it, end it."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.domain.money import Money
from apps.core.errors import (
    Conflict,
    IllegalTransition,
    InvalidInput,
    NotFound,
    Refused,
    Stale,
)
from apps.trading.domain.plans import Frequency, Schedule, check_weights
from apps.trading.models import InvestmentPlan, PlanRun, Portfolio
from apps.trading.services.drafts import digest_of
from apps.trading.services.rebalancing import check_instruments
from apps.users.models import User

MAX_KEY_LENGTH = 100
MAX_PLANS = 10
DAYS_OF_A_WEEK = 7
ACTIVE, PAUSED, ENDED = (
    InvestmentPlan.Status.ACTIVE,
    InvestmentPlan.Status.PAUSED,
    InvestmentPlan.Status.ENDED,
)


class PlanTerms(TypedDict, total=False):
    """What of a plan can change."""

    amount: Decimal
    weights: Mapping[str, Decimal]
    day: int
    end_date: date | None


@command
def plan_create(
    *,
    actor: User,
    portfolio_id: UUID,
    amount: Decimal,
    weights: Mapping[str, Decimal],
    frequency: str,
    day: int,
    start_date: date,
    end_date: date | None = None,
    idempotency_key: str,
) -> InvestmentPlan:
    """Make a plan that brings `amount` from the bank on each due day and invests it by `weights`.

    The amount is in the portfolio's currency; what the weights leave of it stays cash.  The same
    key with the same terms returns the first plan.  The caller has made sure of a fresh second
    factor.

    Raises NotFound, InvalidInput, Refused `plan_limit` and `amount_out_of_limits`, Conflict
    `portfolio_closed` and `idempotency_key_reused`.
    """
    portfolio = Portfolio.objects.owned_by(actor).locked(portfolio_id)
    if not 0 < len(idempotency_key) <= MAX_KEY_LENGTH:
        raise InvalidInput("A plan needs a key.", field="idempotency_key")
    if frequency not in set(Frequency):
        raise InvalidInput("A plan is WEEKLY or MONTHLY.", field="frequency")
    terms: dict[str, Any] = {
        "amount": amount,
        "weights": dict(weights),
        "schedule": [frequency, day, start_date.isoformat(), str(end_date)],
    }
    digest = digest_of(terms)
    plans = InvestmentPlan.objects.filter(portfolio=portfolio)
    first = plans.filter(idempotency_key=idempotency_key).first()
    if first is not None:
        if first.terms_digest != digest:
            raise Conflict("The key belongs to another plan.", code="idempotency_key_reused")
        return first
    today = timezone.now().date()
    if start_date < today:
        raise InvalidInput("A plan starts today or later.", field="start_date")
    schedule = Schedule(frequency=Frequency(frequency), day=day, start=start_date, end=end_date)
    next_due = schedule.first_due(start_date)
    if next_due is None:
        raise InvalidInput("The plan ends before it is due once.", field="end_date")
    _check_terms(portfolio, amount, weights)
    if (count := plans.exclude(status=ENDED).count()) >= MAX_PLANS:
        raise Refused(
            f"A portfolio has at most {MAX_PLANS} plans.",
            code="plan_limit",
            limit=str(MAX_PLANS),
            measured=str(count),
        )
    plan = InvestmentPlan(
        portfolio=portfolio,
        amount=amount,
        weights=_written(weights),
        frequency=frequency,
        day=day,
        start_date=start_date,
        end_date=end_date,
        next_due_date=next_due,
        idempotency_key=idempotency_key,
        terms_digest=digest,
    )
    plan.save(force_insert=True)
    emit(plan.changed("CREATED"), actor=actor)
    return plan


@command
def plan_change(
    *, actor: User, plan_id: UUID, version: str | None, **terms: Unpack[PlanTerms]
) -> InvestmentPlan:
    """Give a plan other terms from its next run on; what is not named stays.

    `version` is what the client saw (None: whatever it is now).  With another day the plan is not
    due again in a week or month in which it was due.  The caller has made sure of a fresh second
    factor.  Raises as `plan_create`, Stale, IllegalTransition for a plan that has ended, and
    Refused `no_such_day`, `plan_never_due`.
    """
    plan = _locked(actor, plan_id)
    if version not in {None, plan.version}:
        raise Stale("The plan has changed since you read it.")
    if plan.status == ENDED:
        raise IllegalTransition("A plan that has ended does not change.", status=plan.status)
    weights = terms.get("weights", plan.fractions)
    amount = terms.get("amount", plan.amount)
    _check_terms(plan.portfolio, amount, weights)
    before = (plan.amount, plan.weights, plan.day, plan.end_date)
    plan.amount, plan.weights = amount, _written(weights)
    plan.day, plan.end_date = terms.get("day", plan.day), terms.get("end_date", plan.end_date)
    if (plan.day, plan.end_date) != before[2:]:
        _reschedule(plan)
    if (plan.amount, plan.weights, plan.day, plan.end_date) != before:
        plan.save()
        emit(plan.changed("CHANGED"), actor=actor)
    return plan


def _reschedule(plan: InvestmentPlan) -> None:
    if plan.frequency == Frequency.WEEKLY and plan.day > DAYS_OF_A_WEEK:
        raise Refused("A week has seven days.", code="no_such_day", field="day")
    today = timezone.now().date()
    last = plan.runs.order_by("-due_date").values_list("due_date", flat=True).first()
    due = None
    if plan.end_date is None or plan.end_date >= plan.start_date:
        due = plan.schedule.next_due(today, last)
    if due is None:
        raise Refused(
            "The plan would end before it is due again: end it instead.",
            code="plan_never_due",
            field="end_date",
        )
    if plan.status == ACTIVE:
        plan.next_due_date = due


@command
def plan_pause(*, actor: User, plan_id: UUID) -> InvestmentPlan:
    """Let nothing run until the plan is resumed; what was due and has not run is skipped."""
    plan = _locked(actor, plan_id)
    if plan.status == ENDED:
        raise IllegalTransition("The plan has ended.", status=plan.status)
    if plan.status == ACTIVE:
        _stop(plan, actor, PAUSED, "PAUSED")
    return plan


@command
def plan_resume(*, actor: User, plan_id: UUID) -> InvestmentPlan:
    """Go on with a paused plan from the next due date; what it missed is not made good."""
    plan = _locked(actor, plan_id)
    if plan.status == ENDED:
        raise IllegalTransition("The plan has ended.", status=plan.status)
    if plan.status == PAUSED:
        due = plan.schedule.first_due(timezone.now().date())
        if due is not None and plan.runs.filter(due_date=due).exists():
            due = plan.schedule.first_due(due + timedelta(days=1))
        plan.next_due_date = due
        plan.status = ACTIVE
        plan.save()
        emit(plan.changed("RESUMED"), actor=actor)
    return plan


@command
def plan_end(*, actor: User, plan_id: UUID) -> InvestmentPlan:
    """End the plan for good; ending again changes nothing."""
    plan = _locked(actor, plan_id)
    if plan.status != ENDED:
        _stop(plan, actor, ENDED, "ENDED")
    return plan


def _stop(plan: InvestmentPlan, actor: User, status: str, change: str) -> None:
    plan.status, plan.next_due_date = status, None
    plan.save()
    plan.runs.filter(status=PlanRun.Status.DUE).update(status=PlanRun.Status.SKIPPED)
    emit(plan.changed(change), actor=actor)


def _locked(actor: User, plan_id: UUID) -> InvestmentPlan:
    """Load the actor's plan for writing, its portfolio first; raises NotFound."""
    found = InvestmentPlan.objects.filter(id=plan_id).values_list("portfolio_id", flat=True).first()
    if found is None:
        raise NotFound("There is no such plan.")
    portfolio = Portfolio.objects.owned_by(actor).locked(found, may_be_closed=True)
    plan = InvestmentPlan.objects.select_for_update(no_key=True).get(id=plan_id)
    plan.portfolio = portfolio
    return plan


def _check_terms(portfolio: Portfolio, amount: Decimal, weights: Mapping[str, Decimal]) -> None:
    Money.of(amount, portfolio.currency)
    least, most = (Decimal(limit) for limit in settings.CASH_LIMITS)
    if not least <= amount <= most:
        raise Refused(
            f"A transfer is between {least} and {most} {portfolio.currency}.",
            code="amount_out_of_limits",
            limit=f"{least if amount < least else most:f}",
            measured=f"{amount:f}",
        )
    check_weights(dict(weights))
    check_instruments(dict(weights), portfolio.currency)


def _written(weights: Mapping[str, Decimal]) -> dict[str, str]:
    return {symbol: f"{weight.normalize():f}" for symbol, weight in sorted(weights.items())}
