"""Every cash movement and every fill reaches monitoring, after it was committed."""

from decimal import Decimal
from uuid import UUID

from apps.compliance.services.monitoring import movement_record
from apps.core.events import subscribe
from apps.trading.events import CashDeposited, CashWithdrawn, OrderFilled


def _record_cash(event: CashDeposited | CashWithdrawn, kind: str) -> None:
    movement_record(
        event_id=UUID(event.event_id),
        client_id=UUID(event.client_id),
        portfolio_id=UUID(event.portfolio_id),
        kind=kind,
        amount=Decimal(event.amount),
        currency=event.currency,
        occurred_at=event.occurred_at,
        reference=event.transfer_id,
    )


@subscribe(CashDeposited)
def record_deposit(event: CashDeposited) -> None:
    _record_cash(event, "DEPOSIT")


@subscribe(CashWithdrawn)
def record_withdrawal(event: CashWithdrawn) -> None:
    _record_cash(event, "WITHDRAWAL")


@subscribe(OrderFilled)
def record_trade(event: OrderFilled) -> None:
    movement_record(
        event_id=UUID(event.event_id),
        client_id=UUID(event.client_id),
        portfolio_id=UUID(event.portfolio_id),
        kind="TRADE",
        amount=(Decimal(event.quantity) * Decimal(event.price)).quantize(Decimal("0.00000001")),
        currency=event.currency,
        occurred_at=event.occurred_at,
        reference=event.execution_id,
    )
