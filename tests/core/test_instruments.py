from datetime import date
from decimal import Decimal

import pytest

from apps.core.domain.dates import DateRange
from apps.core.domain.instruments import Price, Quantity, Symbol
from apps.core.domain.money import Money
from apps.core.errors import InvalidInput


@pytest.mark.parametrize("value", ["AAPL", "BRK.B", "A", "X-1"])
def test_symbol_of_a_ticker_is_kept(value: str) -> None:
    assert str(Symbol(value)) == value


@pytest.mark.parametrize("value", ["", "aapl", "1A", "A" * 21, "A B", "A\n", "\uff21", None])
def test_symbol_of_anything_else_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput):
        Symbol(value)


@pytest.mark.parametrize("value", ["0", "-1", "NaN", "0.000000001"])
def test_quantity_that_is_not_positive_or_too_fine_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput):
        Quantity.of(value)


def test_price_times_quantity_is_exact() -> None:
    assert Price(Decimal("0.1"), "USD").times(Quantity.of("3")) == Money(Decimal("0.3"), "USD")


@pytest.mark.parametrize(("value", "currency"), [("0", "USD"), ("1", "usd")])
def test_price_that_is_not_positive_or_has_no_currency_is_refused(
    value: str, currency: str
) -> None:
    with pytest.raises(InvalidInput):
        Price(Decimal(value), currency)


def test_date_range_holds_both_ends() -> None:
    days = DateRange(date(2026, 1, 30), date(2026, 2, 1))

    assert list(days) == [date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 1)]
    assert date(2026, 2, 1) in days
    assert date(2026, 2, 2) not in days


def test_date_range_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(InvalidInput):
        DateRange(date(2026, 2, 1), date(2026, 1, 1))
