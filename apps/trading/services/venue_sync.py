"""What a live venue did while nobody listened, read from it: fills, then what became of orders."""

from uuid import UUID

import structlog

from apps.core.errors import DomainError
from apps.trading.models import Order, VenueAccount, VenueFill
from apps.trading.services.reports import fill_book, fill_record, report_record
from apps.trading.services.venue_accounts import account_confirm
from apps.trading.venues import live_venue
from apps.trading.venues.base import LiveVenue, OrderReport

logger = structlog.get_logger(__name__)
# Orders that the venue does not list as open are asked for one by one; so many a run.
LOOK_UPS = 50
BATCH = 500


def venue_sync() -> bool:
    """Read the venue's trades since the last time, and where our open orders stand.

    Safe to run at any time, twice at once, and to be killed in between.  False without a venue.
    Raises VenueBusy, VenueUnreachable and VenueUncertain.
    """
    venue = live_venue()
    if venue is None:
        return False
    account = account_confirm(venue)
    _read_fills(venue, account)
    waiting = VenueFill.objects.waiting().filter(venue=venue.name).values_list("id", flat=True)
    for fill_id in list(waiting[:BATCH]):
        fill_book(fill_id=fill_id)
    _read_orders(venue)
    return True


def _read_fills(venue: LiveVenue, account: VenueAccount) -> None:
    """Book every trade from a little before the last one known; what is booked already is once.

    The mark moves after the last page alone, so a run that breaks off is repeated in full.
    """
    newest = account.fills_read_to
    for fill in venue.fills_since(account.fills_read_to - venue.overlap):
        fill_record(venue=venue.name, fill=fill)
        newest = max(newest, fill.executed_at)
    VenueAccount.objects.filter(venue=venue.name, fills_read_to__lt=newest).update(
        fills_read_to=newest
    )


def _read_orders(venue: LiveVenue) -> None:
    known = _open_here(venue.name)
    if not known:
        return
    listed: dict[str, OrderReport] = {
        report.client_order_id: report for report in venue.open_orders()
    }
    look_ups = 0
    for client_order_id in known:
        report = listed.get(client_order_id)
        if report is None:
            look_ups += 1
            if look_ups > LOOK_UPS:
                continue
            report = venue.find(client_order_id)
        if report is None:
            logger.error("venue_lost_order", client_order_id=client_order_id)
            continue
        order_recorded(venue.name, report)


def order_recorded(venue: str, report: OrderReport) -> bool:
    """Record where an order is; return whether fills are missing.

    What our rules do not allow for one order is logged and stops none of the others.
    """
    try:
        return report_record(venue=venue, report=report)
    except DomainError as error:
        logger.exception(
            "venue_report_refused", client_order_id=report.client_order_id, code=error.code
        )
        return False


def _open_here(venue: str) -> list[str]:
    """Return the client_order_ids by which our open orders are known there, oldest first."""
    rows = Order.objects.open().filter(
        mode="LIVE", instructions__venue=venue, instructions__status="DONE"
    )
    kept: dict[UUID, list[str]] = {}
    pairs = rows.filter(instructions__kind__in=["SUBMIT", "REPLACE"]).order_by(
        "updated_at", "id", "instructions__created_at"
    )
    for order_id, client_order_id in pairs.values_list("id", "instructions__client_order_id"):
        kept.setdefault(order_id, []).append(client_order_id)
    # Of a chain of replacements, the last two: the newest may still be refused.
    return [name for chain in kept.values() for name in chain[-2:]]
