"""Fixtures of compliance."""

import pytest
from pytest_django import Settings

from apps.trading.models import Portfolio
from tests.compliance import payments
from tests.compliance.test_rescreening import screened
from tests.compliance.test_services_screening import with_list
from tests.trading.factories import make_portfolio


@pytest.fixture
def portfolio(settings: Settings) -> Portfolio:
    """Return a screened client's portfolio, at a bank that names the payer it is told."""
    settings.CASH_BANK = f"{payments.__name__}.PayersBank"
    with_list()
    record = screened("Ada Lovelace")
    return make_portfolio(client=record.client, cash="120")
