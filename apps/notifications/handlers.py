"""Whom to tell of what, after it was committed."""

from decimal import Decimal
from uuid import UUID

from apps.compliance.domain.kyc import KycStatus, client_status
from apps.compliance.domain.wording import day_in_words
from apps.compliance.events import KycDecided, KycStatusChanged, OperationsAlertRaised
from apps.compliance.events.kyc import (
    DocumentExpiring,
    InformationReminded,
    InformationRequested,
)
from apps.compliance.selectors.information import items_in_words
from apps.core.domain.money import MINOR_UNITS
from apps.core.events import DomainEvent, subscribe
from apps.notifications.services.messages import notification_send
from apps.notifications.services.webhooks import deliveries_enqueue
from apps.trading.events import (
    CashDeposited,
    CashWithdrawn,
    OrderCanceled,
    OrderExpired,
    OrderFacts,
    OrderFilled,
    OrderRejected,
)
from apps.trading.events.plans import PlanRunEnded
from apps.users.domain.roles import Role
from apps.users.events import (
    ApiKeyCreated,
    ApiKeyRevoked,
    EmailChanged,
    PasswordChanged,
    PasswordExpired,
    RefreshTokenReused,
    RoleGiven,
    RoleRemoved,
    SecondFactorChanged,
    SignInSucceeded,
    SocialAccountChanged,
)
from apps.users.selectors import email_former_get, role_holders

# What a client hears of a decision; every other status says nothing to them, and what was asked of
# them is told item by item.
KYC_CODES = {"APPROVED": "kyc_approved", "REJECTED": "kyc_rejected"}
HOOKED = {*KYC_CODES, "NEEDS_INFORMATION"}


def _tell(event: DomainEvent, user_id: str, code: str, facts: dict[str, str]) -> None:
    notification_send(user_id=UUID(user_id), event_id=UUID(event.event_id), code=code, facts=facts)


def _is_news(event: KycDecided) -> bool:
    """Tell whether the client's state changed as the client sees it: no review is heard of."""
    was = event.from_status
    return not was or client_status(was) != client_status(event.status)


@subscribe(KycDecided)
def tell_kyc_decided(event: KycDecided) -> None:
    code = KYC_CODES.get(event.status)
    if code and _is_news(event):
        _tell(event, event.client_id, code, {})


@subscribe(KycStatusChanged)
def tell_kyc_expired(event: KycStatusChanged) -> None:
    if event.status == KycStatus.EXPIRED:
        _tell(event, event.client_id, "kyc_expired", {})


@subscribe(DocumentExpiring)
def tell_document_expiring(event: DocumentExpiring) -> None:
    code = "document_expired" if event.has_expired else "document_expiring"
    _tell(event, event.client_id, code, {"date": day_in_words(event.expiry_date)})


@subscribe(InformationRequested)
def tell_information_requested(event: InformationRequested) -> None:
    facts = {"items": items_in_words(event.items, event.due_dates)}
    _tell(event, event.client_id, "kyc_needs_information", facts)


@subscribe(InformationReminded)
def tell_information_due(event: InformationReminded) -> None:
    facts = {"items": items_in_words(event.items, event.due_dates)}
    _tell(event, event.client_id, "kyc_information_due", facts)


@subscribe(OperationsAlertRaised)
def tell_operations(event: OperationsAlertRaised) -> None:
    for user_id in role_holders(Role.OPERATIONS):
        _tell(event, str(user_id), "operations_alert", {"message": event.message})


@subscribe(CashDeposited)
def tell_cash_deposited(event: CashDeposited) -> None:
    facts = {"amount": _money(event.amount, event.currency), "currency": event.currency}
    _tell(event, event.client_id, "cash_deposited", facts)


@subscribe(CashWithdrawn)
def tell_cash_withdrawn(event: CashWithdrawn) -> None:
    facts = {"amount": _money(event.amount, event.currency), "currency": event.currency}
    _tell(event, event.client_id, "cash_withdrawn", facts)


@subscribe(OrderFilled)
def tell_order_filled(event: OrderFilled) -> None:
    facts = {
        "side": {"BUY": "Bought", "SELL": "Sold"}.get(event.side, event.side),
        "quantity": f"{Decimal(event.quantity).normalize():,f}",
        "symbol": event.symbol,
        "price": _money(event.price, event.currency),
        "currency": event.currency,
    }
    _tell(event, event.client_id, "order_filled", facts)


@subscribe(OrderRejected)
def tell_order_rejected(event: OrderRejected) -> None:
    _tell(event, event.client_id, "order_rejected", {"symbol": event.symbol})


@subscribe(OrderCanceled)
def tell_order_canceled(event: OrderCanceled) -> None:
    """Tell of what the firm canceled; clients know what they did themselves."""
    if event.reason == "by_firm":
        _tell(event, event.client_id, "order_canceled_by_firm", {"symbol": event.symbol})


