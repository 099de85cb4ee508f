"""Import a sanctions list from a folder of OFAC files."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from apps.compliance.services.watchlists import default_source, watchlist_import
from apps.core.errors import Refused


class Command(BaseCommand):
    help = "Import a sanctions list (sdn.csv, alt.csv, add.csv) as a new version."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", nargs="?", type=Path, help="default: the reference list")
        parser.add_argument("--list", dest="list_code", default="OFAC-SDN")

    def handle(self, *args: Any, **options: Any) -> None:
        list_code, folder = default_source()
        if options["path"]:
            list_code, folder = options["list_code"], options["path"]
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn()) as progress:
            task = progress.add_task(list_code, total=_rows(folder))
            try:
                version = watchlist_import(
                    actor=None,
                    folder=folder,
                    list_code=list_code,
                    on_progress=lambda count: progress.update(task, completed=count),
                )
            except Refused as refusal:
                raise CommandError(refusal.message) from refusal
        self.stdout.write(
            f"{version}: {version.entity_count} entries, {version.name_count} names"
            f" (+{version.added_count} ~{version.changed_count} -{version.removed_count})"
        )


def _rows(folder: Path) -> int | None:
    """Return the number of entries, less the end mark, or None when there is no such file."""
    try:
        with (folder / "sdn.csv").open("rb") as file:
            return max(sum(1 for _ in file) - 1, 1)
    except OSError:
        return None
