"""Dividends: gross and tax apart, once."""

from decimal import Decimal
from typing import Any

import pytest

from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, InvalidInput
from apps.ledger.domain.legs import AccountKind
from apps.ledger.models import Entry
from apps.ledger.selectors import balance_get, ledger_differences
from apps.trading.models import Portfolio
from apps.trading.services.income import dividend_pay
from tests.trading.factories import make_portfolio

pytestmark = pytest.mark.django_db


@pytest.fixture
def portfolio() -> Portfolio:
    return make_portfolio()


def pay(
    portfolio: Portfolio, gross: str = "100", withheld: str = "15", **terms: Any
) -> list[Entry]:
    defaults = {"symbol": "AAPL", "currency": "USD", "idempotency_key": "dividend-1"}
    return dividend_pay(
        actor=None,
        portfolio=portfolio,
        gross=Decimal(gross),
        withheld=Decimal(withheld),
        **{**defaults, **terms},
    )


def test_dividend_pay_credits_the_gross_and_debits_the_tax_apart(portfolio: Portfolio) -> None:
    entries = pay(portfolio, reference="action-7")

    assert [(entry.kind, entry.reference) for entry in entries] == [
        ("DIVIDEND", "AAPL action-7"),
        ("WITHHOLDING_TAX", "AAPL action-7"),
    ]
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == 85
    assert balance_get(None, AccountKind.DIVIDENDS, "USD") == -85
    assert not list(ledger_differences())


@pytest.mark.parametrize(
    ("currency", "gross", "withheld"), [("JPY", "7", "1"), ("KWD", "0.005", "0.001")]
)
def test_dividend_pay_keeps_the_minor_unit(
    portfolio: Portfolio, currency: str, gross: str, withheld: str
) -> None:
    pay(portfolio, gross, withheld, currency=currency)

    net = Decimal(gross) - Decimal(withheld)
    assert balance_get(portfolio.id, AccountKind.CASH, currency) == net


def test_dividend_pay_twice_pays_and_tells_once(portfolio: Portfolio) -> None:
    first, second = pay(portfolio), pay(portfolio)

    assert first == second
    assert AuditEvent.objects.filter(name="trading.dividend.paid").count() == 1
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == 85


@pytest.mark.parametrize("changed", [{"gross": "99"}, {"withheld": "14"}, {"withheld": "0"}])
def test_dividend_pay_of_other_amounts_under_a_known_key_is_refused(
    portfolio: Portfolio, changed: dict[str, str]
) -> None:
    pay(portfolio)

    with pytest.raises(Conflict) as caught:
        pay(portfolio, **changed)

    assert caught.value.code == "idempotency_key_reused"
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == 85


@pytest.mark.parametrize(
    ("gross", "withheld"),
    [("0", "0"), ("-1", "0"), ("1", "1.01"), ("1", "-1"), ("0.001", "0"), ("NaN", "0")],
)
def test_dividend_pay_of_impossible_amounts_moves_nothing(
    portfolio: Portfolio, gross: str, withheld: str
) -> None:
    with pytest.raises(InvalidInput):
        pay(portfolio, gross, withheld)

    assert not Entry.objects.exists()
