"""Run the live feed: one instance leads, the others wait to take over."""

import signal
import threading
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.core.errors import Unavailable
from apps.market import selectors
from apps.market.providers.replay import ReplayProvider
from apps.market.providers.stream import Stream


class Command(BaseCommand):
    help = "Replay daily bars as live ticks, from one leader; SIGTERM or Ctrl-C stops it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--interval", type=float, default=1.0, help="seconds between batches")
        parser.add_argument(
            "--seconds-per-day", type=int, default=390, help="length of one replayed session"
        )
        parser.add_argument("--start", type=date.fromisoformat, help="first replayed day")
        parser.add_argument("--end", type=date.fromisoformat, help="last replayed day")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["interval"] < 0.1 or options["seconds_per_day"] < 10:
            raise CommandError("At least 0.1 seconds between batches and 10 seconds per day.")
        first, last = (date.fromisoformat(day) for day in settings.REPLAY_DAYS)
        try:
            provider = ReplayProvider(
                selectors.replay_days(options["start"] or first, options["end"] or last),
                seconds_per_day=options["seconds_per_day"],
            )
        except Unavailable as error:
            raise CommandError(error.message) from error
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        Stream(provider, interval_seconds=options["interval"], stop=stop).run()
