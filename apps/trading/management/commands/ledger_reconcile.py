"""Show the ledger beside the bank and the positions, and every difference."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from apps.trading.selectors.reconciliation import reconciliation_read


class Command(BaseCommand):
    help = "Reconcile the ledger with the bank, lots and holds; exit 1 on any difference."

    def handle(self, *args: Any, **options: Any) -> None:
        found = reconciliation_read()
        self.stdout.write(
            f"{'asset':<8}{'clients':>24}{'firm':>24}{'client money':>24}{'bank':>24}"
        )
        for book in found.books:
            at_bank = "" if book.bank is None else f"{book.bank:f}"
            self.stdout.write(
                f"{book.asset:<8}{book.clients:>24f}{book.firm:>24f}"
                f"{book.client_money:>24f}{at_bank:>24}"
            )
        for difference in found.differences:
            self.stderr.write(difference)
        if found.differences:
            self.stderr.write(f"{len(found.differences)} differences.")
            sys.exit(1)
        self.stdout.write("Everything agrees.")
