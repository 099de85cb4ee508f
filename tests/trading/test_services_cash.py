from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import connections
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.core.domain.money import Money
from apps.core.errors import (
    Conflict,
    DomainError,
    IllegalTransition,
    InvalidInput,
    NotFound,
    Refused,
)
from apps.ledger.domain.legs import AccountKind
from apps.ledger.models import Entry
from apps.ledger.selectors import balance_get, ledger_differences
from apps.trading.models import CashTransfer, Portfolio
from apps.trading.providers.bank import BankAnswer
from apps.trading.selectors.cash import cash_flows, transfer_get, transfer_list
from apps.trading.services.cash import (
    deposit_receive,
    transfer_fail,
    transfer_settle,
    withdrawal_request,
)
from tests.trading.factories import make_portfolio
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db
CASH, HELD = AccountKind.CASH, AccountKind.HELD


class SlowBank:
    def collect(self, *, transfer_id: UUID, amount: Money, **party: object) -> BankAnswer:
        return BankAnswer("PENDING", "SLOW-1")

    pay = collect


class RefusingBank:
    def collect(self, *, transfer_id: UUID, amount: Money, **party: object) -> BankAnswer:
        return BankAnswer("FAILED", "NO-1", "account_closed")

    pay = collect


def refuse(client_id: UUID) -> None:
    raise Refused("Frozen.", code="account_frozen")


@pytest.fixture(autouse=True)
def _checks(settings: Settings) -> None:
    settings.CASH_CHECKS = []


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def deposit(portfolio: Portfolio, amount: str, key: str = "k") -> CashTransfer:
    return deposit_receive(
        actor=portfolio.client, portfolio_id=portfolio.id, amount=usd(amount), idempotency_key=key
    )


def withdraw(portfolio: Portfolio, amount: str, key: str = "w") -> CashTransfer:
    return withdrawal_request(
        actor=portfolio.client, portfolio_id=portfolio.id, amount=usd(amount), idempotency_key=key
    )


def cash_and_held(portfolio: Portfolio) -> list[Decimal]:
    return [balance(portfolio), balance(portfolio, HELD)]


def balance(portfolio: Portfolio, kind: AccountKind = CASH) -> Decimal:
    return balance_get(portfolio.id, kind, "USD")


def test_deposit_receive_settled_by_the_bank_raises_cash_and_emits() -> None:
    portfolio = make_portfolio()

    transfer = deposit(portfolio, "250.50")

    assert transfer.status == "SETTLED"
    assert transfer.counterparty_reference.startswith("SIMULATED-")
    assert balance(portfolio) == Decimal("250.50")
    event = AuditEvent.objects.get(name="trading.cash.deposited")
    assert event.payload == {
        "portfolio_id": str(portfolio.id),
        "client_id": str(portfolio.client_id),
        "amount": "250.50",
        "currency": "USD",
        "transfer_id": str(transfer.id),
    }


def test_deposit_receive_by_the_firm_needs_no_owner() -> None:
    portfolio = make_portfolio()

    deposit_receive(
        actor=None, portfolio_id=portfolio.id, amount=usd("5"), idempotency_key="notice"
    )

    assert balance(portfolio) == 5


def test_deposit_receive_with_the_same_key_moves_once() -> None:
    portfolio = make_portfolio()

    assert deposit(portfolio, "10").id == deposit(portfolio, "10.00").id
    assert balance(portfolio) == 10


def test_deposit_receive_with_the_same_key_and_another_amount_conflicts() -> None:
    portfolio = make_portfolio()
    deposit(portfolio, "10")

    with pytest.raises(Conflict) as conflict:
        deposit(portfolio, "11")

    assert conflict.value.code == "idempotency_key_reused"
    assert balance(portfolio) == 10


