"""Prove one event to a third party, or check such a proof with the public key alone."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from apps.audit.domain.checkpoints import proof_document_verify
from apps.audit.selectors import event_proof
from apps.core.errors import NotFound


class Command(BaseCommand):
    help = "Print the inclusion proof of an event as JSON; --check FILE needs no database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("event_id", nargs="?", type=UUID)
        parser.add_argument("--check", type=Path, help="a file that holds a proof")
        parser.add_argument("--public-key", default="", help="64 hex digits, for --check")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            self._check(options["check"], options["public_key"])
        elif options["event_id"]:
            try:
                document = event_proof(options["event_id"])
            except NotFound as error:
                raise CommandError(error.message) from error
            self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False))
        else:
            raise CommandError("Name an event, or a file by --check.")

    def _check(self, file: Path, public_key: str) -> None:
        try:
            document, key = json.loads(file.read_text()), bytes.fromhex(public_key)
        except (OSError, ValueError) as error:
            raise CommandError("The file or the key cannot be read.") from error
        if not isinstance(document, dict) or not proof_document_verify(document, key):
            raise CommandError("The proof does not hold.")
        self.stdout.write("The proof holds.")
