"""The account at the live venue: the one that this database belongs to, and whether to call now."""

from datetime import datetime, timedelta

import structlog
from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.trading.models import VenueAccount
from apps.trading.venues.base import LiveVenue, VenueBusy, VenueUnreachable

logger = structlog.get_logger(__name__)
ANOTHER_ACCOUNT = "another_account"


def account_confirm(venue: LiveVenue) -> VenueAccount:
    """Return the account; the first one ever seen is the database's for good.

    Raises VenueBusy while the venue wants to be left alone, VenueUnreachable `another_account`
    when the keys have become those of another account or environment, and what `account_id` does.
    """
    row = VenueAccount.objects.filter(venue=venue.name).first()
    if row is not None and row.paused_until is not None:
        left = (row.paused_until - timezone.now()).total_seconds()
        if left > 0:
            raise VenueBusy(left)
    row = row or account_bind(
        venue=venue.name, account_id=venue.account_id, environment=venue.environment
    )
    if (row.account_id, row.environment) != (venue.account_id, venue.environment):
        logger.error("venue_account_changed", venue=venue.name)
        raise VenueUnreachable(ANOTHER_ACCOUNT)
    return row


@command
def account_bind(*, venue: str, account_id: str, environment: str) -> VenueAccount:
    """Tie this database to the account; what it is tied to already stays."""
    now = timezone.now()
    row, is_new = VenueAccount.objects.get_or_create(
        venue=venue,
        defaults={
            "account_id": account_id,
            "environment": environment,
            "bound_at": now,
            "fills_read_to": now,
        },
    )
    if is_new:
        emit(row.bound(), actor=None)
    return row


def account_pause(venue: str, seconds: float) -> datetime:
    """Leave the venue alone for that long, in every process; return until when."""
    until = timezone.now() + timedelta(seconds=seconds)
    VenueAccount.objects.filter(venue=venue).update(paused_until=until)
    return until


def account_heard(venue: str) -> None:
    """Note that the venue's stream has just given a sign of life."""
    VenueAccount.objects.filter(venue=venue).update(heard_at=timezone.now())