@subscribe(PlanRunEnded)
def tell_plan_run_ended(event: PlanRunEnded) -> None:
    """Tell of what went wrong; what went well is told by its deposit and its fills."""
    facts = {"due_date": event.due_date, "code": event.code}
    if event.status == "FAILED":
        _tell(event, event.client_id, "plan_run_failed", facts)
    elif event.code:
        _tell(event, event.client_id, "plan_run_partly", facts)


@subscribe(SignInSucceeded)
def tell_signed_in(event: SignInSucceeded) -> None:
    """Tell of a device or a network that the account does not know; the others would be noise."""
    if not event.is_known:
        _tell(event, event.user_id, "signed_in", {"channel": event.channel.lower()})


@subscribe(PasswordChanged)
def tell_password_changed(event: PasswordChanged) -> None:
    _tell(event, event.user_id, "password_changed", {})


@subscribe(EmailChanged)
def tell_email_changed(event: EmailChanged) -> None:
    """Tell both addresses: only at the former one would the owner notice a theft."""
    former = email_former_get(UUID(event.change_id))
    notification_send(
        user_id=UUID(event.user_id),
        event_id=UUID(event.event_id),
        code="email_changed",
        facts={},
        also_to=former,
    )


@subscribe(SocialAccountChanged)
def tell_social_account_changed(event: SocialAccountChanged) -> None:
    code = f"social_account_{event.change.lower()}"
    _tell(event, event.user_id, code, {"provider": event.provider})


@subscribe(PasswordExpired)
def tell_password_expired(event: PasswordExpired) -> None:
    _tell(event, event.user_id, "password_expired", {})


@subscribe(SecondFactorChanged)
def tell_second_factor_changed(event: SecondFactorChanged) -> None:
    _tell(event, event.user_id, f"second_factor_{event.change.lower()}", {})


@subscribe(ApiKeyCreated)
def tell_api_key_created(event: ApiKeyCreated) -> None:
    _tell(event, event.user_id, "api_key_created", {"mode": event.mode.lower()})


@subscribe(ApiKeyRevoked)
def tell_api_key_revoked(event: ApiKeyRevoked) -> None:
    _tell(event, event.user_id, "api_key_revoked", {})


@subscribe(RefreshTokenReused)
def tell_refresh_token_reused(event: RefreshTokenReused) -> None:
    _tell(event, event.user_id, "refresh_token_reused", {})


@subscribe(RoleGiven)
def tell_role_given(event: RoleGiven) -> None:
    _tell(event, event.user_id, "roles_changed", {})


@subscribe(RoleRemoved)
def tell_role_removed(event: RoleRemoved) -> None:
    _tell(event, event.user_id, "roles_changed", {})


def _hook(event: DomainEvent, user_id: str, event_type: str, **data: str) -> None:
    deliveries_enqueue(
        user_id=UUID(user_id),
        event_id=UUID(event.event_id),
        event_type=event_type,
        occurred_at=event.occurred_at,
        data=data,
    )


def _order(event: OrderFacts) -> dict[str, str]:
    return {
        "order_id": event.order_id,
        "portfolio_id": event.portfolio_id,
        "symbol": event.symbol,
        "side": event.side,
    }


@subscribe(KycDecided)
def hook_kyc_decided(event: KycDecided) -> None:
    if event.status in HOOKED and _is_news(event):
        _hook(event, event.client_id, "kyc.decided", status=event.status)


@subscribe(CashDeposited)
def hook_cash_deposited(event: CashDeposited) -> None:
    facts = {"portfolio_id": event.portfolio_id, "transfer_id": event.transfer_id}
    facts |= {"amount": event.amount, "currency": event.currency}
    _hook(event, event.client_id, "cash.deposited", **facts)


@subscribe(CashWithdrawn)
def hook_cash_withdrawn(event: CashWithdrawn) -> None:
    facts = {"portfolio_id": event.portfolio_id, "transfer_id": event.transfer_id}
    facts |= {"amount": event.amount, "currency": event.currency}
    _hook(event, event.client_id, "cash.withdrawn", **facts)


@subscribe(OrderFilled)
def hook_order_filled(event: OrderFilled) -> None:
    facts = {"quantity": event.quantity, "price": event.price, "currency": event.currency}
    facts |= {"fees": event.fees, "remaining": event.remaining}
    _hook(event, event.client_id, "order.filled", **_order(event), **facts)


@subscribe(OrderRejected)
def hook_order_rejected(event: OrderRejected) -> None:
    _hook(event, event.client_id, "order.rejected", **_order(event), reason=event.reason)


@subscribe(OrderCanceled)
def hook_order_canceled(event: OrderCanceled) -> None:
    _hook(event, event.client_id, "order.canceled", **_order(event), filled=event.filled)


@subscribe(OrderExpired)
def hook_order_expired(event: OrderExpired) -> None:
    _hook(event, event.client_id, "order.expired", **_order(event), filled=event.filled)


def _money(number: str, currency: str) -> str:
    """Return an amount or a price with its minor units and what decimals it has beyond them."""
    value = Decimal(number).normalize()
    places = max(MINOR_UNITS[currency], -int(value.as_tuple().exponent))
    return f"{value:,.{places}f}"
