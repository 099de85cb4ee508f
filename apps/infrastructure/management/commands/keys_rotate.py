"""Rotate the key-encryption key and every data key while the system serves."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from apps.core.errors import DomainError
from apps.infrastructure import rekeying
from apps.infrastructure.keys import DecryptionError


class Command(BaseCommand):
    help = "Make new keys and encrypt everything again; a run that was killed goes on from there."

    def handle(self, *args: Any, **options: Any) -> None:
        columns = (
            *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(file=sys.stdout)) as bars:
            tasks: dict[str, Any] = {}

            def report(progress: rekeying.Progress) -> None:
                if progress.part not in tasks:
                    tasks[progress.part] = bars.add_task(progress.part)
                bars.update(tasks[progress.part], completed=progress.done, total=progress.total)

            try:
                count = rekeying.keys_rotate(report=report)
            except (DomainError, DecryptionError) as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"{count} values are under new keys.")
