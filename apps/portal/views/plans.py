"""Recurring deposits of the chosen portfolio and what they buy."""

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone

from apps.core.errors import DomainError, InvalidInput
from apps.infrastructure.api.problems import domain_status
from apps.portal.forms.rebalancing import PlanChangeForm, PlanForm
from apps.portal.forms.tokens import seal, unseal
from apps.portal.selectors.portfolios import portfolio_needed
from apps.portal.views.access import client_page
from apps.trading.selectors.rebalancing import plan_get, plan_list
from apps.trading.services.plans import (
    plan_change,
    plan_create,
    plan_end,
    plan_pause,
    plan_resume,
)
from apps.users.actors import actor_of
from apps.users.step_up import step_up_required

PURPOSE = "plan"
RUNS = 12
ACTIONS = {
    "pause": (plan_pause, "The plan is paused."),
    "resume": (plan_resume, "The plan goes on."),
    "end": (plan_end, "The plan has ended."),
}


@client_page("GET", "HEAD", "POST")
@step_up_required
def plans(request: HttpRequest) -> HttpResponseBase:
    """List the plans with their runs; make another one after a fresh second factor."""
    if request.method != "POST":
        return _page(request)
    user = actor_of(request)
    form = PlanForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form, status=400)
    terms = dict(form.cleaned_data)
    try:
        bound_to, key = unseal(PURPOSE, user.pk, terms.pop("key"))
        plan_create(
            actor=user, portfolio_id=UUID(bound_to), idempotency_key=f"portal-{key}", **terms
        )
    except DomainError as error:
        form.refuse(error.message, error.facts.get("field"))
        return _page(request, form=form, status=domain_status(error))
    messages.success(request, "The plan was made. Its deposits come from the simulated bank.")
    return redirect("portal:plans")


@client_page("POST")
def plan(request: HttpRequest, plan_id: UUID) -> HttpResponseBase:
    """Pause, resume or end a plan."""
    found = ACTIONS.get(request.POST.get("action", ""))
    if found is None:
        raise InvalidInput("There is no such action.", field="action")
    command, done = found
    command(actor=actor_of(request), plan_id=plan_id)
    messages.success(request, done)
    return redirect("portal:plans")


@client_page("GET", "HEAD", "POST")
@step_up_required
def plan_terms(request: HttpRequest, plan_id: UUID) -> HttpResponseBase:
    """Give a plan other terms, after a fresh second factor; not what somebody else changed."""
    user = actor_of(request)
    found = plan_get(user, plan_id)
    seen = {
        "amount": f"{found.amount.normalize():f}",
        "weights": "\n".join(
            f"{symbol} {(weight * 100).normalize():f}" for symbol, weight in found.fractions.items()
        ),
        "day": found.day,
        "end_date": found.end_date,
        "version": found.version,
    }
    form = PlanChangeForm(request.POST if request.method == "POST" else None, initial=seen)
    status = 200
    if form.is_bound and not form.is_valid():
        status = 400
    elif form.is_bound:
        try:
            plan_change(actor=user, plan_id=plan_id, **form.cleaned_data)
        except DomainError as error:
            form.refuse(error.message, error.facts.get("field"))
            status = domain_status(error)
        else:
            messages.success(request, "The plan was changed.")
            return redirect("portal:plans")
    return render(request, "portal/plan.html", {"plan": found, "form": form}, status=status)


def _page(request: HttpRequest, *, form: PlanForm | None = None, status: int = 200) -> HttpResponse:
    user = actor_of(request)
    portfolio = portfolio_needed(user, request.session)
    key = seal(PURPOSE, user.pk, [str(portfolio.id), uuid4().hex])
    if form is None:
        today = timezone.now().date()
        form = PlanForm(initial={"key": key, "day": 1, "start_date": today})
    else:
        # The attempt changed nothing, so the corrected one is a new plan.
        form.data = {**request.POST.dict(), "key": key}
    rows: list[dict[str, Any]] = [
        {
            "plan": row,
            "runs": row.runs.select_related("batch").order_by("-due_date")[:RUNS],
            "buys": row.fractions,
        }
        for row in plan_list(user, portfolio.id)
    ]
    context = {"portfolio": portfolio, "form": form, "rows": rows}
    return render(request, "portal/plans.html", context, status=status)
