from decimal import Decimal
from typing import Any

import pytest

from apps.trading.domain.costs import VolumeShareSlippage
from apps.trading.domain.fills import (
    BarMarket,
    Fill,
    FillModel,
    Market,
    Outcome,
    QuoteMarket,
    WorkingOrder,
)
from apps.trading.domain.orders import OrderType, Side, TimeInForce
from tests.cases import load_case

EQUITY_FILLS = load_case("l01_equity_fills")
VOLUME_SHARE = load_case("z01_volume_share_slippage")
D = Decimal


def quote(bid: str, ask: str, last: str, volume: str = "1000") -> QuoteMarket:
    return QuoteMarket(bid=D(bid), ask=D(ask), last=D(last), volume=D(volume))


def price(raw: dict[str, Any], name: str) -> Decimal | None:
    return D(raw[name]) if name in raw else None


def bar(raw: list[str]) -> BarMarket:
    opened, high, low, close = map(D, raw)
    return BarMarket(open=opened, high=high, low=low, close=close, volume=D(1_000_000))


@pytest.mark.parametrize("number", range(len(EQUITY_FILLS["inputs"]["orders"])))
def test_fill_model_agrees_with_leans_equity_fills(number: int) -> None:
    raw = EQUITY_FILLS["inputs"]["orders"][number]
    expected = EQUITY_FILLS["expected"]
    markets: list[Market] = [bar(item) for item in raw.get("bars", [])]
    markets += [quote(tick, tick, tick) for tick in raw.get("ticks", [])]
    is_triggered, fill, events = False, None, 0
    for market in markets:
        events += 1
        order = WorkingOrder(
            side=Side(raw["side"]),
            order_type=OrderType(raw["type"]),
            remaining=D(raw["qty"]),
            limit_price=price(raw, "limit"),
            stop_price=price(raw, "stop"),
            is_triggered=is_triggered,
        )
        outcome = FillModel().apply(order, market)
        is_triggered, fill = outcome.is_triggered, outcome.fill
        if fill:
            break

    assert events == expected["fill_on_event"][number]
    assert fill == Fill(D(expected["fill_qty"][number]), D(expected["fill_price"][number]))


@pytest.mark.parametrize("raw", VOLUME_SHARE["inputs"]["cases"])
def test_fill_model_agrees_with_ziplines_volume_share(raw: dict[str, Any]) -> None:
    model = VOLUME_SHARE["inputs"]["model"]
    close = D(raw["close"])
    order = WorkingOrder(
        side=Side.BUY if raw["order"] > 0 else Side.SELL,
        order_type=OrderType(raw["type"]),
        remaining=D(abs(raw["order"])),
        limit_price=price(raw, "limit"),
        stop_price=price(raw, "stop"),
    )
    market = BarMarket(open=close, high=close, low=close, close=close, volume=D(raw["volume"]))

    outcome = FillModel(
        slippage=VolumeShareSlippage(D(str(model["price_impact"]))),
        volume_share=D(str(model["volume_limit"])),
    ).apply(order, market)

    expected = Fill(D(abs(raw["fill"])), D(raw["price"])) if raw["fill"] else None
    assert outcome.fill == expected


@pytest.mark.parametrize(("side", "expected"), [(Side.BUY, "10.02"), (Side.SELL, "10.00")])
def test_market_order_on_a_quote_crosses_the_spread(side: Side, expected: str) -> None:
    order = WorkingOrder(side=side, order_type=OrderType.MARKET, remaining=D(5))

    outcome = FillModel().apply(order, quote("10.00", "10.02", "10.01"))

    assert outcome == Outcome(is_triggered=True, fill=Fill(D(5), D(expected)))


def test_market_buy_above_its_worst_price_waits() -> None:
    order = WorkingOrder(
        side=Side.BUY, order_type=OrderType.MARKET, remaining=D(5), worst_price=D("10.01")
    )

    assert FillModel().apply(order, quote("10.00", "10.02", "10.01")).fill is None


def test_limit_buy_below_the_ask_rests_and_at_the_ask_fills_at_the_better_price() -> None:
    order = WorkingOrder(
        side=Side.BUY, order_type=OrderType.LIMIT, remaining=D(5), limit_price=D("10.01")
    )

    assert FillModel().apply(order, quote("10.00", "10.02", "10.00")).fill is None
    fill = FillModel().apply(order, quote("9.90", "9.95", "9.90")).fill
    assert fill == Fill(D(5), D("9.95"))


