"""Import a sanctions list from a file, whatever its format, or from OFAC's folder of files."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from apps.compliance.services.watchlists import default_source, watchlist_import
from apps.core.errors import DomainError


class Command(BaseCommand):
    help = (
        "Import a list as a new version; the format is told by the content: OFAC (CSV, advanced"
        " XML), UN, EU, UK, OpenSanctions, the firm's own CSV."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", nargs="?", type=Path, help="default: the reference list")
        parser.add_argument("--list", dest="list_code", default="", help="default: by the format")

    def handle(self, *args: Any, **options: Any) -> None:
        list_code, path = default_source()
        if options["path"]:
            list_code, path = options["list_code"], options["path"]
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        entries = TextColumn("{task.fields[entries]:,} entries")
        with Progress(*columns, entries, TimeElapsedColumn()) as progress:
            task = progress.add_task(list_code or path.name, total=1.0, entries=0)
            try:
                version = watchlist_import(
                    actor=None,
                    path=path,
                    list_code=list_code,
                    on_progress=lambda count, share: progress.update(
                        task, completed=share, entries=count
                    ),
                )
            except DomainError as refusal:
                raise CommandError(refusal.message) from refusal
        self.stdout.write(
            f"{version}: {version.entity_count} entries, {version.name_count} names"
            f" (+{version.added_count} ~{version.changed_count} -{version.removed_count})"
        )
