"""Where orders go: each kind of order has a venue of its own."""

from functools import lru_cache

from django.conf import settings

from apps.core.errors import Refused
from apps.trading.venues.alpaca.venue import AlpacaVenue
from apps.trading.venues.base import LiveVenue
from apps.trading.venues.paper import PaperVenue

PAPER_VENUE = PaperVenue()


@lru_cache(maxsize=4)
def _alpaca(account: tuple[tuple[str, str | float], ...]) -> AlpacaVenue:
    return AlpacaVenue(dict(account))


def live_venue() -> LiveVenue | None:
    """Return this process's live venue; None where none is configured."""
    return _alpaca(tuple(settings.ALPACA.items())) if settings.ALPACA else None


def venue_of(mode: str) -> PaperVenue | LiveVenue:
    """Return the venue of a mode; raises Refused `live_not_available` where there is none."""
    if mode == "PAPER":
        return PAPER_VENUE
    venue = live_venue()
    if venue is None:
        raise Refused(
            "Live trading is not available: this firm has no live venue.",
            code="live_not_available",
            limit="PAPER",
            measured=mode,
        )
    return venue
