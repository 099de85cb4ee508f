from decimal import Decimal
from itertools import accumulate

import pytest

from apps.trading.domain.costs import (
    BasisPointCommission,
    BasisPointSlippage,
    FixedCommission,
    NoSlippage,
    PerShareCommission,
    VolumeShareSlippage,
)
from apps.trading.domain.orders import Side
from tests.cases import load_case

COMMISSION = load_case("z02_commission_with_minimum")
D = Decimal


def test_per_share_commission_agrees_with_zipline_without_minimum() -> None:
    commission = PerShareCommission(D(COMMISSION["inputs"]["rate"]))

    each = [
        commission.total(quantity=D(units), value=D(0)) for units in COMMISSION["inputs"]["fills"]
    ]

    assert each == [D(amount) for amount in COMMISSION["expected"]["no_minimum_each"]]


@pytest.mark.parametrize(("name", "expected"), COMMISSION["expected"]["cumulative"].items())
def test_per_share_commission_agrees_with_zipline_with_minimum(
    name: str, expected: list[str]
) -> None:
    commission = PerShareCommission(D(COMMISSION["inputs"]["rate"]), D(name.removeprefix("min ")))

    totals = [
        commission.total(quantity=D(units), value=D(0))
        for units in accumulate(COMMISSION["inputs"]["fills"])
    ]

    assert totals == [D(amount) for amount in expected]


def test_basis_point_commission_has_a_minimum() -> None:
    commission = BasisPointCommission(D(10), D(1))

    assert commission.total(quantity=D(0), value=D(0)) == 0
    assert commission.total(quantity=D(1), value=D(500)) == 1
    assert commission.total(quantity=D(1), value=D(5000)) == 5


def test_fixed_commission_is_due_once() -> None:
    commission = FixedCommission(D(3))

    assert commission.total(quantity=D(0), value=D(0)) == 0
    assert commission.total(quantity=D(1), value=D(5)) == commission.total(
        quantity=D(9), value=D(9)
    )


@pytest.mark.parametrize(("side", "expected"), [(Side.BUY, "100.1"), (Side.SELL, "99.9")])
def test_basis_point_slippage_worsens_the_price(side: Side, expected: str) -> None:
    price = BasisPointSlippage(D(10)).price(side=side, price=D(100), quantity=D(1), volume=D(1))

    assert price == D(expected)


def test_slippage_without_volume_or_model_leaves_the_price() -> None:
    for model in (NoSlippage(), VolumeShareSlippage(D("0.1"))):
        assert model.price(side=Side.BUY, price=D(7), quantity=D(1), volume=D(0)) == 7
