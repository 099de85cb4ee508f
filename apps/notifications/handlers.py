"""Whom to tell of what, after it was committed."""

from uuid import UUID

from apps.compliance.events import KycDecided
from apps.core.events import DomainEvent, subscribe
from apps.notifications.services import notification_send
from apps.trading.events import CashDeposited, CashWithdrawn, OrderFilled, OrderRejected
from apps.users.events import SignInSucceeded

# What a client hears of a decision; every other status says nothing to them.
KYC_CODES = {
    "APPROVED": "kyc_approved",
    "REJECTED": "kyc_rejected",
    "NEEDS_INFORMATION": "kyc_needs_information",
}


def _tell(event: DomainEvent, user_id: str, code: str, facts: dict[str, str]) -> None:
    notification_send(user_id=UUID(user_id), event_id=UUID(event.event_id), code=code, facts=facts)


@subscribe(KycDecided)
def tell_kyc_decided(event: KycDecided) -> None:
    code = KYC_CODES.get(event.status)
    if code:
        _tell(event, event.client_id, code, {})


@subscribe(CashDeposited)
def tell_cash_deposited(event: CashDeposited) -> None:
    facts = {"amount": event.amount, "currency": event.currency}
    _tell(event, event.client_id, "cash_deposited", facts)


@subscribe(CashWithdrawn)
def tell_cash_withdrawn(event: CashWithdrawn) -> None:
    facts = {"amount": event.amount, "currency": event.currency}
    _tell(event, event.client_id, "cash_withdrawn", facts)


@subscribe(OrderFilled)
def tell_order_filled(event: OrderFilled) -> None:
    facts = {
        "side": {"BUY": "Bought", "SELL": "Sold"}.get(event.side, event.side),
        "quantity": event.quantity,
        "symbol": event.symbol,
        "price": event.price,
        "currency": event.currency,
    }
    _tell(event, event.client_id, "order_filled", facts)


@subscribe(OrderRejected)
def tell_order_rejected(event: OrderRejected) -> None:
    _tell(event, event.client_id, "order_rejected", {"symbol": event.symbol})


@subscribe(SignInSucceeded)
def tell_signed_in(event: SignInSucceeded) -> None:
    _tell(event, event.user_id, "signed_in", {"channel": event.channel.lower()})
