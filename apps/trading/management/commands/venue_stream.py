"""Listen to the live venue: one instance leads, the others wait to take over."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.trading.services.venue_stream import VenueStream
from apps.trading.venues import live_venue


class Command(BaseCommand):
    help = "Take the live venue's fills and order updates as they happen; SIGTERM or Ctrl-C stops."

    def handle(self, *args: Any, **options: Any) -> None:
        venue = live_venue()
        if venue is None:
            raise CommandError("There is no live venue: ALPACA_URL is not set.")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        VenueStream(venue, stop=stop).run()
