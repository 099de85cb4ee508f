"""Prove that balances, entries and positions agree with the postings."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from apps.ledger import selectors


class Command(BaseCommand):
    help = "Recompute every balance from its postings; print each difference and exit 1 on any."

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        for difference in selectors.ledger_differences():
            found += 1
            self.stderr.write(difference)
        if found:
            self.stderr.write(f"The ledger does not verify: {found} differences.")
            sys.exit(1)
        self.stdout.write("The ledger verifies.")
