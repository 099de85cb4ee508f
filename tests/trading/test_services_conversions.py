"""Conversions: quoted, exact, once, never a gain there and back."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.core.domain.money import MINOR_UNITS, Money
from apps.core.errors import Conflict, DomainError, InvalidInput, NotFound, Refused
from apps.ledger.domain.legs import AccountKind
from apps.ledger.models import Entry
from apps.ledger.selectors import balance_get, ledger_differences
from apps.market.domain.fx import cross
from apps.trading.domain.conversions import Terms, convert
from apps.trading.models import Conversion, Portfolio
from apps.trading.services.cash import withdrawal_request
from apps.trading.services.conversions import conversion_make, conversion_preview
from tests.market.factories import put_rates
from tests.trading.factories import make_portfolio
from tests.users.factories import make_user

D = Decimal
DAY = date(2026, 10, 30)
PER_EURO = {
    "EUR": D(1),
    "USD": D("1.1172"),
    "JPY": D("175.68"),
    "KWD": D("0.34271"),
    "CHF": D("0.9194"),
}


def terms(amount: str, source: str, target: str, spread: str = "0") -> Terms:
    rate = cross(PER_EURO[source], PER_EURO[target], "ROUND_FLOOR")
    sold = Money(D(amount), source)
    return convert(sold, target, reference=rate, on=DAY, source="test", spread_bps=D(spread))


@pytest.mark.parametrize(
    ("amount", "source", "target", "spread", "bought"),
    [
        ("100", "EUR", "USD", "0", "111.72"),
        ("100", "EUR", "USD", "20", "111.49"),
        ("100", "USD", "JPY", "0", "15725"),
        ("1", "EUR", "KWD", "0", "0.342"),
        ("1000", "JPY", "USD", "0", "6.35"),
    ],
)
def test_convert_rounds_down_to_the_minor_unit(
    amount: str, source: str, target: str, spread: str, bought: str
) -> None:
    assert terms(amount, source, target, spread).bought == Money(D(bought), target)


@pytest.mark.parametrize(("source", "target"), sorted(permutations(PER_EURO, 2)))
@hypothesis_settings(max_examples=25)
@given(units=st.integers(1, 10**15), spread=st.sampled_from(["0", "0.5", "20", "300"]))
def test_convert_there_and_back_never_gains(
    source: str, target: str, units: int, spread: str
) -> None:
    amount = D(units).scaleb(-MINOR_UNITS[source])
    try:
        there = terms(str(amount), source, target, spread)
        back = terms(str(there.bought.amount), target, source, spread)
    except Refused:
        return  # too small to buy anything: nothing moves

    assert back.bought.amount <= amount
    assert there.rate <= there.reference


@pytest.mark.parametrize(
    ("amount", "target"),
    [
        ("0", "USD"),
        ("-1", "USD"),
        ("0.001", "USD"),
        ("1", "EUR"),
        ("1", "XXX"),
        (f"1{'0' * 18}", "JPY"),
    ],
    ids=["zero", "negative", "fraction", "same", "unknown", "too-large"],
)
def test_convert_of_what_cannot_be_is_refused(amount: str, target: str) -> None:
    with pytest.raises((Refused, InvalidInput)):
        convert(
            Money(D(amount), "EUR"), target, reference=D(175), on=DAY, source="", spread_bps=D(0)
        )


@pytest.fixture
def portfolio(settings: Settings) -> Portfolio:
    settings.CASH_CHECKS = []
    settings.CONVERSION = {"spread_bps": "100", "quote_seconds": 60}
    put_rates({"USD": "1.25", "JPY": "150"})
    return make_portfolio(cash="1000")


def quote(portfolio: Portfolio, amount: str = "100", target: str = "EUR") -> str:
    return conversion_preview(
        actor=portfolio.client,
        portfolio_id=portfolio.id,
        amount=Money(D(amount), "USD"),
        target=target,
    ).token


def make(portfolio: Portfolio, token: str, key: str = "one", **changed: Any) -> Conversion:
    terms = {"actor": portfolio.client, "portfolio_id": portfolio.id, **changed}
    return conversion_make(token=token, idempotency_key=key, **terms)


def cash(portfolio: Portfolio, currency: str) -> Decimal:
    return balance_get(portfolio.id, AccountKind.CASH, currency)


@pytest.mark.django_db
def test_conversion_make_moves_four_postings_through_the_firms_account(
    portfolio: Portfolio,
) -> None:
    made = make(portfolio, quote(portfolio))

    assert (made.bought_amount, made.rate, made.reference_rate) == (D("79.2"), D("0.792"), D("0.8"))
    assert (cash(portfolio, "USD"), cash(portfolio, "EUR")) == (D(900), D("79.2"))
    assert balance_get(None, AccountKind.FX, "USD") == 100
    assert balance_get(None, AccountKind.FX, "EUR") == D("-79.2")
    assert Entry.objects.get(id=made.entry_id).postings.count() == 4
    assert AuditEvent.objects.filter(name="trading.currency.converted").count() == 1
    assert not list(ledger_differences())


@pytest.mark.django_db
def test_conversion_make_twice_converts_once(portfolio: Portfolio) -> None:
    token = quote(portfolio)

    assert make(portfolio, token) == make(portfolio, token)
    assert cash(portfolio, "USD") == 900


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": "two"}, "quote_used"),
        ({"token": "other"}, "idempotency_key_reused"),
        ({"token": "nonsense", "key": "two"}, "quote_invalid"),
        ({"token": "expired", "key": "two"}, "quote_expired"),
    ],
)
def test_conversion_make_with_a_quote_that_does_not_fit_moves_nothing(
    portfolio: Portfolio, settings: Settings, change: dict[str, str], code: str
) -> None:
    first = quote(portfolio)
    settings.CONVERSION = {"spread_bps": "100", "quote_seconds": -1}
    tokens = {"expired": quote(portfolio), "nonsense": first[:-1] + "A" + first[-1]}
    settings.CONVERSION = {"spread_bps": "100", "quote_seconds": 60}
    tokens["other"] = quote(portfolio)
    make(portfolio, first)

    with pytest.raises(Conflict) as caught:
        make(portfolio, tokens.get(change.get("token", ""), first), change.get("key", "one"))

    assert caught.value.code == code
    assert cash(portfolio, "USD") == 900


@pytest.mark.django_db
def test_conversion_make_by_somebody_else_is_not_found(portfolio: Portfolio) -> None:
    with pytest.raises(NotFound):
        make(portfolio, quote(portfolio), actor=make_user())

    assert not Conversion.objects.exists()


@pytest.mark.django_db
def test_conversion_make_with_another_portfolios_quote_is_refused(portfolio: Portfolio) -> None:
    other = make_portfolio(portfolio.client, cash="1000")

    with pytest.raises(Conflict, match="another portfolio"):
        make(other, quote(portfolio))

    assert cash(other, "USD") == 1000


@pytest.mark.django_db
def test_conversion_make_of_more_than_there_is_moves_nothing(portfolio: Portfolio) -> None:
    with pytest.raises(Refused) as caught:
        make(portfolio, quote(portfolio, "1000.01"))

    assert caught.value.code == "insufficient_funds"
    assert (cash(portfolio, "USD"), cash(portfolio, "EUR")) == (D(1000), D(0))
    assert not Conversion.objects.exists()


def refuse(client_id: object) -> None:
    raise Refused("The account is frozen.", code="frozen")


@pytest.mark.django_db
def test_conversion_make_for_a_frozen_client_is_refused(
    portfolio: Portfolio, settings: Settings
) -> None:
    settings.CASH_CHECKS = [f"{__name__}.refuse"]

    with pytest.raises(Refused, match="frozen"):
        make(portfolio, quote(portfolio))

    assert cash(portfolio, "USD") == 1000


@pytest.mark.django_db
def test_conversion_preview_names_the_rate_and_its_day(portfolio: Portfolio) -> None:
    put_rates({"USD": "1.25"}, on=timezone.now().date() - timedelta(days=3))

    found = conversion_preview(
        actor=portfolio.client, portfolio_id=portfolio.id, amount=Money(D(100), "USD"), target="JPY"
    )

    assert found.terms.reference == 120
    assert found.terms.reference_on == timezone.now().date()
    assert found.terms.bought == Money(D(11880), "JPY")
    assert not Conversion.objects.exists()


@pytest.mark.django_db
def test_conversion_is_never_changed_by_anybody(portfolio: Portfolio) -> None:
    made = make(portfolio, quote(portfolio))
    change = Conversion.objects.filter(id=made.id).update

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        change(rate=1)


@pytest.mark.django_db(transaction=True)
def test_conversions_against_withdrawals_spend_exactly_what_is_there(portfolio: Portfolio) -> None:
    tokens = [quote(portfolio) for _ in range(10)]

    def run(number: int) -> str:
        try:
            if number % 2:
                make(portfolio, tokens[number // 2], f"key-{number}")
            else:
                withdrawal_request(
                    actor=portfolio.client,
                    portfolio_id=portfolio.id,
                    amount=Money(D(100), "USD"),
                    idempotency_key=f"key-{number}",
                )
        except DomainError as error:
            return error.code
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(8) as pool:
        results = Counter(pool.map(run, range(20)))

    assert results == {"done": 10, "insufficient_funds": 10}
    assert cash(portfolio, "USD") == 0
    assert cash(portfolio, "EUR") == Conversion.objects.count() * D("79.2")
    assert not list(ledger_differences())
