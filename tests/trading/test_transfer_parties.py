"""Money of or for somebody else than the client waits until it is released."""

from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.core.domain.money import Money
from apps.core.errors import Conflict, DomainError, IllegalTransition, Refused
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get, ledger_differences
from apps.trading.domain.parties import Party, payee_of
from apps.trading.models import CashTransfer, Portfolio
from apps.trading.providers.bank import BankAnswer, SimulatedBank
from apps.trading.selectors.cash import cash_flows, payments_of
from apps.trading.selectors.reconciliation import reconciliation_read
from apps.trading.services.cash import (
    deposit_receive,
    transfer_release,
    transfer_settle,
    withdrawal_request,
)
from tests.trading.factories import make_portfolio

PAYEE = Party("Zoë Kravchenko-Lindqvist", "GB33BUKB20201555555555", "GB")


class OthersBank(SimulatedBank):
    """Every deposit comes from somebody else's account."""

    def collect(self, *, transfer_id: UUID, amount: Money, holder: str) -> BankAnswer:
        return BankAnswer("SETTLED", "IN-1", payer=PAYEE)


class SilentBank(SimulatedBank):
    def collect(self, *, transfer_id: UUID, amount: Money, holder: str) -> BankAnswer:
        return BankAnswer("PENDING", "IN-2")


def refuse(client_id: UUID) -> None:
    raise Refused("Frozen.", code="account_frozen")


@pytest.fixture(autouse=True)
def _checks(settings: Settings) -> None:
    settings.CASH_CHECKS = []


def deposit(portfolio: Portfolio) -> CashTransfer:
    return deposit_receive(
        actor=portfolio.client,
        portfolio_id=portfolio.id,
        amount=Money.of("40", "USD"),
        idempotency_key="d",
    )


def pay(portfolio: Portfolio, payee: Party | None = PAYEE) -> CashTransfer:
    return withdrawal_request(
        actor=portfolio.client,
        portfolio_id=portfolio.id,
        amount=Money.of("40", "USD"),
        idempotency_key="w",
        payee=payee,
    )


def cash_and_held(portfolio: Portfolio) -> list[int]:
    kinds = (AccountKind.CASH, AccountKind.HELD)
    return [int(balance_get(portfolio.id, kind, "USD")) for kind in kinds]


@pytest.mark.parametrize(
    ("name", "is_own"),
    [
        ("Ada Lovelace", True),
        ("LOVELACE, ADA", True),
        ("Ada B. Lovelace", False),
        ("Lovelace", False),
        ("", False),
    ],
)
def test_party_of_the_same_words_is_the_client(name: str, is_own: bool) -> None:
    assert Party(name).is_one_of(["Ada Lovelace"]) is is_own


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("", "GB33BUKB20201555555555", "GB"), "payee_unusable"),
        (("...", "12345", "GB"), "payee_unusable"),
        (("a" * 141, "12345", "GB"), "payee_unusable"),
        (("A\u202eB", "12345", "GB"), "payee_unusable"),
        (("Ada", "1234", "GB"), "payee_unusable"),
        (("Ada", "12345", "gb"), "payee_unusable"),
        (("Ada", "GB34BUKB20201555555555", "GB"), "iban_invalid"),
    ],
    ids=["none", "no_letter", "long", "reversed", "short", "small", "check_digits"],
)
def test_payee_that_no_bank_would_take_is_refused(given: tuple[str, str, str], code: str) -> None:
    with pytest.raises(Refused) as refused:
        payee_of(*given)
    assert refused.value.code == code


def test_payee_is_kept_as_one_word_and_shown_masked() -> None:
    party = payee_of(" Zoë  Kravchenko-Lindqvist ", "gb33 bukb 2020 1555 5555 55", "GB")

    assert party == PAYEE
    assert party.masked_account == "••••5555"


@pytest.mark.django_db
def test_deposit_of_another_is_held_until_released_and_counted_once(settings: Settings) -> None:
    settings.CASH_BANK = f"{__name__}.OthersBank"
    portfolio = make_portfolio()

    transfer = deposit(portfolio)

    assert (transfer.status, transfer.shown_status, transfer.shown_settled_at) == (
        *("SETTLED", "PENDING", None),
    )
    assert cash_and_held(portfolio) == [0, 40]
    event = AuditEvent.objects.get(name="trading.cash.held")
    assert "Zo" not in str(event.payload)
    assert not AuditEvent.objects.filter(name="trading.cash.deposited").exists()
    assert [flow.amount for flow in cash_flows([portfolio.id])] == [40]
    assert not reconciliation_read().differences
    with pytest.raises(DomainError):
        pay(portfolio, None)

    for _ in range(2):
        assert not transfer_release(transfer_id=transfer.id).is_held
    assert cash_and_held(portfolio) == [40, 0]
    assert AuditEvent.objects.filter(name="trading.cash.deposited").count() == 1
    assert not list(ledger_differences())


@pytest.mark.django_db
def test_deposit_whose_payer_the_bank_names_late_or_never(settings: Settings) -> None:
    settings.CASH_BANK = f"{__name__}.SilentBank"
    named, unnamed = make_portfolio(), make_portfolio()
    own = Party(named.client.get_full_name())

    transfer_settle(actor=None, transfer_id=deposit(named).id, reference="r", payer=own)
    transfer_settle(actor=None, transfer_id=deposit(unnamed).id, reference="r")

    assert cash_and_held(named) == [40, 0]
    assert cash_and_held(unnamed) == [0, 40]


@pytest.mark.django_db
def test_withdrawal_to_another_leaves_only_when_released() -> None:
    portfolio = make_portfolio(cash="100")

    transfer = pay(portfolio)

    assert (transfer.status, transfer.is_held) == ("PENDING", True)
    assert cash_and_held(portfolio) == [60, 40]
    with pytest.raises(IllegalTransition):
        transfer_settle(actor=None, transfer_id=transfer.id, reference="no")
    assert pay(portfolio).id == transfer.id
    for payee in (None, Party("Somebody Else", PAYEE.account, "GB")):
        with pytest.raises(Conflict):
            pay(portfolio, payee)

    transfer_release(transfer_id=transfer.id)
    assert cash_and_held(portfolio) == [60, 0]
    transfer.refresh_from_db()
    assert (transfer.status, transfer.other_side) == ("SETTLED", PAYEE)
    (payment,) = payments_of(portfolio.client_id, since=transfer.created_at)
    assert payment.party == PAYEE
    with connection.cursor() as cursor:
        cursor.execute("SELECT party FROM trading_cashtransfer")
        assert b"Kravchenko" not in bytes(cursor.fetchone()[0])


@pytest.mark.django_db
def test_withdrawal_released_after_a_freeze_fails_and_is_free_again(settings: Settings) -> None:
    portfolio = make_portfolio(cash="100")
    transfer = pay(portfolio)
    settings.CASH_CHECKS = [f"{__name__}.refuse"]

    released = transfer_release(transfer_id=transfer.id)

    assert (released.status, released.failure_code) == ("FAILED", "account_frozen")
    assert cash_and_held(portfolio) == [100, 0]


@pytest.mark.django_db
def test_database_refuses_a_hold_on_money_that_has_left() -> None:
    transfer = pay(make_portfolio(cash="100"), None)

    with pytest.raises(IntegrityError), transaction.atomic():
        CashTransfer.objects.filter(id=transfer.id).update(is_held=True)
