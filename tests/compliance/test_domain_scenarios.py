"""The rules of monitoring at their exact edges."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.compliance.domain.scenarios import (
    Flow,
    parameters_parse,
    rapid_in_out,
    scenario_run,
    structuring,
)
from apps.core.errors import InvalidInput

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
STRUCTURING = {
    "minimum_count": Decimal(3),
    "minimum_amount": Decimal(8000),
    "reporting_threshold": Decimal(10000),
    "window_hours": Decimal(24),
}
RAPID = {
    "minimum_in": Decimal(10000),
    "out_share": Decimal("0.8"),
    "trade_share": Decimal("0.2"),
    "window_hours": Decimal(48),
}
MICROSECOND = timedelta(microseconds=1)
_numbers = count(1)


def flow(kind: str, amount: str, after: timedelta = timedelta(0)) -> Flow:
    return Flow(f"f-{next(_numbers):05}", kind, Decimal(amount), "USD", START + after)


def deposits(*amounts: str) -> list[Flow]:
    return [flow("DEPOSIT", a, timedelta(hours=n)) for n, a in enumerate(amounts)]


@pytest.mark.parametrize(
    ("amount", "found"),
    [("7999.99", False), ("8000", True), ("8000.00", True), ("9999.99", True), ("10000", False)],
)
def test_structuring_at_the_edge_of_the_amounts(amount: str, found: bool) -> None:
    flows = deposits("9000", amount, "9000")
    assert bool(structuring(flows, STRUCTURING)) is found


@pytest.mark.parametrize(
    ("last", "found"),
    [
        (timedelta(hours=24) - MICROSECOND, True),
        (timedelta(hours=24), True),
        (timedelta(hours=24) + MICROSECOND, False),
    ],
)
def test_structuring_at_the_edge_of_the_window(last: timedelta, found: bool) -> None:
    flows = [flow("DEPOSIT", "9000", at) for at in (timedelta(0), timedelta(hours=1), last)]
    assert bool(structuring(flows, STRUCTURING)) is found


def test_structuring_returns_the_deposits_that_made_it_and_nothing_else() -> None:
    made = deposits("9000", "8500", "9999.99")
    other = [flow("DEPOSIT", "500"), flow("WITHDRAWAL", "9000"), flow("TRADE", "9000")]

    (finding,) = structuring([*other, *reversed(made)], STRUCTURING)

    assert finding.flows == tuple(made)
    assert finding.score == Decimal("0.5")
    assert finding.window == (made[0].occurred_at, made[-1].occurred_at)
    measured = {measure.name: measure.measured for measure in finding.measures}
    assert measured["deposits_in_window"] == 3
    assert measured["total_amount"] == Decimal("27499.99")


def test_structuring_two_deposits_are_not_enough() -> None:
    assert structuring(deposits("9000", "9000"), STRUCTURING) == []


def test_structuring_overlapping_windows_make_one_finding_distant_ones_two() -> None:
    near = [flow("DEPOSIT", "9000", timedelta(hours=10 * n)) for n in range(5)]
    far = [flow("DEPOSIT", "9000", timedelta(days=5, hours=n)) for n in range(3)]

    first, second = structuring([*near, *far], STRUCTURING)

    assert first.flows == tuple(near)
    assert second.flows == tuple(far)


@pytest.mark.parametrize(
    ("money_in", "out", "found"),
    [
        ("10000", "8000", True),
        ("10000", "7999.99", False),
        ("9999.99", "9999.99", False),
        ("10000.01", "8000", False),
        ("10000", "10000", True),
    ],
)
def test_rapid_at_the_edge_of_the_amounts(money_in: str, out: str, found: bool) -> None:
    flows = [flow("DEPOSIT", money_in), flow("WITHDRAWAL", out, timedelta(hours=5))]
    assert bool(rapid_in_out(flows, RAPID)) is found


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (timedelta(hours=48), True),
        (timedelta(hours=48) + MICROSECOND, False),
        (-MICROSECOND, False),
    ],
)
def test_rapid_at_the_edge_of_the_window(after: timedelta, found: bool) -> None:
    flows = [flow("DEPOSIT", "20000"), flow("WITHDRAWAL", "19000", after)]
    assert bool(rapid_in_out(flows, RAPID)) is found


@pytest.mark.parametrize(("traded", "found"), [("2000", True), ("2000.01", False)])
def test_rapid_with_trading_in_between_is_ordinary(traded: str, found: bool) -> None:
    flows = [
        flow("DEPOSIT", "10000"),
        flow("TRADE", traded, timedelta(hours=1)),
        flow("WITHDRAWAL", "9000", timedelta(hours=2)),
    ]
    findings = rapid_in_out(flows, RAPID)
    assert bool(findings) is found
    if findings:
        assert [item.kind for item in findings[0].flows] == ["DEPOSIT", "WITHDRAWAL"]


def test_rapid_in_parts_sums_up_and_a_later_deposit_does_not_hide_it() -> None:
    flows = [
        flow("DEPOSIT", "6000"),
        flow("DEPOSIT", "6000", timedelta(hours=1)),
        flow("WITHDRAWAL", "5000", timedelta(hours=2)),
        flow("WITHDRAWAL", "5000", timedelta(hours=3)),
        flow("DEPOSIT", "90000", timedelta(hours=4)),
    ]
    (finding,) = rapid_in_out(flows, RAPID)
    assert finding.flows == tuple(flows[:4])


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["DEPOSIT", "WITHDRAWAL", "TRADE"]),
            st.integers(1, 20000),
            st.integers(0, 200),
        ),
        max_size=12,
    )
)
def test_scenarios_do_not_depend_on_the_order_of_arrival(rows: list[tuple[str, int, int]]) -> None:
    flows = [flow(kind, str(amount), timedelta(hours=at)) for kind, amount, at in rows]
    for code, parameters in (("STRUCTURING", STRUCTURING), ("RAPID_IN_OUT", RAPID)):
        findings = scenario_run(code, flows, parameters)
        assert scenario_run(code, flows[::-1], parameters) == findings
        assert all(0 <= finding.score <= 1 and finding.flows for finding in findings)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"count": "2", "other": "1"},
        {"count": "x"},
        {"count": "NaN"},
        {"count": "1"},
        {"count": 9},
    ],
)
def test_parameters_outside_their_bounds_are_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        parameters_parse(parameters, {"count": ["2", "8"]})


def test_parameters_at_their_bounds_are_taken() -> None:
    assert parameters_parse({"count": "2"}, {"count": ["2", "8"]}) == {"count": Decimal(2)}
