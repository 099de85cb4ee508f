"""What a venue says becomes the order's state; told twice, late or in another order, it is once."""

from uuid import UUID

import structlog

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import Conflict, DomainError
from apps.trading.domain.orders import IMMEDIATE, OrderStatus
from apps.trading.models import Order, VenueFill, VenueInstruction
from apps.trading.services.closing import close_locked
from apps.trading.services.executions import record_locked
from apps.trading.services.instructions import Kind, Status
from apps.trading.services.locks import order_locked
from apps.trading.services.replacements import replace_confirm, replace_refuse
from apps.trading.venues.base import FillReport, OrderReport, RequestRejected, VenueStatus

logger = structlog.get_logger(__name__)
ENDS = {
    VenueStatus.CANCELED: "cancel",
    VenueStatus.EXPIRED: "expire",
    VenueStatus.REJECTED: "reject",
}


@command
def report_record(*, venue: str, report: OrderReport) -> bool:
    """Take a live venue's word of one of its orders; return whether fills are known to be missing.

    An order that is not ours is nothing to us.
    """
    orders = VenueInstruction.objects.orders().filter(venue=venue)
    known = orders.filter(client_order_id=report.client_order_id).first()
    return False if known is None else report_apply(order_locked(known.order_id), report, venue)


def report_apply(order: Order, report: OrderReport, venue: str) -> bool:
    """Do what `report_record` says to an order that is locked in this transaction."""
    orders = order.instructions.orders().filter(venue=venue)
    instruction = orders.select_for_update(no_key=True).get(client_order_id=report.client_order_id)
    _note(instruction, report.venue_order_id)
    booked = VenueFill.objects.booked_of(report.venue_order_id)
    is_behind = report.filled_quantity > booked
    if instruction.kind == Kind.REPLACE and not _takes_over(order, instruction, report.status):
        return is_behind
    if order.is_closed:
        return is_behind
    if report.status != VenueStatus.REJECTED:
        _accept(order)
    if report.status == VenueStatus.REPLACED:
        replace_confirm(order)
    # Its end waits for the fills that came before it.
    elif report.status in ENDS and not is_behind and _is_current(order, instruction):
        _close(order, report.status)
    return is_behind


@command
def request_reject(*, venue: str, rejection: RequestRejected) -> None:
    """Let the order work on whose cancel or replacement the venue did not carry out."""
    orders = VenueInstruction.objects.orders().filter(venue=venue)
    known = orders.filter(venue_order_id=rejection.venue_order_id).first()
    if known is None:
        return
    order = order_locked(known.order_id)
    if rejection.what == Kind.REPLACE:
        replace_refuse(order, reason="venue_rejected")
    elif order.status == OrderStatus.PENDING_CANCEL:
        event = order.refuse_cancel(reason="venue_rejected")
        order.save()
        emit(event, actor=None)


@command
def fill_record(*, venue: str, fill: FillReport) -> None:
    """Keep a trade that a live venue reports, and book it; the same one counts once.

    What cannot be booked is held back with its reason, for operations to see, and tried again by
    `fill_book`.
    """
    told = {
        "venue_order_id": fill.venue_order_id,
        "symbol": fill.symbol,
        "side": fill.side.value,
        "quantity": fill.quantity,
        "price": fill.price,
    }
    row, is_new = VenueFill.objects.get_or_create(
        venue=venue,
        venue_execution_id=fill.execution_id,
        defaults={**told, "executed_at": fill.executed_at},
    )
    if not is_new and any(getattr(row, name) != value for name, value in told.items()):
        _hold_back(VenueFill.objects.locked(row.id), "told_differently")
    elif row.execution_id is None:
        fill_book(fill_id=row.id)


@command
def fill_book(*, fill_id: UUID) -> bool:
    """Book a trade that is kept; return whether it is in the books now."""
    found = VenueFill.objects.get(id=fill_id)
    orders = VenueInstruction.objects.orders().filter(venue=found.venue)
    known = orders.filter(venue_order_id=found.venue_order_id).first()
    order = order_locked(known.order_id) if known else None
    row = VenueFill.objects.locked(fill_id)
    if row.execution_id is not None:
        return True
    if known is None or order is None:
        _hold_back(row, "unknown_order")
        return False
    try:
        _fill_settle(order=order, instruction=known, row=row)
    except DomainError as error:
        _hold_back(row, error.code)
        return False
    return True


@command
def _fill_settle(*, order: Order, instruction: VenueInstruction, row: VenueFill) -> None:
    """Book all of it or, when a rule of the ledger stands against it, nothing."""
    if (order.symbol, order.side) != (row.symbol, row.side):
        raise Conflict("The trade is not what was ordered.", code="not_as_ordered")
    if instruction.kind == Kind.REPLACE:
        _takes_over(order, instruction, VenueStatus.WORKING)
    _accept(order)
    row.execution = record_locked(
        order,
        venue=row.venue,
        venue_execution_id=row.venue_execution_id,
        quantity=row.quantity,
        price=row.price,
        executed_at=row.executed_at,
        is_fact=True,
    )
    row.problem = ""
    row.save()


def _hold_back(row: VenueFill, problem: str) -> None:
    event = row.hold_back(problem)
    if event is not None:
        row.save()
        emit(event, actor=None)


def _note(instruction: VenueInstruction, venue_order_id: str) -> None:
    """Keep the venue's own id; what it knows has been sent, whoever heard of that first."""
    if instruction.venue_order_id not in {"", venue_order_id}:
        logger.error("venue_order_twice", instruction_id=str(instruction.id))
    instruction.venue_order_id = instruction.venue_order_id or venue_order_id
    if instruction.status == Status.PENDING:
        instruction.end(Status.DONE)
    instruction.save()


def _accept(order: Order) -> None:
    if order.status == OrderStatus.PENDING_NEW:
        event = order.accept(held=order.held_amount)
        order.save()
        emit(event, actor=None)


def _takes_over(order: Order, instruction: VenueInstruction, status: VenueStatus) -> bool:
    """Settle what a replacement's own order tells of it; return whether the order works by it.

    At a market it has taken the former order's place.
    """
    replacement = instruction.replacement
    if replacement is None or replacement.status == OrderStatus.REJECTED:
        return False
    if replacement.status == OrderStatus.PENDING_REPLACE:
        if status == VenueStatus.REJECTED:
            replace_refuse(order, reason="venue_rejected")
        elif status != VenueStatus.RECEIVED:
            replace_confirm(order)
        return status not in {VenueStatus.REJECTED, VenueStatus.RECEIVED}
    return True


def _is_current(order: Order, instruction: VenueInstruction) -> bool:
    current = order.instructions.current().first()
    return current is not None and current.id == instruction.id


def _close(order: Order, status: VenueStatus) -> None:
    how, reason = ENDS[status], "by_venue"
    if status == VenueStatus.EXPIRED:
        reason = "time_in_force"
    elif status == VenueStatus.REJECTED:
        # FIX knows no rejection of what has traded.
        how, reason = ("cancel" if order.filled_quantity else how), "venue_rejected"
    elif order.status == OrderStatus.PENDING_CANCEL:
        reason = "by_client"
    elif order.time_in_force in IMMEDIATE:
        reason = "not_filled_at_once"
    close_locked(order, actor=None, how=how, reason=reason)
