"""Commands on portfolios."""

from django.conf import settings

from apps.audit.services import Actor, emit
from apps.core.commands import command
from apps.core.domain.money import MINOR_UNITS
from apps.core.errors import Conflict, InvalidInput, NotPermitted, Refused
from apps.trading.models import Portfolio
from apps.users.domain.roles import Role
from apps.users.models import User

MAX_NAME_LENGTH = 100


@command
def portfolio_open(
    *, actor: Actor | None, client: User, name: str, currency: str = "USD", mode: str = "PAPER"
) -> Portfolio:
    """Open an empty portfolio for the client and return it.

    Raises NotPermitted for a user who is no client, InvalidInput, Conflict `portfolio_name_taken`,
    and Refused `portfolio_limit` beyond settings.MAX_PORTFOLIOS_PER_CLIENT.
    """
    if not client.has_role(Role.CLIENT):
        raise NotPermitted("Only clients have portfolios.")
    name = name.strip()
    if not name or len(name) > MAX_NAME_LENGTH:
        raise InvalidInput(f"A name has 1 to {MAX_NAME_LENGTH} characters.", field="name")
    if currency not in MINOR_UNITS:
        raise InvalidInput("Unknown currency.", field="currency")
    if mode not in Portfolio.Mode.values:
        raise InvalidInput("A portfolio is PAPER or LIVE.", field="mode")
    if client.reach not in {"", mode}:
        raise NotPermitted("The API key is not for portfolios of this mode.", code="key_mode")
    # The client's row is the lock under which the limit is counted.
    User.objects.select_for_update(no_key=True).get(id=client.id)
    mine = Portfolio.objects.filter(client=client)
    if mine.filter(name=name).exists():
        raise Conflict("You have a portfolio of that name.", code="portfolio_name_taken")
    limit = settings.MAX_PORTFOLIOS_PER_CLIENT
    if (count := mine.count()) >= limit:
        raise Refused(
            f"A client has at most {limit} portfolios.",
            code="portfolio_limit",
            limit=str(limit),
            measured=str(count),
        )
    portfolio = Portfolio(client=client, name=name, currency=currency, mode=mode)
    portfolio.save(force_insert=True)
    emit(portfolio.opened(), actor=actor)
    return portfolio
