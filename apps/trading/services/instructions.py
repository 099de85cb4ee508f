"""What a live venue is to do: written down with what made it necessary, then sent by a worker."""

from uuid import UUID

import structlog
from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from apps.core.commands import command
from apps.trading.models import Order, Replacement, VenueInstruction
from apps.trading.services.closing import close_locked
from apps.trading.services.locks import order_locked
from apps.trading.venues import venue_of

logger = structlog.get_logger(__name__)
Kind, Status = VenueInstruction.Kind, VenueInstruction.Status


@command
def order_instruct(*, order_id: UUID) -> None:
    """Have a live order that was just placed sent to its venue.  Safe to repeat.

    Raises NotFound, and Refused `live_not_available`: then nothing is sent until there is a venue.
    """
    order = order_locked(order_id)
    if not order.instructions.filter(kind=Kind.SUBMIT).exists():
        _write(order, Kind.SUBMIT, client_order_id=str(order.id))


def replace_instruct(order: Order, replacement: Replacement) -> None:
    """Have the replacement of a locked live order sent to its venue.  Safe to repeat."""
    if not VenueInstruction.objects.filter(replacement=replacement).exists():
        _write(order, Kind.REPLACE, client_order_id=str(replacement.id), replacement=replacement)


def cancel_instruct(order: Order) -> None:
    """Have a locked live order canceled at its venue; what was never sent ends here."""
    waiting = list(
        order.instructions.pending().exclude(kind=Kind.CANCEL).select_for_update(no_key=True)
    )
    submit = next((one for one in waiting if one.kind == Kind.SUBMIT), None)
    if submit is not None and submit.sent_at is None:
        submit.end(Status.WITHDRAWN)
        submit.save()
        close_locked(order, actor=None, how="cancel", reason="by_client")
    elif not order.instructions.pending().filter(kind=Kind.CANCEL).exists():
        _write(order, Kind.CANCEL, client_order_id=str(order.id))


def _write(
    order: Order, kind: str, *, client_order_id: str, replacement: Replacement | None = None
) -> None:
    instruction = VenueInstruction.objects.create(
        order=order,
        replacement=replacement,
        venue=venue_of(order.mode).name,
        kind=kind,
        client_order_id=client_order_id,
        next_attempt_at=timezone.now(),
    )
    transaction.on_commit(lambda: instruction_ask(instruction.id), robust=True)


def instruction_ask(instruction_id: UUID) -> None:
    """Ask a worker to send it now; without a broker of tasks the sweep asks again."""
    try:
        current_app.send_task("trading.send_instruction", args=[str(instruction_id)])
    except (OSError, RedisError, KombuError) as error:
        logger.warning("instruction_nudge_failed", error=type(error).__name__)
