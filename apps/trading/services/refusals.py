"""What is written down of an order that a check stopped: it leaves no order behind."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import Refused
from apps.trading.domain.desk_events import OrderRefused
from apps.trading.domain.orders import OrderDraft
from apps.trading.domain.risk import CheckResult, written
from apps.trading.models import Order, OrderRefusal
from apps.users.models import User


@contextmanager
def written_down(
    draft: OrderDraft,
    checks: Iterable[CheckResult],
    *,
    actor: User,
    client_order_id: str,
    replaces: Order | None = None,
) -> Iterator[None]:
    """Let a refusal inside carry its record out of the transaction that it ends.

    That of a replacement is in the stream of the order that it was to replace.
    """
    try:
        yield
    except Refused as error:
        facts = {
            "portfolio_id": str(draft.portfolio_id),
            "client_id": str(draft.client_id),
            "symbol": draft.symbol,
            "side": draft.side.value,
            "order_type": draft.order_type.value,
            "time_in_force": draft.time_in_force.value,
            "quantity": _text(draft.quantity),
            "notional": _text(draft.notional),
            "limit_price": _text(draft.limit_price),
            "stop_price": _text(draft.stop_price),
            "code": error.code,
            "checks": written(checks),
        }
        if replaces is None:
            error.write_down = partial(
                refusal_record, actor=actor, facts=facts, client_order_id=client_order_id
            )
        else:
            error.write_down = partial(
                replacement_refusal_record, actor=actor, facts=facts, stream=replaces.stream
            )
        raise


@command
def refusal_record(*, actor: User, client_order_id: str, facts: dict[str, Any]) -> OrderRefusal:
    """Keep an order that was refused."""
    named = ("portfolio_id", "symbol", "side", "order_type", "code")
    refusal = OrderRefusal(client_order_id=client_order_id, **{name: facts[name] for name in named})
    refusal.save(force_insert=True)
    emit(refusal.refuse(facts), actor=actor)
    return refusal


@command
def replacement_refusal_record(*, actor: User, stream: str, facts: dict[str, Any]) -> None:
    """Keep with the order that a replacement of it was refused."""
    emit(OrderRefused(stream=stream, **facts), actor=actor)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.normalize():f}"
