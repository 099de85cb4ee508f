"""How days of custody and of cash become an amount."""

from datetime import date
from decimal import Decimal

import pytest

from apps.core.errors import InvalidInput
from apps.trading.domain.charges import ChargeKind, amount_accrued, check_rate, is_month_end

D = Decimal


@pytest.mark.parametrize(
    ("base", "bps", "days", "currency", "expected"),
    [
        ("100000", "25", 31, "USD", "21.23"),
        ("100000", "25", 365, "USD", "250.00"),
        ("100000", "25", 366, "USD", "250.68"),
        ("7300", "1", 25, "USD", "0.05"),
        ("1000000", "150", 30, "JPY", "1233"),
        ("10000", "400", 28, "KWD", "30.685"),
        ("73000", "0.25", 1, "USD", "0.00"),
        ("219000", "0.25", 1, "USD", "0.02"),
    ],
    ids=["month", "year", "leap", "cents", "yen", "dinar", "half-to-even", "half-up-to-even"],
)
def test_amount_of_days_is_simple_interest_over_365(
    base: str, bps: str, days: int, currency: str, expected: str
) -> None:
    assert amount_accrued(D(base) * D(bps) * days, currency) == D(expected)


def test_amount_of_many_days_is_rounded_once() -> None:
    bases = [D("33333.33333333"), D("66666.66666667")] * 15

    assert amount_accrued(sum((base * D("0.5") for base in bases), D(0)), "USD") == D("0.21")


@pytest.mark.parametrize(
    ("kind", "currency", "rate"),
    [
        ("CUSTODY_FEE", "USD", "25"),
        ("CREDIT_INTEREST", "", "25"),
        ("CREDIT_INTEREST", "XXX", "25"),
        ("CUSTODY_FEE", "", "500.01"),
        ("CREDIT_INTEREST", "USD", "-1"),
        ("CUSTODY_FEE", "", "0.001"),
        ("CUSTODY_FEE", "", "NaN"),
    ],
    ids=["fee-currency", "no-currency", "unknown", "too-high", "negative", "decimals", "nan"],
)
def test_rate_that_cannot_be_is_refused(kind: str, currency: str, rate: str) -> None:
    with pytest.raises(InvalidInput):
        check_rate(ChargeKind(kind), currency, D(rate))


def test_month_ends_where_the_calendar_says() -> None:
    days = [date(2024, 2, 28), date(2024, 2, 29), date(2025, 2, 28), date(2025, 12, 31)]
    assert [is_month_end(day) for day in days] == [False, True, True, True]
