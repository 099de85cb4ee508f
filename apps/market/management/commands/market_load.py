"""Load the packaged daily history into the time series."""

import time
from typing import IO, Any, cast

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from apps.market import services
from apps.market.providers.packaged import bar_files


class Command(BaseCommand):
    help = "Load instruments and daily bars from the installed packages; safe to repeat."

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
        self.stdout.write(
            f"{len(listed)} instruments listed, {changed} bars written in "
            f"{time.perf_counter() - started:.1f} s."
        )
