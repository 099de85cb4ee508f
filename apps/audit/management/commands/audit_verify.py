"""Check the whole trail; exit 1 and name the first event or checkpoint that does not hold."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from apps.audit.selectors import event_count, trail_verify


class Command(BaseCommand):
    help = "Recompute every hash, link and checkpoint of the audit trail."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchor", default="", help="hash of a checkpoint that was kept elsewhere"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        columns = (TextColumn("audit trail"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
            bar = progress.add_task("events", total=event_count())
            result = trail_verify(
                anchor=options["anchor"],
                on_progress=lambda done: progress.update(bar, completed=done),
            )
        seconds = max(time.monotonic() - started, 0.001)
        self.stdout.write(
            f"{result.events:,} events in {result.streams:,} streams, "
            f"{result.checkpoints:,} checkpoints, {result.unsigned_events:,} not signed yet; "
            f"{seconds:.1f} s, {result.events / seconds:,.0f} events/s"
        )
        if result.broken:
            self.stderr.write(f"BROKEN {result.broken}")
            sys.exit(1)
        self.stdout.write(f"The trail holds. Last checkpoint: {result.last_checkpoint or 'none'}")
