"""Commands on portfolios."""

from uuid import UUID

from django.conf import settings
from django.utils import timezone

from apps.audit.services import Actor, emit
from apps.core.commands import command
from apps.core.domain.money import MINOR_UNITS
from apps.core.errors import Conflict, InvalidInput, NotPermitted, Refused
from apps.ledger.domain.legs import FLOORED_KINDS
from apps.ledger.selectors import balances_of
from apps.trading.models import CashTransfer, Charge, InvestmentPlan, Order, Portfolio
from apps.trading.venues import venue_of
from apps.users.domain.roles import Role
from apps.users.models import User

MAX_NAME_LENGTH = 100


@command
def portfolio_open(
    *,
    actor: Actor | None,
    client: User,
    name: str,
    currency: str = "USD",
    mode: str = "PAPER",
    lot_method: str = "FIFO",
) -> Portfolio:
    """Open an empty portfolio for the client and return it.

    Raises NotPermitted for a user who is no client, InvalidInput, Conflict `portfolio_name_taken`,
    Refused `live_not_available` where no venue of the mode is configured, `currency_not_at_venue`,
    and `portfolio_limit` beyond settings.MAX_PORTFOLIOS_PER_CLIENT that are open.
    """
    if not client.has_role(Role.CLIENT):
        raise NotPermitted("Only clients have portfolios.")
    if currency not in MINOR_UNITS:
        raise InvalidInput("Unknown currency.", field="currency")
    if mode not in Portfolio.Mode.values:
        raise InvalidInput("A portfolio is PAPER or LIVE.", field="mode")
    if lot_method not in Portfolio.LotMethod.values:
        raise InvalidInput("There is no such lot method.", field="lot_method")
    if client.reach not in {"", mode}:
        raise NotPermitted("The API key is not for portfolios of this mode.", code="key_mode")
    if not venue_of(mode).settles(currency):
        raise Refused(
            "The live venue does not settle in this currency.",
            code="currency_not_at_venue",
            measured=currency,
        )
    name = _free_name(client, name)
    limit = settings.MAX_PORTFOLIOS_PER_CLIENT
    if (count := Portfolio.objects.open().filter(client=client).count()) >= limit:
        raise Refused(
            f"A client has at most {limit} portfolios.",
            code="portfolio_limit",
            limit=str(limit),
            measured=str(count),
        )
    portfolio = Portfolio(
        client=client, name=name, currency=currency, mode=mode, lot_method=lot_method
    )
    portfolio.save(force_insert=True)
    emit(portfolio.opened(), actor=actor)
    return portfolio


@command
def portfolio_rename(*, actor: User, portfolio_id: UUID, name: str) -> Portfolio:
    """Give the actor's portfolio another name; its own name again changes nothing.

    Raises NotFound, InvalidInput, Conflict `portfolio_name_taken` and `portfolio_closed`.
    """
    # In the order in which opening one takes its locks: the client's row first.
    name = _free_name(actor, name, own=portfolio_id)
    portfolio = Portfolio.objects.owned_by(actor).locked(portfolio_id)
    if portfolio.name != name:
        event = portfolio.rename(name)
        portfolio.save(update_fields=["name", "updated_at"])
        emit(event, actor=actor)
    return portfolio


@command
def portfolio_close(*, actor: User, portfolio_id: UUID) -> Portfolio:
    """Close an empty portfolio of the actor's for good; a closed one stays as it is.

    Raises NotFound and Refused `portfolio_not_empty`, whose fact `left` says what is in it.
    """
    portfolio = Portfolio.objects.owned_by(actor).locked(portfolio_id, may_be_closed=True)
    if portfolio.is_closed:
        return portfolio
    left = _left_in(portfolio)
    if left:
        raise Refused(f"The portfolio is not empty: {left}.", code="portfolio_not_empty", left=left)
    event = portfolio.close(at=timezone.now())
    portfolio.save(update_fields=["closed_at", "updated_at"])
    emit(event, actor=actor)
    return portfolio


def _free_name(client: User, name: str, *, own: UUID | None = None) -> str:
    """Return the name as it is kept; the client's row is the lock under which names are compared.

    Raises InvalidInput and Conflict.
    """
    name = name.strip()
    if not name or len(name) > MAX_NAME_LENGTH:
        raise InvalidInput(f"A name has 1 to {MAX_NAME_LENGTH} characters.", field="name")
    User.objects.select_for_update(no_key=True).get(id=client.id)
    taken = Portfolio.objects.open().filter(client=client, name=name).values_list("id", flat=True)
    if set(taken) - {own}:
        raise Conflict("You have a portfolio of that name.", code="portfolio_name_taken")
    return name


def _left_in(portfolio: Portfolio) -> str:
    """Return in words what keeps the portfolio from being closed, or nothing."""
    for row in balances_of(portfolio.id):
        if row.balance and row.kind in FLOORED_KINDS:
            return f"{row.balance.normalize():f} {row.asset}"
    if Order.objects.open().filter(portfolio=portfolio).exists():
        return "an open order"
    if InvestmentPlan.objects.filter(portfolio=portfolio).exclude(status="ENDED").exists():
        return "a plan"
    if CashTransfer.objects.filter(portfolio=portfolio, status="PENDING").exists():
        return "a transfer of the bank on its way"
    if Charge.objects.filter(portfolio=portfolio, status="DUE").exists():
        return "a fee that is due"
    return ""