@pytest.mark.parametrize("amount", ["0.99", "0", "-5", "1000000.01"])
def test_deposit_receive_beyond_the_limits_is_refused_and_changes_nothing(amount: str) -> None:
    portfolio = make_portfolio()

    with pytest.raises(Refused) as refused:
        deposit(portfolio, amount)

    assert refused.value.code == "amount_out_of_limits"
    assert Decimal(refused.value.facts["measured"]) == Decimal(amount)
    assert not CashTransfer.objects.exists()
    assert not Entry.objects.exists()


def test_deposit_receive_in_another_currency_is_refused() -> None:
    portfolio = make_portfolio()

    with pytest.raises(InvalidInput) as refused:
        deposit_receive(
            actor=portfolio.client,
            portfolio_id=portfolio.id,
            amount=Money.of("10", "EUR"),
            idempotency_key="k",
        )

    assert refused.value.code == "currency_mismatch"


def test_deposit_receive_of_a_fraction_of_a_cent_is_refused() -> None:
    portfolio = make_portfolio()

    with pytest.raises(InvalidInput):
        deposit_receive(
            actor=portfolio.client,
            portfolio_id=portfolio.id,
            amount=Money(Decimal("10.001"), "USD"),
            idempotency_key="k",
        )


@pytest.mark.parametrize("key", ["", "k" * 101])
def test_deposit_receive_without_usable_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidInput):
        deposit(make_portfolio(), "10", key)


def test_deposit_receive_into_another_clients_portfolio_is_not_found() -> None:
    portfolio = make_portfolio()

    with pytest.raises(NotFound):
        deposit_receive(
            actor=make_user(), portfolio_id=portfolio.id, amount=usd("10"), idempotency_key="k"
        )
    with pytest.raises(NotFound):
        deposit_receive(
            actor=portfolio.client, portfolio_id=uuid4(), amount=usd("10"), idempotency_key="k"
        )

    assert not CashTransfer.objects.exists()


@pytest.mark.parametrize("move", [deposit, withdraw])
def test_cash_of_a_client_whom_a_check_stops_does_not_move(
    settings: Settings, move: Callable[[Portfolio, str], CashTransfer]
) -> None:
    settings.CASH_CHECKS = ["tests.trading.test_services_cash.refuse"]
    portfolio = make_portfolio(cash="100")

    with pytest.raises(Refused) as refused:
        move(portfolio, "10")

    assert refused.value.code == "account_frozen"
    assert balance(portfolio) == 100
    assert not CashTransfer.objects.exists()


def test_deposit_receive_again_after_a_freeze_still_replays(settings: Settings) -> None:
    portfolio = make_portfolio()
    first = deposit(portfolio, "10")
    settings.CASH_CHECKS = ["tests.trading.test_services_cash.refuse"]

    assert deposit(portfolio, "10").id == first.id


def test_withdrawal_request_settled_by_the_bank_leaves_nothing_held() -> None:
    portfolio = make_portfolio(cash="100")

    transfer = withdraw(portfolio, "40")

    assert transfer.status == "SETTLED"
    assert cash_and_held(portfolio) == [60, 0]
    assert AuditEvent.objects.filter(name="trading.cash.withdrawn").count() == 1
    assert list(ledger_differences()) == []


def test_withdrawal_request_beyond_the_cash_is_refused_and_changes_nothing() -> None:
    portfolio = make_portfolio(cash="100")

    with pytest.raises(Refused) as refused:
        withdraw(portfolio, "100.01")

    assert refused.value.code == "insufficient_funds"
    assert balance(portfolio) == 100
    assert not CashTransfer.objects.exists()
    assert not AuditEvent.objects.filter(name="trading.cash.requested").exists()


def test_withdrawal_request_pending_at_the_bank_is_held_until_it_settles(
    settings: Settings,
) -> None:
    settings.CASH_BANK = "tests.trading.test_services_cash.SlowBank"
    portfolio = make_portfolio(cash="100")

    transfer = withdraw(portfolio, "40")
    assert (transfer.status, transfer.counterparty_reference) == ("PENDING", "SLOW-1")
    assert cash_and_held(portfolio) == [60, 40]

    settled = transfer_settle(actor=None, transfer_id=transfer.id, reference="SLOW-2")
    assert settled.status == "SETTLED"
    assert cash_and_held(portfolio) == [60, 0]

    with pytest.raises(IllegalTransition):
        transfer_fail(actor=None, transfer_id=transfer.id, code="late")
    assert balance(portfolio) == 60


