"""Live portfolios and their orders, and the workers that carry them to the venue."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from apps.audit.services import outbox_deliver
from apps.infrastructure.resilience import breaker
from apps.trading.models import Order, Portfolio, VenueAccount, VenueInstruction
from apps.trading.services.portfolios import portfolio_open
from apps.trading.services.sending import instruction_attempt
from apps.trading.services.venue_accounts import account_bind
from apps.trading.services.venue_sync import venue_sync
from tests.trading.alpaca_server import ACCOUNT_ID, AlpacaServer
from tests.trading.factories import fund, make_market, place_order
from tests.users.factories import make_user


def make_live_portfolio(cash: str = "10000") -> Portfolio:
    """Open a live USD portfolio with that much cash, and a market at 100."""
    make_market()
    client = make_user()
    portfolio = portfolio_open(actor=client, client=client, name="Live", mode="LIVE")
    fund(portfolio, cash)
    account_bind(venue="ALPACA", account_id=ACCOUNT_ID, environment="PAPER")
    return portfolio


def place_live(portfolio: Portfolio, **terms: Any) -> Order:
    """Place a GTC limit purchase of ten AAPL at 100, unless told, and have its instruction made."""
    defaults = {
        "order_type": "LIMIT",
        "quantity": "10",
        "limit_price": "100",
        "time_in_force": "GTC",
    }
    if terms.get("order_type") == "MARKET":
        del defaults["limit_price"]
    order = place_order(portfolio, **{**defaults, **terms})
    outbox_deliver(context="trading")
    return order


def wake() -> None:
    """Let every pause be over: of instructions, of the venue, of the breaker."""
    VenueInstruction.objects.pending().update(next_attempt_at=timezone.now())
    VenueAccount.objects.update(paused_until=None)
    breaker(f"alpaca:{settings.ALPACA['url'].removeprefix('http://')}").close()


def attempt(order: Order) -> VenueInstruction:
    """Let a worker try the order's oldest waiting instruction once, and return it."""
    wake()
    first = order.instructions.pending().order_by("created_at").first()
    assert first is not None
    instruction_attempt(instruction_id=first.id)
    first.refresh_from_db()
    return first


def send(order: Order, *, tries: int = 60) -> Order:
    """Let workers try until nothing of the order waits; as often as it takes, within reason."""
    outbox_deliver(context="trading")
    for _ in range(tries):
        if not order.instructions.pending().exists():
            break
        attempt(order)
    assert not order.instructions.pending().exists()
    outbox_deliver(context="trading")
    return fresh(order.id)


def place_and_send(portfolio: Portfolio, **terms: Any) -> Order:
    return send(place_live(portfolio, **terms))


def sync() -> None:
    wake()
    assert venue_sync()


def fresh(order_id: UUID) -> Order:
    return Order.objects.get(id=order_id)


def single(server: AlpacaServer) -> dict[str, Any]:
    """Return the one order that the venue has."""
    assert len(server.orders) == 1
    return next(iter(server.orders.values()))
