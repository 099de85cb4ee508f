"""What compliance does when something happened; every handler may be called again."""

from decimal import Decimal
from uuid import UUID

from apps.compliance.domain.alerts import CONFIRMED, HITS_DECIDED
from apps.compliance.domain.reviews import ReviewReason
from apps.compliance.events import AlertDecided, KycStepSaved, KycSubmitted, ScreeningHitDisposed
from apps.compliance.events.own_kyc import KycPartyRemoved, KycPartySaved
from apps.compliance.selectors.screening_alerts import PAYMENT
from apps.compliance.services.hits import hits_dispose_by_alert
from apps.compliance.services.monitoring import movement_record
from apps.compliance.services.payments import payment_decide, payment_screen
from apps.compliance.services.rescreening import client_screen
from apps.compliance.services.review_triggers import client_review, match_spread
from apps.compliance.services.screening import screening_run
from apps.core.events import subscribe
from apps.trading.events import (
    CashDeposited,
    CashTransferHeld,
    CashWithdrawn,
    OrderFilled,
    PortfolioTransferMade,
)
from apps.users.selectors import user_get


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


@subscribe(PortfolioTransferMade)
def record_internal_transfer(event: PortfolioTransferMade) -> None:
    """Keep it with its label: money that goes round inside the firm is no deposit."""
    movement_record(
        event_id=UUID(event.event_id),
        client_id=UUID(event.client_id),
        portfolio_id=UUID(event.source_id),
        kind="INTERNAL",
        amount=Decimal(event.value),
        currency=event.currency,
        occurred_at=event.occurred_at,
        reference=event.transfer_id,
    )


@subscribe(CashTransferHeld)
def screen_other_side(event: CashTransferHeld) -> None:
    payment_screen(transfer_id=UUID(event.transfer_id))


@subscribe(KycSubmitted)
def screen_submission(event: KycSubmitted) -> None:
    screening_run(record_id=UUID(event.record_id))


@subscribe(KycStepSaved)
def screen_changed_answers(event: KycStepSaved) -> None:
    client_screen(record_id=UUID(event.record_id))


@subscribe(KycPartySaved)
def screen_changed_party(event: KycPartySaved) -> None:
    client_screen(record_id=UUID(event.record_id))


@subscribe(KycPartyRemoved)
def screen_without_party(event: KycPartyRemoved) -> None:
    client_screen(record_id=UUID(event.record_id))


@subscribe(ScreeningHitDisposed)
def review_whom_a_true_match_resembles(event: ScreeningHitDisposed) -> None:
    if event.disposition == "TRUE_MATCH":
        match_spread(hit_id=UUID(event.hit_id))


@subscribe(AlertDecided)
def review_whose_alert_is_confirmed(event: AlertDecided) -> None:
    if event.disposition in CONFIRMED:
        client_review(client_id=UUID(event.client_id), reason=ReviewReason.ALERT_CONFIRMED)


@subscribe(AlertDecided)
def carry_alert_over_to_hits(event: AlertDecided) -> None:
    """Let the hits follow the alert: the four eyes were its own."""
    if event.kind == "SCREENING" and event.reason_code != HITS_DECIDED:
        hits_dispose_by_alert(
            actor=user_get(UUID(event.confirmed_by)),
            references=event.references,
            disposition=event.disposition,
            reason_code=event.reason_code,
            reason=f"Alert {event.alert_id}: {event.reason_code}",
        )


@subscribe(AlertDecided)
def carry_alert_over_to_payment(event: AlertDecided) -> None:
    if event.scenario_code == PAYMENT:
        payment_decide(
            actor=user_get(UUID(event.confirmed_by)),
            alert_id=UUID(event.alert_id),
            disposition=event.disposition,
        )
