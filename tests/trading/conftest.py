import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _no_gates(settings: Settings) -> None:
    """Other contexts' gates have their own tests; those of trading name the gates they need."""
    settings.PRE_TRADE_CHECKS = []
