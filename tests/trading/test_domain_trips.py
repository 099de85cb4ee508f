"""Round trips, by published cases."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from apps.core.errors import InvalidInput
from apps.trading.domain.orders import Side
from apps.trading.domain.trips import TripFill, round_trips
from tests.cases import load_case

CASE = load_case("p05_trades_long_short")
CLOSE = CASE["tolerance"]
D = Decimal


def fill(day: str, side: str, quantity: Any, price: Any, fees: Any = 0) -> TripFill:
    return TripFill(
        date=date.fromisoformat(day),
        side=Side(side),
        quantity=D(str(quantity)),
        price=D(str(price)),
        fees=D(str(fees)),
    )


@pytest.mark.parametrize(
    "scenario", CASE["inputs"]["scenarios"], ids=lambda scenario: scenario["name"]
)
def test_round_trips_agree_with_portfolio_performance(scenario: dict[str, Any]) -> None:
    mark = None
    if "mark" in scenario:
        day, price = scenario["mark"]
        mark = (date.fromisoformat(day), D(str(price)))

    trips = round_trips([fill(*row) for row in scenario["fills"]], mark=mark)

    assert len(trips) == len(scenario["expected"])
    for trip, expected in zip(trips, scenario["expected"], strict=True):
        assert trip.is_closed is expected["closed"]
        assert float(trip.profit) == pytest.approx(expected["pnl"], abs=CLOSE)
        assert float(trip.quantity) == expected.get("shares", float(trip.quantity))
        if "ret" in expected:
            assert float(trip.gain or 0) == pytest.approx(expected["ret"], abs=CLOSE)
        if "irr" in expected:
            assert trip.irr == pytest.approx(expected["irr"], abs=CLOSE)


def test_round_trips_of_a_fill_through_zero_close_one_side_and_open_the_other() -> None:
    fills = [fill("2024-01-01", "BUY", 5, 10), fill("2024-06-01", "SELL", 8, 12)]

    trips: Any = round_trips(fills, mark=(date(2024, 7, 1), D(11)))

    closed, still_open = trips
    assert (closed.is_long, closed.quantity, closed.profit) == (True, D(5), D(10))
    assert (still_open.is_long, still_open.quantity, still_open.profit) == (False, D(3), D(3))
    assert still_open.started == date(2024, 6, 1)


def test_round_trips_share_fees_by_units() -> None:
    fills = [fill("2024-01-01", "BUY", 4, 10, 4), fill("2024-06-01", "SELL", 2, 12, 1)]

    (trip,) = round_trips(fills)

    assert (trip.entry, trip.exit, trip.profit) == (D(22), D(23), D(1))


def test_round_trips_without_a_mark_leave_open_units_out() -> None:
    assert round_trips([fill("2024-01-01", "BUY", 5, 10)]) == []


def test_round_trips_of_no_units_are_refused() -> None:
    with pytest.raises(InvalidInput):
        round_trips([fill("2024-01-01", "BUY", 0, 10)])


@pytest.mark.parametrize(
    ("sold_on", "price"), [("2024-01-01", 12), ("2024-06-01", 0)], ids=["same day", "all lost"]
)
def test_round_trip_without_a_yearly_rate_says_so(sold_on: str, price: int) -> None:
    fills = [fill("2024-01-01", "BUY", 5, 10), fill(sold_on, "SELL", 5, price)]

    (trip,) = round_trips(fills)

    assert (trip.irr, trip.profit) == (None, D(5 * price - 50))
