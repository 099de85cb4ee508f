"""Queries of targets and of batches of orders."""

from uuid import UUID

from django.db.models import QuerySet

from apps.core.errors import NotFound
from apps.trading.models import InvestmentPlan, OrderBatch, Portfolio, TargetAllocation
from apps.trading.selectors.portfolios import portfolio_get
from apps.users.models import User


def target_get(user: User, portfolio_id: UUID) -> TargetAllocation | None:
    """Return the target in force, or None; raises NotFound for anybody else's portfolio."""
    return target_of(portfolio_get(user, portfolio_id))


def target_of(portfolio: Portfolio) -> TargetAllocation | None:
    return TargetAllocation.objects.filter(portfolio=portfolio).order_by("-number").first()


def batch_get(user: User, batch_id: UUID) -> OrderBatch:
    """Return the user's batch; raises NotFound for anybody else's."""
    batch = OrderBatch.objects.select_related("portfolio").filter(id=batch_id).first()
    if batch is None:
        raise NotFound("There is no such batch of orders.")
    portfolio_get(user, batch.portfolio_id)
    return batch


def batch_list(user: User, portfolio_id: UUID) -> QuerySet[OrderBatch]:
    """Return the portfolio's batches, newest first; raises NotFound for anybody else's."""
    portfolio = portfolio_get(user, portfolio_id)
    return OrderBatch.objects.filter(portfolio=portfolio).order_by("-created_at", "-id")


def plan_list(user: User, portfolio_id: UUID) -> QuerySet[InvestmentPlan]:
    """Return the portfolio's plans, newest first; raises NotFound for anybody else's."""
    portfolio = portfolio_get(user, portfolio_id)
    return InvestmentPlan.objects.filter(portfolio=portfolio).order_by("-created_at", "-id")


def plan_get(user: User, plan_id: UUID) -> InvestmentPlan:
    """Return the user's plan; raises NotFound for anybody else's."""
    plan = InvestmentPlan.objects.select_related("portfolio").filter(id=plan_id).first()
    if plan is None:
        raise NotFound("There is no such plan.")
    portfolio_get(user, plan.portfolio_id)
    return plan
