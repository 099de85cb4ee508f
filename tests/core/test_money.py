from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.domain.money import CurrencyMismatch, Money, exact
from apps.core.errors import InvalidInput

amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=2)


@given(amounts, amounts)
def test_money_added_in_either_order_is_the_same(a: Decimal, b: Decimal) -> None:
    assert Money(a, "USD") + Money(b, "USD") == Money(b, "USD") + Money(a, "USD")


@given(amounts, amounts)
def test_money_added_and_taken_away_is_unchanged(a: Decimal, b: Decimal) -> None:
    assert Money(a, "USD") + Money(b, "USD") - Money(b, "USD") == Money(a, "USD")


def test_money_of_two_currencies_does_not_add() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(Decimal(1), "USD") + Money(Decimal(1), "GBP")


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("1.005", "USD", "1.00"),
        ("1.015", "USD", "1.02"),
        ("0.5", "JPY", "0"),
        ("1.0005", "KWD", "1.000"),
    ],
)
def test_money_rounded_goes_half_to_even(amount: str, currency: str, rounded: str) -> None:
    assert Money(Decimal(amount), currency).rounded().amount == Decimal(rounded)


@pytest.mark.parametrize(
    "value",
    [
        "NaN",
        "Infinity",
        "1e30",
        "1.001",
        "x",
        "",
        "9" * 19,
        "9" * 5000,
        1.5,
        True,
        None,
        "\ud800",
        "1" * 40 + ".001",
    ],
)
def test_exact_of_what_no_column_holds_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        exact(value, places=2, name="amount")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value", ["1", "1.10", "1.100", "-0.01", 7, Decimal("999999999999999999.99")]
)
def test_exact_of_a_fitting_value_is_that_value(value: str | int | Decimal) -> None:
    assert exact(value, places=2, name="amount") == Decimal(value)


def test_money_of_an_unknown_currency_is_refused() -> None:
    with pytest.raises(InvalidInput, match="currency"):
        Money.of("1", "XXX")


def test_money_compares_within_one_currency_only() -> None:
    assert Money.of("1", "USD") < Money.of("2", "USD")
    assert Money.of("2", "USD") <= Money.of("2", "USD")
    assert -Money.of("2", "USD") < Money.of("0", "USD")
    with pytest.raises(CurrencyMismatch):
        _ = Money.of("1", "USD") < Money.of("2", "EUR")
