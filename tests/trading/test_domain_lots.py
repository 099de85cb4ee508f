from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.core.errors import InvalidInput, Refused
from apps.trading.domain.lots import LotMethod, OpenLot, sell
from tests.cases import load_case

BOOKING = load_case("b01_lot_booking")
GAINS = load_case("p03_fifo_vs_moving_average")
AVERAGE = load_case("r01_acb_sequence")
START = datetime(2020, 1, 1, tzinfo=UTC)
D = Decimal


def lot(key: str, quantity: str, cost: str, day: int = 0) -> OpenLot:
    return OpenLot(
        key=key,
        acquired_at=START + timedelta(days=day),
        quantity=D(quantity),
        cost=D(cost),
    )


BOOKING_LOTS = [
    OpenLot(
        key=str(number),
        acquired_at=datetime.fromisoformat(raw["date"]).replace(tzinfo=UTC),
        quantity=D(raw["units"]),
        cost=D(raw["units"]) * D(raw["cost"]),
    )
    for number, raw in enumerate(BOOKING["inputs"]["lots"])
]


@pytest.mark.parametrize(
    ("method", "quantity"),
    [(method, units) for method, sales in BOOKING["expected"].items() for units in sales],
)
def test_sell_agrees_with_beancounts_booking(method: str, quantity: str) -> None:
    expected = BOOKING["expected"][method][quantity]
    if isinstance(expected, str):
        with pytest.raises(Refused) as refusal:
            sell(BOOKING_LOTS, D(quantity), LotMethod(method))
        assert refusal.value.code == "insufficient_lots"
        return

    sale = sell(BOOKING_LOTS, D(quantity), LotMethod(method))

    taken = [(part.quantity, part.cost / part.quantity) for part in sale.consumed]
    assert taken == [(D(units), D(cost)) for units, cost in expected]


@pytest.mark.parametrize(("name", "method"), [("fifo", "FIFO"), ("moving_average", "AVERAGE")])
def test_sell_agrees_with_portfolio_performance(name: str, method: str) -> None:
    expected, close = GAINS["expected"][name], D(str(GAINS["tolerance"]))
    first, second, sold = GAINS["inputs"]["trades"]
    lots = [lot("1", first[2], first[3], day=1), lot("2", second[2], second[3], day=2)]

    sale = sell(lots, D(sold[2]), LotMethod(method))

    left = sum((rest.cost for rest in sale.lots), D(0))
    units = sum((rest.quantity for rest in sale.lots), D(0))
    assert abs(left - D(expected["remaining_cost"])) < close
    assert abs(sale.realised(D(sold[3])) - D(expected["realized"])) < close
    unrealised = units * D(GAINS["inputs"]["price"][1]) - left
    assert abs(unrealised - D(expected["unrealized"])) < close


def test_sell_by_average_agrees_with_rotki_also_beyond_what_is_held() -> None:
    lots: tuple[OpenLot, ...] = ()
    expected = AVERAGE["expected"]
    missing = []
    for number, (side, raw_units, raw_price) in enumerate(AVERAGE["inputs"]["steps"]):
        units, price, profit = D(raw_units), D(raw_price), D(0)
        if side == "BUY":
            lots = (*lots, lot(str(number), raw_units, str(units * price), day=number))
        else:
            if units > sum(rest.quantity for rest in lots):
                with pytest.raises(Refused) as refusal:
                    sell(lots, units, LotMethod.AVERAGE)
                missing.append([f"{raw_units} sale", refusal.value.facts["missing"]])
            sale = sell(lots, units, LotMethod.AVERAGE, may_miss=True)
            lots, profit = sale.lots, sale.realised(units * price)
            assert missing[-1:] == [[f"{raw_units} sale", str(sale.missing)]] or not sale.missing

        assert profit == D(expected["pnl"][number])
        assert sum(rest.cost for rest in lots) == D(expected["total_cost"][number])
        assert sum(rest.quantity for rest in lots) == D(expected["amount"][number])

    assert missing == expected["missing"]


def test_sell_highest_in_first_out_takes_the_dearest_lot() -> None:
    lots = [lot("cheap", "5", "50", 1), lot("dear", "5", "80", 2), lot("middle", "5", "60", 3)]

    sale = sell(lots, D(7), LotMethod.HIFO)

    assert [(part.key, part.quantity) for part in sale.consumed] == [
        ("dear", D(5)),
        ("middle", D(2)),
    ]


def test_sell_specific_takes_the_chosen_lots_then_the_oldest() -> None:
    lots = [lot("a", "5", "50", 1), lot("b", "5", "80", 2), lot("c", "5", "60", 3)]

    sale = sell(lots, D(11), LotMethod.SPECIFIC, chosen=["c", "b"])

    assert [(part.key, part.quantity) for part in sale.consumed] == [
        ("c", D(5)),
        ("b", D(5)),
        ("a", D(1)),
    ]


def test_sell_in_parts_leaves_no_crumb_of_cost() -> None:
    lots: tuple[OpenLot, ...] = (lot("a", "3", "10", 1),)
    cost = D(0)
    for _ in range(3):
        sale = sell(lots, D(1), LotMethod.FIFO)
        lots, cost = sale.lots, cost + sale.cost

    assert cost == 10
    assert [rest.cost for rest in lots] == [0]


def test_sell_of_nothing_takes_nothing_and_less_is_refused() -> None:
    lots = [lot("a", "3", "10", 1)]

    assert sell(lots, D(0), LotMethod.FIFO).consumed == ()
    assert sell([], D(0), LotMethod.AVERAGE).lots == ()
    with pytest.raises(InvalidInput):
        sell(lots, D(-1), LotMethod.FIFO)


def test_sell_last_in_first_out_of_lots_of_one_moment_keeps_one_order() -> None:
    lots = [lot("b", "2", "20", 1), lot("a", "2", "30", 1)]

    for given in (lots, lots[::-1]):
        sale = sell(given, D(3), LotMethod.LIFO)
        assert [part.key for part in sale.consumed] == ["a", "b"]