def test_withdrawal_request_that_fails_later_gives_the_money_back(settings: Settings) -> None:
    settings.CASH_BANK = "tests.trading.test_services_cash.SlowBank"
    portfolio = make_portfolio(cash="100")
    transfer = withdraw(portfolio, "40")

    failed = transfer_fail(actor=None, transfer_id=transfer.id, code="account_closed")

    assert (failed.status, failed.failure_code) == ("FAILED", "account_closed")
    assert cash_and_held(portfolio) == [100, 0]


@pytest.mark.parametrize(("move", "left"), [(deposit, 100), (withdraw, 100)])
def test_transfer_refused_by_the_bank_fails_and_leaves_the_cash(
    settings: Settings, move: Callable[[Portfolio, str], CashTransfer], left: int
) -> None:
    settings.CASH_BANK = "tests.trading.test_services_cash.RefusingBank"
    portfolio = make_portfolio(cash="100")

    transfer = move(portfolio, "40")

    assert (transfer.status, transfer.failure_code) == ("FAILED", "account_closed")
    assert cash_and_held(portfolio) == [left, 0]
    assert AuditEvent.objects.filter(name="trading.cash.failed").count() == 1


def test_transfer_settle_of_an_unknown_transfer_is_not_found() -> None:
    with pytest.raises(NotFound):
        transfer_settle(actor=None, transfer_id=uuid4(), reference="x")


def test_transfer_list_shows_own_transfers_newest_first() -> None:
    portfolio = make_portfolio()
    first, second = deposit(portfolio, "10", "a"), withdraw(portfolio, "5", "b")
    stranger = make_user()

    assert list(transfer_list(portfolio.client, portfolio.id)) == [second, first]
    assert list(transfer_list(portfolio.client, portfolio.id, "DEPOSIT")) == [first]
    assert transfer_get(portfolio.client, first.id) == first
    assert [flow.amount for flow in cash_flows([portfolio.id])] == [10, -5]
    with pytest.raises(NotFound):
        transfer_list(stranger, portfolio.id)
    with pytest.raises(NotFound):
        transfer_get(stranger, first.id)


def _in_threads(run: Callable[[int], object], work: Iterable[int]) -> list[object]:
    def safely(item: int) -> object:
        try:
            return run(item)
        except DomainError as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(safely, work))


@pytest.mark.django_db(transaction=True)
def test_withdrawal_request_in_parallel_never_overdraws() -> None:
    portfolio = make_portfolio(cash="100")

    outcomes = _in_threads(lambda n: withdraw(portfolio, "10", f"w{n}").status, range(20))

    assert outcomes.count("SETTLED") == 10
    assert outcomes.count("insufficient_funds") == 10
    assert cash_and_held(portfolio) == [0, 0]
    assert list(ledger_differences()) == []


@pytest.mark.django_db(transaction=True)
def test_deposit_receive_in_parallel_with_one_key_moves_once() -> None:
    portfolio = make_portfolio()

    outcomes = _in_threads(lambda _: deposit(portfolio, "10").id, range(12))

    assert len(set(outcomes)) == 1
    assert balance(portfolio) == 10


def test_asvs_v2_3_2_transfers_beyond_the_days_number_are_refused(settings: Settings) -> None:
    settings.CASH_TRANSFERS_A_DAY = 2
    portfolio = make_portfolio()
    for key in ("a", "b", "a"):
        deposit(portfolio, "10", key)

    with pytest.raises(Refused) as refusal:
        deposit(portfolio, "10", "c")

    assert (refusal.value.code, refusal.value.facts["limit"]) == ("transfers_a_day", "2")
    assert CashTransfer.objects.count() == 2
    assert balance_get(portfolio.id, CASH, "USD") == 20
