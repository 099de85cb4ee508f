"""Load the packaged daily history into the time series."""

import time
from typing import IO, Any, cast

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from apps.market import services
from apps.market.providers.ecb import rate_file
from apps.market.providers.packaged import bar_files


class Command(BaseCommand):
    help = "Load instruments, daily bars and reference rates from their files; safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.perf_counter()
        listed = services.instruments_list_catalogue(actor=None)
        changed = 0
        columns = (
            TextColumn("{task.description:<45}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=Console(file=cast("IO[str]", self.stdout))) as progress:
            for bar_file in bar_files():
                row = progress.add_task(
                    f"Bars of {bar_file.source}/{bar_file.path.name}", total=None
                )

                def report(read: int, row: Any = row) -> None:
                    progress.update(row, completed=read)

                changed += services.bars_load(actor=None, bar_file=bar_file, progress=report)
                progress.update(row, total=progress.tasks[row].completed)
        rates = services.rates_load(actor=None, rate_file=rate_file())
        self.stdout.write(
            f"{len(listed)} instruments listed, {changed} bars and {rates} rates written in "
            f"{time.perf_counter() - started:.1f} s."
        )
