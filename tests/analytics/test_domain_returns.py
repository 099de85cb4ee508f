import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.analytics.domain.returns import (
    DayValue,
    chained,
    daily_returns,
    money_weighted_return,
    time_weighted_return,
)
from apps.analytics.domain.risk import Drawdown, max_drawdown, volatility
from apps.core.errors import InvalidInput

CASES = Path(__file__).resolve().parents[1] / "cases"


def case(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text())
    return loaded


def days_of(p01: dict[str, Any]) -> list[DayValue]:
    """Turn the case's cash events into closing values and flows, day by day."""
    start, end = (date.fromisoformat(day) for day in p01["inputs"]["interval"])
    value, days = Decimal(0), []
    for offset in range((end - start).days + 1):
        day = start + timedelta(days=offset)
        kinds = {
            kind: Decimal(amount)
            for at, kind, amount in p01["inputs"]["cash_events"]
            if at == day.isoformat()
        }
        flows = (kinds.get("DEPOSIT", Decimal(0)), kinds.get("WITHDRAWAL", Decimal(0)))
        earned = kinds.get("INTEREST", Decimal(0)) - kinds.get("FEE", Decimal(0))
        value += flows[0] - flows[1] + earned
        days.append(DayValue(day, value, *flows))
    return days


def test_daily_returns_of_the_published_example_agree() -> None:
    p01 = case("p01_ttwror_daily")

    returns = daily_returns(days_of(p01))

    assert [float(value) for value in returns] == pytest.approx(
        p01["expected"]["daily"], abs=p01["tolerance"]
    )
    assert [float(value) for value in chained(returns)] == pytest.approx(
        p01["expected"]["accumulated"], abs=p01["tolerance"]
    )


def test_time_weighted_return_ignores_when_money_came() -> None:
    days = [
        DayValue(date(2026, 1, 1), Decimal(100), deposits=Decimal(100)),
        DayValue(date(2026, 1, 2), Decimal(1210), deposits=Decimal(1000)),
    ]
    assert time_weighted_return(days) == Decimal("0.1")
    assert time_weighted_return([]) is None


@pytest.mark.parametrize("number", range(3))
def test_money_weighted_return_of_the_published_examples_agrees(number: int) -> None:
    p02 = case("p02_irr_excel")
    inputs = p02["inputs"]["cases"][number]
    flows = [
        (date.fromisoformat(day), Decimal(str(amount)))
        for day, amount in zip(inputs["dates"], inputs["amounts"], strict=True)
    ]

    assert money_weighted_return(flows) == pytest.approx(
        p02["expected"]["irr"][number], abs=p02["tolerance"]
    )


@pytest.mark.parametrize(
    ("day_count", "named"),
    [
        ("ACT/365F", "act/365F"),
        ("ACT/360", "act/360"),
        ("ACT/ACT ISDA", "act/act ISDA"),
        ("30/360 ISDA", "30/360 ISDA"),
        ("30E/360", "30E/360"),
    ],
)
def test_money_weighted_return_under_a_day_count_agrees(day_count: str, named: str) -> None:
    x02 = case("x02_xirr_day_count")
    flows = [
        (date.fromisoformat(day), Decimal(amount))
        for day, amount in zip(x02["inputs"]["dates"], x02["inputs"]["amounts"], strict=True)
    ]

    assert money_weighted_return(flows, day_count=day_count) == pytest.approx(
        x02["expected"][named], abs=x02["tolerance"]
    )


def test_money_weighted_return_without_both_directions_is_none() -> None:
    assert money_weighted_return([(date(2026, 1, 1), Decimal(5))]) is None
    assert money_weighted_return([]) is None


def test_money_weighted_return_under_an_unknown_day_count_is_refused() -> None:
    with pytest.raises(InvalidInput):
        money_weighted_return([], day_count="lunar")


def test_max_drawdown_names_peak_trough_and_recovery() -> None:
    levels = [Decimal(n) for n in (100, 120, 90, 110, 130, 125)]

    assert max_drawdown(levels) == Drawdown(Decimal("-0.25"), 1, 2, 4)
    assert max_drawdown(levels[:4]) == Drawdown(Decimal("-0.25"), 1, 2, None)
    assert max_drawdown([Decimal(1), Decimal(2)]) == Drawdown(Decimal(0), 0, 0, 0)
    assert max_drawdown([]) is None


def test_volatility_is_the_sample_deviation_annualised() -> None:
    returns = [Decimal("0.01"), Decimal("-0.01")]

    assert volatility(returns, periods_per_year=2) == Decimal("0.02")
    assert volatility(returns[:1], periods_per_year=2) is None
