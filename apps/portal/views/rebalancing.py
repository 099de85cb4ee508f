"""Target weights, how far the portfolio has drifted from them, and the orders that mend it."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from apps.core.errors import DomainError
from apps.infrastructure.api.problems import domain_status
from apps.portal.forms.rebalancing import TargetForm
from apps.portal.selectors.portfolios import portfolio_needed
from apps.portal.views.access import client_page
from apps.trading.selectors.portfolios import portfolio_get
from apps.trading.selectors.rebalancing import batch_get, batch_list, target_get
from apps.trading.services.drifts import drift_read
from apps.trading.services.rebalancing import rebalance_confirm, rebalance_propose, target_set
from apps.users.actors import actor_of

RECENT = 10


@client_page("GET", "HEAD", "POST")
def target(request: HttpRequest) -> HttpResponseBase:
    """Show targets and drift of the chosen portfolio, and take other targets."""
    user = actor_of(request)
    portfolio = portfolio_needed(user, request.session)
    if request.method != "POST":
        return _target_page(request)
    form = TargetForm(request.POST)
    if not form.is_valid():
        return _target_page(request, form=form, status=400)
    try:
        target_set(actor=user, portfolio_id=portfolio.id, **form.terms())
    except DomainError as error:
        form.refuse(error.message, error.facts.get("field"))
        return _target_page(request, form=form, status=domain_status(error))
    messages.success(request, "The target was kept. Nothing was traded.")
    return redirect("portal:target")


@client_page("GET", "HEAD", "POST")
def propose(request: HttpRequest) -> HttpResponseBase:
    """Write down what would be traded; the next page asks for the client's word.

    Opened again after a refusal it is the page of the targets.
    """
    user = actor_of(request)
    portfolio = portfolio_needed(user, request.session)
    if request.method != "POST":
        return redirect("portal:target")
    try:
        proposed = rebalance_propose(actor=user, portfolio_id=portfolio.id)
    except DomainError as error:
        messages.error(request, error.message)
        return _target_page(request, status=domain_status(error))
    return redirect("portal:rebalance", batch_id=proposed.id)


@client_page("GET", "HEAD", "POST")
def batch(request: HttpRequest, batch_id: UUID) -> HttpResponseBase:
    """Show a batch; sent back, it is confirmed: exactly these orders, once."""
    user = actor_of(request)
    status = 200
    if request.method == "POST":
        try:
            rebalance_confirm(actor=user, batch_id=batch_id)
        except DomainError as error:
            messages.error(request, error.message)
            status = domain_status(error)
        else:
            return redirect("portal:rebalance", batch_id=batch_id)
    found = batch_get(user, batch_id)
    lines = found.lines.select_related("order").order_by("position")
    context = {
        "batch": found,
        "portfolio": found.portfolio,
        "orders": [line for line in lines if line.side],
        "idle": [line for line in lines if not line.side],
    }
    return render(request, "portal/rebalance.html", context, status=status)


def _percent(value: Decimal | None) -> str:
    return "" if value is None else f"{(value * 100).normalize():f}"


def _typed(found: Any) -> dict[str, str]:
    """Return the target in force as the form's values, or values to begin with."""
    if found is None:
        return {"cash": "5", "absolute_band": "5"}
    rows = found.as_target().weights.items()
    return {
        "weights": "\n".join(f"{symbol} {_percent(weight)}" for symbol, weight in rows),
        "cash": _percent(found.cash),
        "absolute_band": _percent(found.absolute_band),
        "relative_band": _percent(found.relative_band),
        "order_minimum": f"{found.order_minimum.normalize():f}" if found.order_minimum else "",
        "cash_kept": f"{found.cash_kept.normalize():f}" if found.cash_kept else "",
    }


def _target_page(
    request: HttpRequest, *, form: TargetForm | None = None, status: int = 200
) -> HttpResponse:
    user = actor_of(request)
    chosen = portfolio_needed(user, request.session)
    found = target_get(user, chosen.id)
    context: dict[str, Any] = {
        "portfolio": chosen,
        "target": found,
        "form": form or TargetForm(initial=_typed(found)),
        "batches": batch_list(user, chosen.id)[:RECENT],
    }
    if found is not None:
        try:
            portfolio = portfolio_get(user, chosen.id)
            context["drift"] = drift_read(portfolio, found.as_target())
        except DomainError as error:
            context["problem"] = error
    return render(request, "portal/target.html", context, status=status)
