"""A deployment with a gate left out does not start; with its gates, orders meet them."""

from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.core.errors import Refused
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get
from apps.trading.models import Order, Portfolio
from tests.compliance.factories import make_kyc, put_kyc
from tests.trading.factories import make_market, make_portfolio, place_order

GATE = "apps.compliance.gates.check_kyc_approved"
CASH_GATE = "apps.compliance.gates.check_client_cleared"


def test_check_of_the_settings_as_they_are_passes() -> None:
    call_command("check")


@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [
        ("PRE_TRADE_CHECKS", [], "E001"),
        ("CASH_CHECKS", [GATE], "E001"),
        ("CLIENT_NAMES", [], "E001"),
        ("PRE_TRADE_CHECKS", [GATE, "apps.nowhere.check"], "E002"),
        ("CASH_CHECKS", [CASH_GATE, "apps.compliance.gates.REQUIRED"], "E002"),
        ("LEDGER_CHECKS", ["apps.trading.selectors.verification.gone"], "E002"),
        ("LEDGER_CHECKS", ["no_dots"], "E002"),
        ("QUOTE_TASKS", ["nowhere.match_quotes"], "E003"),
        ("QUOTE_TASKS", ["trading.gone"], "E004"),
    ],
)
def test_check_of_a_broken_seam_fails(
    settings: Settings, setting: str, value: list[str], code: str
) -> None:
    setattr(settings, setting, value)

    with pytest.raises(SystemCheckError, match=rf"compliance\.{code}"):
        call_command("check")


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    make_market()
    return make_portfolio(cash="10000")


def cash_and_held(portfolio: Portfolio) -> list[Decimal]:
    kinds = (AccountKind.CASH, AccountKind.HELD)
    return [balance_get(portfolio.id, kind, "USD") for kind in kinds]


def assert_refused(portfolio: Portfolio, code: str) -> None:
    """See the order refused, that written down, and nothing else changed."""
    before = cash_and_held(portfolio), Order.objects.count(), AuditEvent.objects.count()

    with pytest.raises(Refused) as refusal:
        place_order(portfolio)

    assert refusal.value.code == code
    after = cash_and_held(portfolio), Order.objects.count(), AuditEvent.objects.count() - 1
    assert after == before
    assert AuditEvent.objects.latest("sequence").name == "trading.order.refused"


def test_order_place_meets_the_real_gate(portfolio: Portfolio) -> None:
    assert_refused(portfolio, "kyc_not_approved")

    record = make_kyc(portfolio.client)
    assert place_order(portfolio).status == "NEW"
    assert cash_and_held(portfolio)[1] > 0

    for status in ("SUSPENDED", "CLOSED"):
        put_kyc(record, status)
        assert_refused(portfolio, "account_frozen")