def test_stop_limit_that_triggers_in_a_bar_closing_beyond_its_limit_rests_triggered() -> None:
    order = WorkingOrder(
        side=Side.BUY,
        order_type=OrderType.STOP_LIMIT,
        remaining=D(5),
        stop_price=D("101"),
        limit_price=D("101.5"),
    )

    outcome = FillModel().apply(order, bar(["100", "103", "100", "102"]))
    within = FillModel().apply(order, bar(["100", "103", "100", "101.2"]))

    assert outcome == Outcome(is_triggered=True, fill=None)
    assert within.fill == Fill(D(5), D("101.2"))


def test_fill_takes_whole_lots_of_its_share_of_the_volume() -> None:
    order = WorkingOrder(side=Side.BUY, order_type=OrderType.MARKET, remaining=D(50))
    model = FillModel(volume_share=D("0.1"), lot_size=D(5))

    assert model.apply(order, quote("10", "10", "10", volume="99")).fill == Fill(D(5), D(10))
    assert model.apply(order, quote("10", "10", "10", volume="40")).fill is None


def test_sale_whose_own_impact_leaves_no_price_does_not_fill() -> None:
    order = WorkingOrder(side=Side.SELL, order_type=OrderType.MARKET, remaining=D(1000))
    model = FillModel(slippage=VolumeShareSlippage(D("0.1")))

    assert model.apply(order, quote("10", "10", "10", volume="100")).fill is None
    fill = model.apply(order, quote("10", "10", "10", volume="1000")).fill
    assert fill == Fill(D(1000), D(9))


GAPS = {
    "buy stop": ({"stop": "101"}, ["103", "104", "102", "103.5"], "103"),
    "sell stop": ({"stop": "99"}, ["97", "98", "96", "97.5"], "97"),
    "buy stop, flat bar at it": ({"stop": "101"}, ["101", "101", "101", "101"], "101"),
    "buy limit": ({"limit": "101"}, ["99", "102", "98", "100"], "99"),
    "buy limit, touched": ({"limit": "101"}, ["103", "104", "101", "102"], "101"),
    "sell limit": ({"limit": "99"}, ["101", "102", "98", "100"], "101"),
    "sell limit, missed": ({"limit": "99"}, ["97", "98.99", "96", "97"], None),
    "buy stop limit, jumped over": (
        {"stop": "101", "limit": "102"},
        ["103", "104", "102.5", "103"],
        None,
    ),
    "sell stop limit, comes back": (
        {"stop": "99", "limit": "98"},
        ["97", "98.5", "96", "98.2"],
        "98.2",
    ),
}


@pytest.mark.parametrize("name", GAPS)
def test_fill_on_a_bar_that_gaps_is_at_the_open_where_the_price_was_not_to_be_had(
    name: str,
) -> None:
    prices, raw, expected = GAPS[name]
    order = WorkingOrder(
        side=Side(name.split(maxsplit=1)[0].upper()),
        order_type=OrderType("_".join(prices).upper()),
        remaining=D(5),
        limit_price=price(prices, "limit"),
        stop_price=price(prices, "stop"),
    )

    fill = FillModel().apply(order, bar(raw)).fill

    assert fill == (Fill(D(5), D(expected)) if expected else None)


def test_bar_without_volume_fills_nothing_of_a_shared_volume_but_triggers() -> None:
    order = WorkingOrder(side=Side.BUY, order_type=OrderType.STOP, remaining=D(5), stop_price=D(10))
    flat = BarMarket(open=D(10), high=D(10), low=D(10), close=D(10), volume=D(0))

    assert FillModel(volume_share=D("0.25")).apply(order, flat) == Outcome(
        is_triggered=True, fill=None
    )


def test_fill_or_kill_enough_volume_does_not_fill() -> None:
    order = WorkingOrder(
        side=Side.BUY,
        order_type=OrderType.MARKET,
        remaining=D(50),
        time_in_force=TimeInForce.FOK,
    )

    model = FillModel(volume_share=D("0.1"))
    assert model.apply(order, quote("10", "10", "10", volume="100")).fill is None
    assert model.apply(order, quote("10", "10", "10", volume="500")).fill == Fill(D(50), D(10))


def test_limit_order_without_a_limit_price_is_a_bug() -> None:
    order = WorkingOrder(side=Side.BUY, order_type=OrderType.LIMIT, remaining=D(5))

    with pytest.raises(ValueError, match="price"):
        FillModel().apply(order, quote("10", "10", "10"))
