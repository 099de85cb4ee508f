"""Bringing a portfolio back to its targets: in its bands, or with the reason why not."""

from decimal import ROUND_FLOOR, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.errors import InvalidInput, Refused
from apps.trading.domain.costs import BasisPointCommission
from apps.trading.domain.orders import Side
from apps.trading.domain.rebalancing import Holding, Proposal, Reason, Target, Terms, propose

D = Decimal
ZERO = D(0)


def terms(bps: str = "5", minimum: str = "0", buffer: str = "0.02") -> Terms:
    return Terms(
        currency="USD",
        commission=BasisPointCommission(bps=D(bps), minimum=D(minimum)),
        hold_buffer=D(buffer),
    )


def holding(symbol: str, units: str, price: str = "100", lot: str = "1", free: str = "") -> Holding:
    return Holding(
        symbol=symbol,
        units=D(units),
        free=D(free or units),
        bid=D(price),
        ask=D(price),
        last=D(price),
        lot_size=D(lot),
    )


def target(weights: dict[str, str], cash: str = "0", **more: Any) -> Target:
    band = D(more.pop("band", "0.05"))
    return Target(
        weights={one: D(weight) for one, weight in weights.items()},
        cash=D(cash),
        absolute_band=band,
        **more,
    )


def orders(proposal: Proposal) -> list[tuple[str, str | None, Decimal]]:
    return [(str(line.side), line.symbol, line.units) for line in proposal.orders]


def test_portfolio_within_its_bands_is_left_alone() -> None:
    held = [holding("AAPL", "63"), holding("MSFT", "37")]

    proposal = propose(
        held, target({"AAPL": "0.6", "MSFT": "0.4"}), cash=ZERO, held_cash=ZERO, terms=terms()
    )

    assert proposal.orders == []
    assert {line.reasons for line in proposal.lines} == {(Reason.WITHIN_BAND,)}


def test_portfolio_outside_sells_before_it_buys_and_holds_what_a_purchase_may_cost() -> None:
    held = [holding("MSFT", "30"), holding("AAPL", "70")]

    proposal = propose(
        held, target({"AAPL": "0.5", "MSFT": "0.5"}), cash=ZERO, held_cash=ZERO, terms=terms()
    )

    # 20 sold bring 1,999; 19 bought at 102 at most with their fees hold 1,938.97.
    assert orders(proposal) == [("SELL", "AAPL", D(20)), ("BUY", "MSFT", D(19))]
    assert proposal.lines[1].reasons == (Reason.OUTSIDE_BAND, Reason.NOT_ENOUGH_CASH)


def test_relative_band_is_narrower_for_small_weights() -> None:
    held = [holding("AAPL", "92"), holding("MSFT", "8")]
    wide = target({"AAPL": "0.9", "MSFT": "0.1"})
    narrow = target({"AAPL": "0.9", "MSFT": "0.1"}, relative_band=D("0.1"))

    assert propose(held, wide, cash=ZERO, held_cash=ZERO, terms=terms()).orders == []
    assert propose(held, narrow, cash=ZERO, held_cash=ZERO, terms=terms()).orders


def test_holding_without_a_target_is_sold_and_cash_is_kept() -> None:
    held = [holding("AAPL", "0"), holding("XOM", "10")]

    proposal = propose(
        held,
        target({"AAPL": "1"}, cash_kept=D(500), order_minimum=D(50)),
        cash=D(1000),
        held_cash=ZERO,
        terms=terms(),
    )

    assert orders(proposal) == [("SELL", "XOM", D(10)), ("BUY", "AAPL", D(14))]
    assert Reason.CASH_KEPT in proposal.lines[0].reasons


def test_units_that_an_order_holds_are_not_sold() -> None:
    held = [holding("AAPL", "10", free="2"), holding("MSFT", "0")]

    proposal = propose(held, target({"MSFT": "1"}), cash=ZERO, held_cash=ZERO, terms=terms())

    assert orders(proposal)[0] == ("SELL", "AAPL", D(2))
    assert Reason.HELD_BY_ORDERS in proposal.lines[0].reasons


