"""Commands by which the firm, not the client, cancels orders: one, or every one that rests."""

from uuid import UUID

import structlog
from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import Conflict, IllegalTransition, NotFound, NotPermitted
from apps.infrastructure.failures import FailureTold
from apps.trading.domain.risk import FirmState
from apps.trading.models import CancelRun, FirmSwitch, Order
from apps.trading.services.firm_switch import PERMISSION as TURN
from apps.trading.services.firm_switch import checked_reason
from apps.trading.services.locks import order_locked
from apps.trading.services.orders import cancel_request_locked
from apps.users.models import User

logger = structlog.get_logger(__name__)
PERMISSION = "trading.cancel_order"
BY_FIRM = "by_firm"
TASK = "trading.work_cancel_runs"


@command
def order_cancel_by_firm(*, actor: User, order_id: UUID, reason: str) -> Order:
    """Ask the venue to cancel a client's order; the client is told once it is canceled.

    `reason` stays in the trail and is not shown to the client.  Raises NotPermitted without
    trading.cancel_order, InvalidInput, NotFound, and IllegalTransition for an order that is closed.
    """
    if not actor.has_perm(PERMISSION):
        raise NotPermitted("You may not cancel clients' orders.")
    note = checked_reason(reason)
    return cancel_request_locked(order_locked(order_id), actor, reason=BY_FIRM, note=note)


@command
def cancel_run_start(*, actor: User, reason: str) -> CancelRun:
    """Ask for every order that rests now to be canceled; a worker does it, one order at a time.

    Raises NotPermitted without trading.turn_firmswitch, InvalidInput, and Conflict while the firm
    takes new orders (`firm_active`), none rests (`nothing_rests`) or another run is not done.
    """
    if not actor.has_perm(TURN):
        raise NotPermitted("You may not cancel clients' orders.")
    reason = checked_reason(reason)
    switch = FirmSwitch.objects.select_for_update().filter(id=1).first()
    if switch is None or switch.state == FirmState.ACTIVE:
        raise Conflict("Halt the firm first: new orders would follow.", code="firm_active")
    if CancelRun.objects.filter(finished_at=None).exists():
        raise Conflict("All orders are being canceled already.", code="unchanged")
    resting = Order.objects.resting().count()
    if not resting:
        raise Conflict("No order rests.", code="nothing_rests")
    run = CancelRun(requested_by=actor, reason=reason, orders=resting)
    run.save(force_insert=True)
    emit(run.start(), actor=actor)
    transaction.on_commit(_nudge, robust=True)
    return run


def cancel_runs_work() -> int:
    """Go on with the runs that are not done; return how many orders were asked to be canceled.

    Each order is its own transaction: whoever takes over from a worker that died goes on with the
    orders that still rest.  One that fails is told to operations, and tried again by the
    next call.
    """
    asked = 0
    for run in CancelRun.objects.filter(finished_at=None).select_related("requested_by"):
        rest = Order.objects.resting().filter(created_at__lte=run.created_at)
        for order_id in list(rest.order_by("created_at", "id").values_list("id", flat=True)):
            asked += _cancel(run, order_id)
        if not rest.exists():
            cancel_run_finish(run_id=run.id)
    return asked


@command
def cancel_run_finish(*, run_id: UUID) -> CancelRun:
    """Note that none of the run's orders rests any more; twice is once.  Raises NotFound."""
    run = CancelRun.objects.select_for_update().filter(id=run_id).first()
    if run is None:
        raise NotFound("There is no such run.")
    if run.finished_at is None:
        event = run.finish(at=timezone.now())
        run.save()
        emit(event, actor=None)
    return run


def _cancel(run: CancelRun, order_id: UUID) -> bool:
    with FailureTold(
        "ORDER_CANCEL_FAILED",
        subject=str(run.id),
        message="Orders could not be canceled when the firm canceled all; they are tried again.",
        order_id=str(order_id),
    ):
        try:
            order_cancel_for_run(actor=run.requested_by, order_id=order_id, reason=run.reason)
        except IllegalTransition:
            return False
        return True
    return False


@command
def order_cancel_for_run(*, actor: User, order_id: UUID, reason: str) -> Order:
    """Ask the venue to cancel one order of a run; who started it was asked for the right then."""
    return cancel_request_locked(order_locked(order_id), actor, reason=BY_FIRM, note=reason)


def _nudge() -> None:
    """Ask a worker to begin; without a broker the schedule begins a little later."""
    try:
        current_app.send_task(TASK)
    except (OSError, RedisError, KombuError) as error:
        logger.warning("cancel_run_nudge_failed", error=type(error).__name__)
