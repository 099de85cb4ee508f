from collections.abc import Iterator

import pytest
import stamina
from pytest_django import Settings

from tests.trading.alpaca_server import AlpacaServer, account_of, alpaca_server


@pytest.fixture(autouse=True)
def _no_gates(settings: Settings) -> None:
    """Other contexts' gates have their own tests; those of trading name the gates they need."""
    settings.PRE_TRADE_CHECKS = []


@pytest.fixture
def broker(settings: Settings) -> Iterator[AlpacaServer]:
    """Run a live venue on this machine; what is asked again is asked without a pause."""
    with alpaca_server() as server:
        settings.ALPACA = account_of(server)
        stamina.set_testing(True, attempts=2)
        yield server
        stamina.set_testing(False)
