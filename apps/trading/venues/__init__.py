"""Where orders go, by their portfolio's mode."""

from collections.abc import Mapping
from types import MappingProxyType

from apps.core.errors import Refused
from apps.trading.venues.base import PaperOrder, Venue
from apps.trading.venues.paper import PaperVenue

PAPER_VENUES: Mapping[str, Venue[PaperOrder]] = MappingProxyType({"PAPER": PaperVenue()})


def venue_of(mode: str) -> Venue[PaperOrder]:
    """Return the venue of a mode; raises Refused `live_not_available` where there is none."""
    venue = PAPER_VENUES.get(mode)
    if venue is None:
        raise Refused(
            "Live trading is not available.",
            code="live_not_available",
            limit="PAPER",
            measured=mode,
        )
    return venue
