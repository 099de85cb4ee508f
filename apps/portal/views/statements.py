"""Statements of the client's accounts: looked at, and kept as a file."""

from datetime import timedelta
from itertools import islice
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone

from apps.core.domain.dates import DateRange
from apps.core.errors import DomainError
from apps.infrastructure.api.problems import domain_status
from apps.infrastructure.attachments import as_attachment
from apps.ledger.domain.legs import FLOORED_KINDS, AccountKind
from apps.ledger.selectors import STATEMENT_FORMS, balances_of, statement_bytes, statement_read
from apps.portal.forms.statements import StatementForm
from apps.portal.selectors.activity import ACCOUNT_WORDS
from apps.portal.selectors.portfolios import PortfolioChoice, portfolio_needed
from apps.portal.views.access import client_page
from apps.trading.selectors.charges import accrued_in, charge_list
from apps.users.actors import actor_of

SHOWN, CHARGES_SHOWN = 100, 24
USUAL = timedelta(days=30)


@client_page()
def statements(request: HttpRequest) -> HttpResponseBase:
    portfolio = portfolio_needed(actor_of(request), request.session)
    form = _form(request, portfolio)
    today = timezone.now().date()
    context: dict[str, Any] = {
        "form": form,
        "portfolio": portfolio,
        "shown": SHOWN,
        "charges": charge_list(portfolio.id)[:CHARGES_SHOWN],
        "accrued": accrued_in(today.replace(day=1), today, portfolio.id),
    }
    status = 200
    if form.is_bound and not form.is_valid():
        status = 400
    elif form.is_bound:
        try:
            statement = _statement(form, portfolio)
        except DomainError as error:
            form.refuse(error.message, error.facts.get("field"))
            status = domain_status(error)
        else:
            context["statement"] = statement
            context["lines"] = list(islice(statement.lines(), SHOWN))
            context["query"] = request.GET.urlencode()
    return render(request, "portal/statements.html", context, status=status)


@client_page()
def statement_file(request: HttpRequest, form: str) -> HttpResponseBase:
    portfolio = portfolio_needed(actor_of(request), request.session)
    asked = _form(request, portfolio)
    if form not in STATEMENT_FORMS:
        raise Http404
    if not (asked.is_bound and asked.is_valid()):
        return redirect("portal:statements")
    statement = _statement(asked, portfolio)
    content = statement_bytes(statement, form, f"Statement of {portfolio.name}")
    days = statement.days
    return as_attachment(
        f"statement-{days.start}-{days.end}.{form}", STATEMENT_FORMS[form], content
    )


def _form(request: HttpRequest, portfolio: PortfolioChoice) -> StatementForm:
    accounts = [
        (f"{row.kind} {row.asset}", f"{ACCOUNT_WORDS[row.kind]}, {row.asset}")
        for row in balances_of(portfolio.id)
        if row.kind in FLOORED_KINDS
    ]
    today = timezone.now().date()
    asked = request.GET if "account" in request.GET else None
    return StatementForm(asked, accounts=accounts, initial={"start": today - USUAL, "end": today})


def _statement(form: StatementForm, portfolio: PortfolioChoice) -> Any:
    asked = form.cleaned_data
    kind, asset = asked["account"].split(" ")
    days = DateRange(asked["start"], asked["end"])
    return statement_read(portfolio.id, AccountKind(kind), asset, days)
