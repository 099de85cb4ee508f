"""Deposits and withdrawals through the simulated bank."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render

from apps.core.domain.money import Money
from apps.core.errors import DomainError
from apps.infrastructure.api.problems import domain_status
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get
from apps.portal.domain import figures
from apps.portal.forms.cash import TransferForm, WithdrawalForm
from apps.portal.forms.tokens import seal, unseal
from apps.portal.selectors.portfolios import portfolio_needed
from apps.portal.views.access import client_page
from apps.trading.services import cash
from apps.users.actors import actor_of
from apps.users.step_up import step_up_required

PURPOSE = "transfer"
UNAVAILABLE = 503


def _new_key(user_id: UUID, portfolio_id: UUID) -> str:
    """Seal a fresh idempotency key together with the portfolio that the page showed."""
    return seal(PURPOSE, user_id, [str(portfolio_id), uuid4().hex])


@client_page("GET", "HEAD", "POST")
def deposit(request: HttpRequest) -> HttpResponseBase:
    return _transfer(
        request,
        form_class=TransferForm,
        move=lambda form, **terms: cash.deposit_receive(**terms),
        words={
            "title": "Deposit",
            "button": "Deposit from the simulated bank",
            "done": "{} was deposited.",
            "waits": "{} has arrived and is being processed.",
            "intro": "The simulated bank pays at once and as much as you ask.",
        },
    )


@client_page("GET", "HEAD", "POST")
@step_up_required
def withdraw(request: HttpRequest) -> HttpResponseBase:
    return _transfer(
        request,
        form_class=WithdrawalForm,
        move=lambda form, **terms: cash.withdrawal_request(payee=form.payee, **terms),
        words={
            "title": "Withdraw",
            "button": "Withdraw to the simulated bank",
            "done": "{} is on its way to the simulated bank.",
            "waits": "Your payment of {} is being processed.",
            "intro": "Only money that no open order holds can be withdrawn.",
        },
    )


def _transfer(
    request: HttpRequest,
    *,
    form_class: type[TransferForm],
    move: Callable[..., Any],
    words: dict[str, str],
) -> HttpResponseBase:
    user = actor_of(request)
    portfolio = portfolio_needed(user, request.session)
    status = 200
    if request.method == "POST":
        form = form_class(request.POST, currency=portfolio.currency)
        status = 400
        if form.is_valid():
            try:
                bound_to, key = unseal(PURPOSE, user.pk, form.cleaned_data["key"])
                money = Money.of(form.cleaned_data["amount"], portfolio.currency)
                transfer = move(
                    form,
                    actor=user,
                    portfolio_id=UUID(bound_to),
                    amount=money,
                    idempotency_key=f"portal-{key}",
                )
            except DomainError as error:
                form.refuse(error.message, error.facts.get("field"))
                status = domain_status(error)
            else:
                done = figures.amount(money.amount, money.currency)
                told = words["waits" if transfer.shown_status == "PENDING" else "done"]
                messages.success(request, told.format(done))
                return redirect("portal:dashboard")
        if status != UNAVAILABLE:
            # The attempt changed nothing, so the corrected one is a new transfer.
            data = request.POST.copy()
            data["key"] = _new_key(user.pk, portfolio.id)
            form.data = data
    else:
        form = form_class(
            currency=portfolio.currency, initial={"key": _new_key(user.pk, portfolio.id)}
        )
    available = balance_get(portfolio.id, AccountKind.CASH, portfolio.currency)
    context = {"form": form, "portfolio": portfolio, "words": words, "available": available}
    return render(request, "portal/transfer.html", context, status=status)
