"""The broker's account against our ledger: a difference stays until it goes or is explained."""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

import structlog
from django.utils import timezone
from prometheus_client import Gauge

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import InvalidInput, NotPermitted
from apps.trading.models import VenueAccount, VenueDifference, VenueFill
from apps.trading.models.venue import REASON_LENGTH
from apps.trading.selectors.venues import difference_counts, difference_list, live_holdings
from apps.trading.services.venue_accounts import account_confirm
from apps.trading.services.venue_sync import venue_sync
from apps.trading.venues import live_venue
from apps.trading.venues.base import AccountReport
from apps.users.models import User

logger = structlog.get_logger(__name__)
PERMISSION = "trading.explain_venuedifference"
KINDS = ("CASH", "POSITION", "FILL")
venue_differences_open = Gauge(
    "venue_differences_open",
    "Differences between the live venue's account and the ledger that nobody has explained.",
    ["kind"],
    multiprocess_mode="mostrecent",
)
Sides = tuple[Decimal, Decimal]


def venue_reconcile() -> list[VenueDifference] | None:
    """Read what is new at the live venue, compare, and return the open differences; None without.

    Cash and positions of its account stand against what all live portfolios own together; trades
    that could not be booked are differences too.  Raises VenueBusy, VenueUnreachable and
    VenueUncertain.
    """
    venue = live_venue()
    if venue is None:
        return None
    venue_sync()
    account_confirm(venue)
    differences_record(venue=venue.name, found=_compare(venue.name, venue.account()))
    counts = difference_counts()
    for kind in KINDS:
        venue_differences_open.labels(kind).set(counts.get(kind, 0))
    return list(difference_list())


def _compare(venue: str, account: AccountReport) -> dict[tuple[str, str], Sides]:
    """Return what differs as (ours, theirs), by kind and asset."""
    ours = live_holdings()
    cash = {account.currency: account.cash}
    found: dict[tuple[str, str], Sides] = {}
    for asset in sorted({*ours, *cash, *account.positions}):
        kind = "CASH" if asset in cash else "POSITION"
        theirs = cash.get(asset, account.positions.get(asset, Decimal(0)))
        if ours.get(asset, Decimal(0)) != theirs:
            found[kind, asset] = (ours.get(asset, Decimal(0)), theirs)
    for fill in VenueFill.objects.questionable().filter(venue=venue).select_related("execution"):
        booked = fill.execution.quantity if fill.execution else Decimal(0)
        found["FILL", fill.venue_execution_id] = (booked, fill.quantity)
    return found


@command
def differences_record(*, venue: str, found: Mapping[tuple[str, str], Sides]) -> None:
    """Keep what differs now; close what no longer does.

    An explanation holds for its figures: the same difference stays explained, another one is new.
    """
    # One reconciliation at a time writes.
    VenueAccount.objects.select_for_update().get(venue=venue)
    now = timezone.now()
    last = VenueDifference.objects.newest_of(venue)
    for key, (ours, theirs) in found.items():
        before = last.pop(key, None)
        if before is not None and before.status != before.Status.CLEARED:
            if before.difference == theirs - ours:
                before.seen_at = now
                before.save(update_fields=["seen_at", "updated_at"])
                continue
            _clear(before)
        row = VenueDifference.objects.create(
            venue=venue, kind=key[0], asset=key[1], ours=ours, theirs=theirs, seen_at=now
        )
        emit(row.told(), actor=None)
        logger.error("venue_difference_found", kind=row.kind, asset=row.asset)
    for before in last.values():
        _clear(before)
    VenueAccount.objects.filter(venue=venue).update(reconciled_at=now)


def _clear(row: VenueDifference) -> None:
    if row.status == row.Status.OPEN:
        event = row.clear(at=timezone.now())
        row.save()
        emit(event, actor=None)


@command
def difference_explain(*, actor: User, difference_id: UUID, reason: str) -> VenueDifference:
    """Say why the venue and the ledger differ by exactly these figures; it names no person.

    Raises NotPermitted without trading.explain_venuedifference, InvalidInput without a reason,
    NotFound, and Conflict for a difference that is closed.
    """
    if not actor.has_perm(PERMISSION):
        raise NotPermitted("You may not explain differences.")
    text = reason.strip()
    if not 3 <= len(text) <= REASON_LENGTH or "\x00" in text:
        raise InvalidInput(f"A reason has 3 to {REASON_LENGTH} characters.", field="reason")
    row = VenueDifference.objects.locked(difference_id)
    event = row.explain(by=actor, why=text, at=timezone.now())
    row.save()
    emit(event, actor=actor)
    return row
