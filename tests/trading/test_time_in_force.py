"""How long orders live: by the venue's calendar, early closes included; at once or not at all."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.core.errors import Refused
from apps.market.domain import sessions
from apps.market.selectors import instrument_get, session_end, session_is_open
from apps.trading.models import Execution, Order, Portfolio
from apps.trading.services import routing
from tests.market.factories import put_quote
from tests.trading.factories import make_market, make_portfolio, place_order

pytestmark = pytest.mark.django_db
D = Decimal
# The day after Thanksgiving 2024: the exchange closed at 13:00 in New York.
EARLY_CLOSE = datetime.fromisoformat("2024-11-29T18:00:00+00:00")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.fixture
def portfolio(settings: Settings) -> Portfolio:
    settings.MARKET_PROVIDER = "alpaca"
    make_market()
    return make_portfolio(cash="100000")


def set_clock(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    """Set every clock that orders look at, and quote the price of that moment."""
    monkeypatch.setattr(timezone, "now", lambda: at)
    put_quote("AAPL", "100", "100", last="100", volume="1000000", at=at)


@pytest.mark.parametrize(
    ("placed", "ends"),
    [
        # Summer and winter time; a Friday evening waits for Monday's session.
        ("2024-07-02T15:00:00", "2024-07-02T20:00:00"),
        ("2024-12-02T15:00:00", "2024-12-02T21:00:00"),
        ("2024-12-06T22:00:00", "2024-12-09T21:00:00"),
        # Early closes: before Independence Day, after Thanksgiving, on Christmas Eve.
        ("2024-07-03T14:00:00", "2024-07-03T17:00:00"),
        ("2024-11-29T15:00:00", "2024-11-29T18:00:00"),
        ("2024-12-24T15:00:00", "2024-12-24T18:00:00"),
        # Placed after the early close, and on the holiday itself.
        ("2024-11-29T18:00:00", "2024-12-02T21:00:00"),
        ("2024-12-25T15:00:00", "2024-12-26T21:00:00"),
        # A day of mourning that no rule foretells.
        ("2025-01-09T15:00:00", "2025-01-10T21:00:00"),
    ],
)
def test_session_of_an_order_ends_with_the_exchange(
    portfolio: Portfolio, placed: str, ends: str
) -> None:
    assert session_end(instrument_get("AAPL"), utc(placed)) == utc(ends)


def test_day_order_ends_with_an_early_close_and_not_later(
    portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, EARLY_CLOSE - timedelta(minutes=30))
    day = place_order(portfolio, order_type="LIMIT", limit_price="99")
    kept = place_order(portfolio, order_type="LIMIT", limit_price="98", time_in_force="GTC")
    assert (day.expires_at, kept.expires_at) == (EARLY_CLOSE, None)
    assert routing.orders_expire() == 0

    set_clock(monkeypatch, EARLY_CLOSE)
    put_quote("AAPL", "90", "90", last="90", volume="1000000", at=EARLY_CLOSE)

    assert not session_is_open(instrument_get("AAPL"), EARLY_CLOSE)
    assert routing.quotes_match(symbols=["AAPL"]) == 0
    assert routing.orders_expire() == 1
    statuses = dict(Order.objects.values_list("id", "status"))
    assert statuses == {day.id: "EXPIRED", kept.id: "NEW"}
    assert not Execution.objects.exists()


def test_order_placed_while_closed_waits_for_the_open(
    portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, EARLY_CLOSE + timedelta(hours=1))
    order = place_order(portfolio)
    assert routing.order_route(order_id=order.id).status == "NEW"
    with pytest.raises(Refused) as refused:
        place_order(portfolio, time_in_force="IOC")
    assert refused.value.code == "session_closed"

    set_clock(monkeypatch, utc("2024-12-02T14:30:00"))

    assert sessions.is_open("XNAS", utc("2024-12-02T14:30:00"))
    assert routing.quotes_match(symbols=["AAPL"]) == 1
    order.refresh_from_db()
    assert order.status == "FILLED"


@pytest.mark.parametrize(
    ("time_in_force", "volume", "status", "filled"),
    [
        # A fill takes at most a quarter of the volume.
        ("IOC", "1000", "FILLED", 10),
        ("IOC", "20", "CANCELED", 5),
        ("IOC", "0", "CANCELED", 0),
        ("FOK", "1000", "FILLED", 10),
        ("FOK", "40", "FILLED", 10),
        ("FOK", "39", "CANCELED", 0),
    ],
)
@pytest.mark.parametrize("terms", [{}, {"order_type": "LIMIT", "limit_price": "100"}])
def test_immediate_order_takes_what_is_there_or_nothing(
    terms: dict[str, Any], time_in_force: str, volume: str, status: str, filled: int
) -> None:
    make_market(volume=volume)
    portfolio = make_portfolio(cash="100000")

    order = place_order(portfolio, quantity="10", time_in_force=time_in_force, **terms)
    done = routing.order_route(order_id=order.id)

    assert (done.status, done.filled_quantity, done.held_amount) == (status, filled, 0)
    assert done.reason_code == ("" if status == "FILLED" else "not_filled_at_once")


def test_immediate_order_that_the_price_does_not_reach_is_canceled() -> None:
    make_market()
    portfolio = make_portfolio(cash="100000")

    order = place_order(
        portfolio, order_type="LIMIT", limit_price="99", quantity="10", time_in_force="IOC"
    )

    assert routing.order_route(order_id=order.id).status == "CANCELED"
