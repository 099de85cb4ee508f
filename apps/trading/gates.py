"""What `manage.py check` refuses about trading."""

from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

SIMULATED = "apps.trading.providers.bank.SimulatedBank"


@checks.register(checks.Tags.security)
def check_live_money(
    app_configs: Sequence[AppConfig] | None = None, **options: object
) -> list[checks.CheckMessage]:
    """Refuse real orders that would be paid with money that no bank has moved."""
    if settings.ALPACA.get("account") == "LIVE" and settings.CASH_BANK == SIMULATED:
        text = "ALPACA_ACCOUNT is LIVE, and CASH_BANK is the simulated bank."
        return [checks.Error(text, id="trading.E001")]
    return []
