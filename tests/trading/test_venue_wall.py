"""Paper and live are apart: in the types, in the constructors and in the database."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.core.errors import DomainError
from apps.trading.models import Execution, Order, Portfolio, VenueInstruction
from apps.trading.services import routing
from apps.trading.services.brackets import bracket_place, oco_place
from apps.trading.services.executions import execution_record
from apps.trading.services.portfolios import portfolio_open
from apps.trading.venues import PAPER_VENUE, live_venue, venue_of
from apps.trading.venues.alpaca.venue import AlpacaVenue
from apps.trading.venues.base import LiveOrder, PaperOrder, Venue, WrongMode
from apps.trading.venues.paper import PaperVenue
from tests.market.factories import put_quote
from tests.trading.alpaca_server import AlpacaServer
from tests.trading.factories import make_market, make_portfolio, place_order
from tests.trading.live import make_live_portfolio, place_and_send, place_live
from tests.users.factories import make_user

if TYPE_CHECKING:
    # Each line is an error to the type checker, which in turn refuses an ignore without one.
    def no_way_across(
        paper: PaperOrder, live: LiveOrder, venue: AlpacaVenue, simulated: PaperVenue
    ) -> None:
        venue.submit(paper)  # type: ignore[arg-type]
        venue.replace(paper)  # type: ignore[arg-type]
        venue.cancel(paper)  # type: ignore[arg-type]
        simulated.submit(live)  # type: ignore[arg-type]
        as_paper: Venue[PaperOrder] = venue  # type: ignore[assignment]
        as_live: Venue[LiveOrder] = simulated  # type: ignore[assignment]
        both: tuple[Venue[PaperOrder], Venue[LiveOrder]] = (simulated, venue)
        del as_paper, as_live, both


pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def paper_order() -> Order:
    make_market()
    portfolio = make_portfolio(cash="10000")
    return place_order(portfolio, order_type="LIMIT", limit_price="95", time_in_force="GTC")


@pytest.fixture
def live_order(broker: AlpacaServer) -> Order:
    return place_and_send(make_live_portfolio())


def test_order_of_one_mode_is_never_made_one_of_the_other(
    paper_order: Order, live_order: Order
) -> None:
    with pytest.raises(WrongMode):
        LiveOrder.of(paper_order, client_order_id="x", terms=paper_order.terms)
    with pytest.raises(WrongMode):
        PaperOrder.of(live_order)
    paper_order.mode = "LIVE"
    with pytest.raises(WrongMode):
        LiveOrder.of(paper_order, client_order_id="x", terms=paper_order.terms)


def refused_by_the_database(change: Any) -> str:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        change()
    return str(refused.value)


def test_database_keeps_an_order_in_the_mode_of_its_portfolio(paper_order: Order) -> None:
    def change_order() -> None:
        Order.objects.filter(id=paper_order.id).update(mode="LIVE")

    def change_portfolio() -> None:
        Portfolio.objects.filter(id=paper_order.portfolio_id).update(mode="LIVE")

    assert "trading_order_mode_of_portfolio" in refused_by_the_database(change_order)
    assert "trading_order_mode_of_portfolio" in refused_by_the_database(change_portfolio)


@pytest.mark.parametrize("mode", ["LIVE", "PAPER"])
def test_database_takes_no_instruction_about_a_paper_order(paper_order: Order, mode: str) -> None:
    def instruct() -> None:
        VenueInstruction.objects.create(
            order=paper_order,
            mode=mode,
            venue="ALPACA",
            kind="SUBMIT",
            client_order_id=str(paper_order.id),
            next_attempt_at=timezone.now(),
        )

    constraint = "trading_instruction_of_live_order" if mode == "LIVE" else "instruction_is_live"
    assert constraint in refused_by_the_database(instruct)


def test_database_takes_executions_from_the_orders_own_venue_alone(
    paper_order: Order, live_order: Order
) -> None:
    for order, venue in ((paper_order, "ALPACA"), (live_order, "PAPER")):
        said = refused_by_the_database(
            lambda order=order, venue=venue: execution_record(
                order_id=order.id,
                venue=venue,
                venue_execution_id="1",
                quantity=D(1),
                price=D(95),
            )
        )
        assert "trading_execution_mode_of_order" in said
    assert not Execution.objects.exists()


def test_quotes_do_not_touch_live_orders(live_order: Order) -> None:
    put_quote("AAPL", "90", "91", last="90", volume="1000000")

    assert routing.quotes_match(symbols=["AAPL"]) == 0
    routing.order_route(order_id=live_order.id)
    routing.orders_expire()

    live_order.refresh_from_db()
    assert (live_order.status, live_order.filled_quantity) == ("NEW", 0)


def test_paper_order_reaches_no_broker(broker: AlpacaServer, paper_order: Order) -> None:
    place_live(make_live_portfolio())
    put_quote("AAPL", "94", "95", last="95", volume="1000000")

    routing.order_route(order_id=paper_order.id)

    paper_order.refresh_from_db()
    assert paper_order.status == "FILLED"
    assert not paper_order.instructions.exists()
    assert not broker.requests


def test_mode_has_its_own_venue(broker: AlpacaServer) -> None:
    assert venue_of("PAPER") is PAPER_VENUE
    assert venue_of("LIVE") is live_venue()


def test_paper_venue_agrees_to_everything_at_once(paper_order: Order) -> None:
    order = PaperOrder.of(paper_order)

    answers = [ask(order).status for ask in (PAPER_VENUE.submit, PAPER_VENUE.replace)]

    assert answers == ["WORKING", "REPLACED"]
    assert PAPER_VENUE.cancel(order).status == "CANCELED"


def test_live_portfolio_is_in_a_currency_of_the_venue(broker: AlpacaServer) -> None:
    client = make_user()

    with pytest.raises(DomainError) as refused:
        portfolio_open(actor=client, client=client, name="A", mode="LIVE", currency="EUR")

    assert refused.value.code == "currency_not_at_venue"
    assert not Portfolio.objects.exists()


@pytest.mark.parametrize("place", [bracket_place, oco_place], ids=["bracket", "oco"])
def test_live_orders_stand_alone(broker: AlpacaServer, place: Any) -> None:
    portfolio = make_live_portfolio()
    terms = {"order_type": "MARKET"} if place is bracket_place else {}

    with pytest.raises(DomainError) as refused:
        place(
            actor=portfolio.client,
            portfolio_id=portfolio.id,
            symbol="AAPL",
            quantity=D(1),
            take_profit_price=D(110),
            stop_loss_price=D(90),
            client_order_id="a",
            **terms,
        )

    assert refused.value.code == "not_at_live_venue"
    assert not Order.objects.exists()
