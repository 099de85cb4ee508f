"""Cash and units from the chosen portfolio to another of the client's."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render

from apps.core.domain.money import MINOR_UNITS, Money
from apps.core.errors import DomainError
from apps.infrastructure.api.problems import domain_status
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balances_of
from apps.portal.domain import figures
from apps.portal.forms.rebalancing import MoveForm
from apps.portal.forms.tokens import seal, unseal
from apps.portal.selectors.portfolios import portfolio_choices, portfolio_needed
from apps.portal.views.access import client_page
from apps.trading.selectors.transfers import portfolio_transfer_list
from apps.trading.services.transfers import cash_move, units_move
from apps.users.actors import actor_of

PURPOSE = "portfolio-transfer"
RECENT = 20
FREE = frozenset({AccountKind.CASH, AccountKind.SECURITIES})


@client_page("GET", "HEAD", "POST")
def transfer(request: HttpRequest) -> HttpResponseBase:
    user = actor_of(request)
    portfolio = portfolio_needed(user, request.session)
    targets = [
        (str(choice.id), f"{choice.name} ({choice.currency})")
        for choice in portfolio_choices(user)
        if choice.id != portfolio.id and choice.mode == portfolio.mode and not choice.is_closed
    ]
    assets = [
        (row.asset, f"{row.asset}: {figures.plain(row.balance)} free")
        for row in balances_of(portfolio.id)
        if row.kind in FREE and row.balance
    ]
    status = 200
    key = seal(PURPOSE, user.pk, [str(portfolio.id), uuid4().hex])
    form = MoveForm(targets=targets, assets=assets, initial={"key": key})
    if request.method == "POST":
        form, status = MoveForm(request.POST, targets=targets, assets=assets), 400
        if form.is_valid():
            try:
                source_id, token = unseal(PURPOSE, user.pk, form.cleaned_data["key"])
                _move(request, UUID(source_id), f"portal-{token}", form)
            except DomainError as error:
                form.refuse(error.message, error.facts.get("field"))
                status = domain_status(error)
            else:
                messages.success(request, "It was moved to your other portfolio.")
                return redirect("portal:transfer")
        # The attempt changed nothing, so the corrected one is a new transfer.
        form.data = {**request.POST.dict(), "key": key}
    context = {
        "form": form,
        "portfolio": portfolio,
        "can_move": bool(targets and assets),
        "moved": portfolio_transfer_list(user, portfolio.id)[:RECENT],
    }
    return render(request, "portal/move.html", context, status=status)


def _move(request: HttpRequest, source_id: UUID, key: str, form: MoveForm) -> None:
    values, actor = form.cleaned_data, actor_of(request)
    asset, target_id = values["asset"], UUID(values["target"])
    if asset in MINOR_UNITS:
        cash_move(
            actor=actor,
            source_id=source_id,
            target_id=target_id,
            amount=Money.of(values["quantity"], asset),
            idempotency_key=key,
        )
        return
    units_move(
        actor=actor,
        source_id=source_id,
        target_id=target_id,
        symbol=asset,
        quantity=values["quantity"],
        idempotency_key=key,
    )