@pytest.mark.parametrize(
    ("weights", "cash"),
    [
        ({"AAPL": "0.6"}, "0.3"),
        ({"AAPL": "1.1"}, "-0.1"),
        ({"AAPL": "0"}, "1"),
        ({}, "1"),
        ({"AAPL": "0.3333333"}, "0.6666667"),
    ],
)
def test_target_that_is_no_whole_is_refused(weights: dict[str, str], cash: str) -> None:
    with pytest.raises(InvalidInput):
        target(weights, cash)


def test_empty_portfolio_has_nothing_to_divide() -> None:
    with pytest.raises(Refused):
        propose(
            [holding("AAPL", "0")], target({"AAPL": "1"}), cash=ZERO, held_cash=ZERO, terms=terms()
        )


prices = st.sampled_from(["0.37", "1", "9.99", "100", "1234.56"])


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Holding], Target, Decimal, Decimal]:
    count = draw(st.integers(1, 5))
    parts = draw(st.lists(st.integers(0, 20), min_size=count + 1, max_size=count + 1))
    parts[0] = max(parts[0], 1)
    total = sum(parts)
    weights = [(D(part) / total).quantize(D("0.0001"), ROUND_FLOOR) for part in parts[:count]]
    held = []
    for number in range(count):
        units = draw(st.integers(0, 500))
        lot = draw(st.sampled_from(["1", "1", "10", "0.001"]))
        units = units // 10 * 10 if lot == "10" else units
        free = draw(st.sampled_from([units, units, units // 2]))
        held.append(holding(f"S{number}", str(units), draw(prices), lot, str(free)))
    chosen = {f"S{number}": weight for number, weight in enumerate(weights) if weight}
    wanted = Target(
        weights=chosen,
        cash=1 - sum(chosen.values(), ZERO),
        absolute_band=draw(st.sampled_from([D("0.01"), D("0.05"), D("0.2")])),
        relative_band=draw(st.sampled_from([None, D("0.25")])),
        order_minimum=draw(st.sampled_from([ZERO, D(100)])),
        cash_kept=draw(st.sampled_from([ZERO, D(1000)])),
    )
    cash = draw(st.decimals(0, 100000, places=2))
    return held, wanted, cash, draw(st.sampled_from([ZERO, D(250)]))


EXPLAIN = {
    Reason.LOT_SIZE,
    Reason.ORDER_MINIMUM,
    Reason.HELD_BY_ORDERS,
    Reason.NOT_ENOUGH_CASH,
    Reason.CASH_KEPT,
}


@given(situation=situations(), bps=st.sampled_from(["0", "5", "100"]))
@settings(max_examples=300, deadline=None)
def test_after_the_fills_each_part_is_in_its_band_or_says_why_not(
    situation: tuple[list[Holding], Target, Decimal, Decimal], bps: str
) -> None:
    held, wanted, cash, held_cash = situation
    costs = terms(bps=bps, minimum="1")
    if sum((one.value for one in held), cash + held_cash) <= 0:
        return
    proposal = propose(held, wanted, cash=cash, held_cash=held_cash, terms=costs)
    known = {one.symbol: one for one in held}

    sides = [line.side for line in proposal.orders]
    assert sides == sorted(sides, key=lambda side: side is Side.BUY)
    spent = sum((line.cost for line in proposal.orders if line.side is Side.BUY), ZERO)
    brought = sum((line.cost for line in proposal.orders if line.side is Side.SELL), ZERO)
    assert spent <= cash + brought
    if spent:
        assert cash + brought - spent + held_cash >= wanted.cash_kept
    for line in proposal.lines[:-1]:
        one = known[str(line.symbol)]
        assert line.units % one.lot_size == 0
        assert line.side is not Side.SELL or line.units <= one.free
        assert line.side is None or line.units * line.price >= wanted.order_minimum
        sign = {Side.BUY: 1, Side.SELL: -1, None: 0}[line.side]
        weight = (one.value + sign * line.units * line.price) / proposal.total
        if abs(weight - line.target) > line.band:
            assert EXPLAIN & set(line.reasons), line
        if Reason.LOT_SIZE in line.reasons and not {Reason.CASH_KEPT, Reason.ORDER_MINIMUM} & set(
            line.reasons
        ):
            assert abs(weight - line.target) * proposal.total < one.lot_size * one.last
