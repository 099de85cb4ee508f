"""Commands that place a batch's orders: sales first, purchases when the sales have ended."""

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import DomainError
from apps.infrastructure.failures import FailureTold
from apps.trading.domain.orders import OrderType, Side
from apps.trading.events.plans import BatchConfirmed
from apps.trading.models import BatchLine, OrderBatch, Portfolio
from apps.trading.services.orders import order_place

WAITING, PLACED, REFUSED = (
    BatchLine.Status.WAITING,
    BatchLine.Status.PLACED,
    BatchLine.Status.REFUSED,
)
MESSAGE_LENGTH = 300


def batch_begin(batch: OrderBatch) -> None:
    """Take the client's word for a batch and place what can be placed now.

    Called inside a command, under the lock of the portfolio's row.
    """
    batch.status, batch.confirmed_at = OrderBatch.Status.SELLING, timezone.now()
    batch.save()
    portfolio = batch.portfolio
    event = BatchConfirmed(
        stream=batch.stream,
        batch_id=str(batch.id),
        portfolio_id=str(portfolio.id),
        client_id=str(portfolio.client_id),
        kind=batch.kind,
        orders=batch.lines.filter(status=WAITING).count(),
    )
    emit(event, actor=portfolio.client)
    _advance(batch)


@command
def batch_advance(*, batch_id: UUID) -> OrderBatch:
    """Place the purchases of a batch whose sales have ended; safe to repeat."""
    found = OrderBatch.objects.get(id=batch_id)
    portfolio = Portfolio.objects.locked(found.portfolio_id, may_be_closed=True)
    batch = OrderBatch.objects.get(id=batch_id)
    batch.portfolio = portfolio
    if batch.status == OrderBatch.Status.SELLING:
        _advance(batch)
    return batch


def batches_advance() -> int:
    """Go on with every batch that waits for its sales; return how many are done now.

    One that fails is told to operations, and tried again by the next call.
    """
    waiting = OrderBatch.objects.filter(status=OrderBatch.Status.SELLING)
    done = 0
    for batch_id in list(waiting.values_list("id", flat=True)):
        with FailureTold(
            "BATCH_FAILED",
            subject=str(batch_id),
            message="The orders of a rebalancing or plan could not be placed; it is tried again.",
        ):
            done += batch_advance(batch_id=batch_id).status == OrderBatch.Status.DONE
    return done


def _advance(batch: OrderBatch) -> None:
    lines = list(batch.lines.select_related("order").order_by("position"))
    _place(batch, [line for line in lines if line.side == Side.SELL])
    if any(
        line.order is not None and not line.order.is_closed
        for line in lines
        if line.side == Side.SELL
    ):
        return
    _place(batch, [line for line in lines if line.side == Side.BUY])
    batch.status = OrderBatch.Status.DONE
    batch.save()


def _place(batch: OrderBatch, lines: Sequence[BatchLine]) -> None:
    """Place each order by itself: one that is refused takes no other with it."""
    for line in lines:
        if line.status != WAITING:
            continue
        try:
            line.order = order_place(
                actor=batch.portfolio.client,
                portfolio_id=batch.portfolio_id,
                symbol=line.symbol,
                side=line.side,
                order_type=OrderType.MARKET,
                quantity=line.quantity,
                notional=line.notional,
                client_order_id=line.client_order_id,
            )
        except DomainError as error:
            line.status, line.code = REFUSED, error.code
            line.message = error.message[:MESSAGE_LENGTH]
        else:
            line.status = PLACED
        line.save()
