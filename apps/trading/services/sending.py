"""Instructions on their way to a live venue: taken, sent outside of any transaction, settled.

Never a second order: before anything is sent again the venue is asked for it by our id, and what
it does not know yet is sent again only when the first request can no longer arrive.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.utils import timezone

from apps.core.commands import command
from apps.trading.domain.orders import OrderStatus
from apps.trading.models import Order, VenueInstruction
from apps.trading.services.closing import close_locked
from apps.trading.services.instructions import Kind, Status, instruction_ask
from apps.trading.services.locks import order_locked
from apps.trading.services.replacements import replace_refuse
from apps.trading.services.reports import report_apply
from apps.trading.services.venue_accounts import account_confirm, account_pause
from apps.trading.venues import live_venue
from apps.trading.venues.base import (
    LiveOrder,
    LiveVenue,
    OrderReport,
    VenueBusy,
    VenueRefused,
    VenueStatus,
    VenueUncertain,
    VenueUnreachable,
)

logger = structlog.get_logger(__name__)
# A worker that dies keeps its instruction to itself for this long: more than its calls may take.
LEASE = timedelta(seconds=120)
PAUSE_CEILING_SECONDS = 60.0
SWEEP_LIMIT = 200
LEFT_OPEN = frozenset({VenueStatus.RECEIVED, VenueStatus.WORKING})


class Unwanted(Exception):
    """The order has ended, or is to end, before it ever reached the venue."""


@dataclass(frozen=True, kw_only=True)
class Errand:
    """An instruction that this worker has taken; `sent_before` is when it was last sent, if ever.

    `known_as` are our ids of the order at the venue, newest first; `replaces` is its id there.
    """

    instruction: VenueInstruction
    sent_before: datetime | None
    known_as: tuple[str, ...]
    replaces: str

    @property
    def order(self) -> Order:
        return self.instruction.order

    def live_order(self, client_order_id: str) -> LiveOrder:
        replacement = self.instruction.replacement
        terms = self.order.terms if replacement is None else replacement.terms
        return LiveOrder.of(
            self.order, client_order_id=client_order_id, terms=terms, replaces=self.replaces
        )


def instructions_sweep() -> int:
    """Ask workers for the instructions that are due; return how many."""
    due = VenueInstruction.objects.due(timezone.now()).order_by("next_attempt_at")
    waiting = list(due.values_list("id", flat=True)[:SWEEP_LIMIT])
    for instruction_id in waiting:
        instruction_ask(instruction_id)
    return len(waiting)


def instruction_attempt(*, instruction_id: UUID) -> bool:
    """Try an instruction whose time has come; return whether it is done.  Twice at once is once."""
    venue = live_venue()
    errand = _instruction_take(instruction_id=instruction_id) if venue else None
    if venue is None or errand is None:
        return False
    sent_before = errand.sent_before
    try:
        account_confirm(venue)
        reports = _send(venue, errand)
    except VenueBusy as busy:
        until = account_pause(venue.name, busy.pause_seconds)
        _instruction_postpone(errand=errand, code="busy", sent_at=sent_before, until=until)
    except VenueUnreachable as error:
        _instruction_postpone(errand=errand, code=str(error), sent_at=sent_before)
    except VenueUncertain as error:
        _instruction_postpone(errand=errand, code=str(error), sent_at=errand.instruction.sent_at)
    except VenueRefused as refusal:
        _instruction_refuse(errand=errand, code=refusal.code)
    except Unwanted:
        _instruction_withdraw(errand=errand)
    else:
        return _instruction_settle(errand=errand, reports=reports)
    return False


@command
def _instruction_take(*, instruction_id: UUID) -> Errand | None:
    now = timezone.now()
    instruction = VenueInstruction.objects.locked_due(instruction_id, now)
    if instruction is None:
        return None
    sent_before = instruction.sent_at
    instruction.take(now=now, lease=LEASE)
    instruction.save()
    there = VenueInstruction.objects.filter(order_id=instruction.order_id)
    current = there.current().first()
    return Errand(
        instruction=instruction,
        sent_before=sent_before,
        known_as=tuple(there.taken().values_list("client_order_id", flat=True)),
        replaces=current.venue_order_id if current else "",
    )


def _send(venue: LiveVenue, errand: Errand) -> list[OrderReport]:
    if errand.instruction.kind == Kind.CANCEL:
        return _cancel(venue, errand)
    client_order_id, is_unwanted = errand.instruction.client_order_id, _is_unwanted(errand)
    if errand.sent_before is not None:
        found = venue.find(client_order_id)
        if found is not None:
            return [found]
        if timezone.now() - errand.sent_before < venue.settle:
            # Postponed with the time of the first sending: nothing was sent now.
            raise VenueUnreachable("settling")
    if is_unwanted:
        raise Unwanted
    order = errand.live_order(client_order_id)
    try:
        is_new = errand.instruction.kind == Kind.SUBMIT
        return [venue.submit(order) if is_new else venue.replace(order)]
    except (VenueUncertain, VenueRefused) as error:
        # A refusal may be that of our own earlier request's double.
        found = _looked_up(venue, client_order_id)
        if found is None:
            raise error from None
        return [found]


def _looked_up(venue: LiveVenue, client_order_id: str) -> OrderReport | None:
    """Find what was just sent; whatever goes wrong now, it was sent."""
    try:
        return venue.find(client_order_id)
    except (VenueBusy, VenueUnreachable) as error:
        raise VenueUncertain("not_looked_up") from error


def _is_unwanted(errand: Errand) -> bool:
    order = errand.order
    if errand.instruction.kind == Kind.REPLACE:
        return order.status != OrderStatus.PENDING_REPLACE or order.filled_quantity > 0
    return order.status != OrderStatus.PENDING_NEW or order.is_due(timezone.now())


def _cancel(venue: LiveVenue, errand: Errand) -> list[OrderReport]:
    """Cancel whatever of the order is open there, newest first; return what stands."""
    reports: list[OrderReport] = []
    if errand.order.is_closed:
        return reports
    for client_order_id in errand.known_as:
        try:
            reports.append(venue.cancel(errand.live_order(client_order_id)))
        except VenueRefused:
            found = venue.find(client_order_id)
            if found is not None and found.status in LEFT_OPEN:
                raise VenueUnreachable("not_cancelable") from None
            reports.extend([found] if found else [])
    return reports


@command
def _instruction_settle(*, errand: Errand, reports: list[OrderReport]) -> bool:
    order, instruction = _locked(errand)
    if instruction.status != Status.PENDING:
        return True
    instruction.end(Status.DONE)
    instruction.save()
    for report in reports:
        report_apply(order, report, instruction.venue)
    return True


@command
def _instruction_postpone(
    *, errand: Errand, code: str, sent_at: datetime | None, until: datetime | None = None
) -> None:
    _, instruction = _locked(errand)
    if instruction.status != Status.PENDING:
        return
    pause = min(2.0 ** min(instruction.attempts, 10), PAUSE_CEILING_SECONDS)
    jitter = random.uniform(0.5, 1.0)  # noqa: S311  # nosec B311
    until = until or timezone.now() + timedelta(seconds=pause * jitter)
    instruction.postpone(until=until, error_code=code[:40], sent_at=sent_at)
    instruction.save()
    logger.warning(
        "instruction_postponed",
        instruction_id=str(instruction.id),
        kind=instruction.kind,
        code=code,
        attempts=instruction.attempts,
    )


@command
def _instruction_refuse(*, errand: Errand, code: str) -> None:
    order, instruction = _locked(errand)
    if instruction.status != Status.PENDING:
        return
    instruction.end(Status.REFUSED, error_code=code)
    instruction.save()
    if instruction.kind == Kind.REPLACE:
        replace_refuse(order, reason=code)
    elif instruction.kind == Kind.SUBMIT and not order.is_closed:
        close_locked(order, actor=None, how="reject", reason=code)


@command
def _instruction_withdraw(*, errand: Errand) -> None:
    """End what never reached the venue and never will."""
    order, instruction = _locked(errand)
    if instruction.status != Status.PENDING:
        return
    instruction.end(Status.WITHDRAWN)
    instruction.save()
    if instruction.kind == Kind.REPLACE:
        replace_refuse(order, reason="quantity_filled")
    elif not order.is_closed:
        asked = order.status == OrderStatus.PENDING_CANCEL
        close_locked(order, actor=None, how="cancel", reason="by_client" if asked else "never_sent")


def _locked(errand: Errand) -> tuple[Order, VenueInstruction]:
    """Lock what an instruction is about and then itself, the one order of such locks."""
    order = order_locked(errand.order.id)
    return order, VenueInstruction.objects.locked(errand.instruction.id)
