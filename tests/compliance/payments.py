"""Payments for tests: who pays, whom is paid, and what officers decide."""

from typing import Any

from apps.audit.services import outbox_deliver
from apps.compliance.models import Alert, PaymentScreening
from apps.compliance.services.alerts import alert_confirm, alert_propose
from apps.core.domain.money import Money
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get
from apps.trading.domain.parties import Party
from apps.trading.models import CashTransfer, Portfolio
from apps.trading.providers.bank import BankAnswer, SimulatedBank
from apps.trading.services.cash import deposit_receive, withdrawal_request
from tests.compliance.alert_factories import make_officer

LISTED = Party("BRANTOV Viktor", "GB33BUKB20201555555555", "GB")
STRANGER = Party("Grace Hopper", "GB33BUKB20201555555555", "GB")
UNNAMED = Party("")
payers: list[Party] = []


class PayersBank(SimulatedBank):
    def collect(self, **asked: Any) -> BankAnswer:
        return BankAnswer("SETTLED", "IN-1", payer=payers[-1])


def deposit(portfolio: Portfolio, payer: Party, key: str = "d") -> CashTransfer:
    payers.append(payer)
    return _done(deposit_receive, portfolio, key)


def withdraw(portfolio: Portfolio, payee: Party, key: str = "w") -> CashTransfer:
    return _done(withdrawal_request, portfolio, key, payee=payee)


def _done(command: Any, portfolio: Portfolio, key: str, **more: Any) -> CashTransfer:
    transfer = command(
        actor=portfolio.client,
        portfolio_id=portfolio.id,
        amount=Money.of("40", "USD"),
        idempotency_key=key,
        **more,
    )
    outbox_deliver(context="compliance")
    transfer.refresh_from_db()
    return transfer  # type: ignore[no-any-return]


def decide(disposition: str, reason_code: str) -> None:
    alert = Alert.objects.open().get()
    alert_propose(
        actor=make_officer(),
        alert_id=alert.id,
        disposition=disposition,
        reason_code=reason_code,
        note="Compared.",
    )
    assert PaymentScreening.objects.get(alert=alert).status == "HELD"
    alert_confirm(actor=make_officer(), alert_id=alert.id)
    outbox_deliver(context="compliance")


def cash_and_held(portfolio: Portfolio) -> list[int]:
    kinds = (AccountKind.CASH, AccountKind.HELD)
    return [int(balance_get(portfolio.id, kind, "USD")) for kind in kinds]
