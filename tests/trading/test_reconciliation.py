"""The reconciliation: agreement, and each kind of difference named."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from pytest_django import Settings

from apps.core.domain.money import Money
from apps.trading.models import Portfolio
from apps.trading.selectors.reconciliation import reconciliation_read
from apps.trading.services.cash import deposit_receive, withdrawal_request
from tests.trading.factories import fund, make_portfolio

pytestmark = pytest.mark.django_db


@pytest.fixture
def portfolio(settings: Settings) -> Portfolio:
    settings.CASH_CHECKS = []
    portfolio = make_portfolio()
    for move, amount in ((deposit_receive, "100"), (withdrawal_request, "30")):
        move(
            actor=portfolio.client,
            portfolio_id=portfolio.id,
            amount=Money(Decimal(amount), "USD"),
            idempotency_key=amount,
        )
    return portfolio


def run() -> tuple[str, str, int]:
    out, err = StringIO(), StringIO()
    try:
        call_command("ledger_reconcile", stdout=out, stderr=err)
    except SystemExit as end:
        return out.getvalue(), err.getvalue(), int(end.code or 0)
    return out.getvalue(), err.getvalue(), 0


def test_ledger_reconcile_of_what_agrees_shows_the_books(portfolio: Portfolio) -> None:
    out, err, code = run()

    (book,) = reconciliation_read().books
    assert (book.asset, book.clients, book.firm, book.bank) == (
        *("USD", Decimal(70), Decimal(-70), Decimal(70)),
    )
    assert (err, code) == ("", 0)
    assert "Everything agrees." in out


def test_ledger_reconcile_names_money_that_the_bank_does_not_have(portfolio: Portfolio) -> None:
    fund(portfolio, "5")

    _, err, code = run()

    assert code == 1
    assert "USD: the ledger has 75.00000000 of client money" in err
    assert "the bank says 70.00000000" in err


def test_ledger_reconcile_names_units_without_lots(portfolio: Portfolio) -> None:
    fund(portfolio, "5", "AAPL")

    _, err, code = run()

    assert code == 1
    assert f"portfolio {portfolio.id} AAPL: the ledger has 5" in err
