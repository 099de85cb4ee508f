"""Compare the live venue's account with the ledger."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.trading.services.reconciliation import venue_reconcile
from apps.trading.venues.base import VenueBusy, VenueUncertain, VenueUnreachable


class Command(BaseCommand):
    help = "Print each difference between the live venue and the ledger; exit 1 if there is any."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            differences = venue_reconcile()
        except (VenueBusy, VenueUnreachable, VenueUncertain) as error:
            raise CommandError(f"The venue cannot be read now: {error}", returncode=2) from error
        if differences is None:
            raise CommandError("There is no live venue: ALPACA_URL is not set.", returncode=2)
        for row in differences:
            self.stdout.write(f"{row.kind} {row.asset}: ours {row.ours:f}, theirs {row.theirs:f}")
        if differences:
            raise CommandError(f"{len(differences)} differences.", returncode=1)
        self.stdout.write("The venue and the ledger agree.")
