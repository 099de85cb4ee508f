"""Held payments follow the lists; blocked ones leave by two officers, once, whatever happens."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.urls import reverse
from pytest_django import Settings

from apps.compliance.models import Alert, PaymentExit, PaymentResult, PaymentScreening, WorkItem
from apps.compliance.services.alerts import alert_propose
from apps.compliance.services.payment_exits import (
    payment_exit_confirm,
    payment_exit_decline,
    payment_exit_propose,
)
from apps.compliance.services.payment_rescreening import payments_rescreen
from apps.compliance.services.work_items import work_items_sync
from apps.core.errors import Conflict, DomainError, InvalidInput, NotPermitted
from apps.trading.models import CashTransfer, Portfolio
from apps.trading.providers.bank import BankAnswer
from apps.trading.selectors.cash import cash_flows
from apps.trading.services.cash import transfer_fail
from tests.compliance.alert_factories import make_client, make_officer
from tests.compliance.payments import (
    LISTED,
    PayersBank,
    cash_and_held,
    decide,
    deposit,
    withdraw,
)
from tests.compliance.test_admin_kyc import desk
from tests.compliance.test_rescreening import listed

pytestmark = pytest.mark.django_db
NAMED = "Viktor Brantov"


class SlowBank(PayersBank):
    def pay(self, **asked: Any) -> BankAnswer:
        return BankAnswer("PENDING", "OUT-1")


def blocked(portfolio: Portfolio, kind: str = "DEPOSIT") -> PaymentScreening:
    (deposit if kind == "DEPOSIT" else withdraw)(portfolio, LISTED)
    decide("TRUE_MATCH", "CLIENT_CONFIRMED")
    return PaymentScreening.objects.get()


def leave(screening: PaymentScreening, action: str, licence: str = "") -> PaymentExit:
    made = payment_exit_propose(
        actor=make_officer(),
        screening_id=screening.id,
        action=action,
        reason="Qxreason",
        licence=licence,
    )
    return payment_exit_confirm(actor=make_officer(), exit_id=made.id, action=action)


def test_held_payment_is_compared_with_newer_lists_and_stays_while_one_names_the_payee(
    portfolio: Portfolio,
) -> None:
    listed(b="Nobody Inparticular")
    transfer = withdraw(portfolio, LISTED)
    (hit,) = PaymentResult.objects.all()

    listed(b="Nobody Inparticular", c="Viktor Brantow")
    assert [payments_rescreen(), payments_rescreen()] == [1, 0]
    held = PaymentScreening.objects.get()
    assert (held.status, PaymentResult.objects.exclude(id=hit.id).count()) == ("HELD", 1)
    assert Alert.objects.get().evidence.filter(kind="PAYMENT_HIT").count() == 2

    # The sample list still names him.
    listed(b="Nobody Inparticular")
    payments_rescreen()
    assert PaymentScreening.objects.get().status == "HELD"
    transfer.refresh_from_db()
    assert transfer.is_held


def test_held_payment_that_only_a_delisted_entry_hit_is_released_unless_an_officer_proposed(
    portfolio: Portfolio,
) -> None:
    stranger = type(LISTED)("Quentin Harrowgate", "12345678", "ES")
    listed(a="Quentin Harrowgate", b="Nobody Inparticular")
    withdraw(portfolio, stranger)
    withdraw(portfolio, stranger, "second")
    alert = Alert.objects.open().earliest("created_at")
    alert_propose(
        actor=make_officer(),
        alert_id=alert.id,
        disposition="TRUE_MATCH",
        reason_code="CLIENT_CONFIRMED",
        note="It is him.",
    )
    proposed = alert.payment_screening

    listed(b="Nobody Inparticular")
    assert payments_rescreen() == 2

    proposed.refresh_from_db()
    other = PaymentScreening.objects.exclude(id=proposed.id).get()
    assert (proposed.status, other.status) == ("HELD", "DELISTED")
    assert CashTransfer.objects.get(id=other.transfer_id).status == "SETTLED"
    assert cash_and_held(portfolio) == [40, 40]
    assert Alert.objects.open().count() == 2
    with pytest.raises(IntegrityError, match="as its alert was"), transaction.atomic():
        PaymentScreening.objects.filter(id=proposed.id).update(status="DELISTED")


def test_blocked_deposit_goes_back_to_its_payer_and_leaves_nothing_to_spend(
    portfolio: Portfolio,
) -> None:
    screening = blocked(portfolio)

    leave(screening, "RETURN")

    assert cash_and_held(portfolio) == [120, 0]
    paid_in, back = CashTransfer.objects.order_by("created_at")
    assert (paid_in.is_held, back.kind, back.status) == (False, "WITHDRAWAL", "SETTLED")
    assert back.other_side == LISTED
    flows = [flow.amount for flow in cash_flows([portfolio.id])][-2:]
    assert flows == [Decimal(40), Decimal(-40)]
    assert PaymentScreening.objects.get().status == "BLOCKED"
    with pytest.raises(Conflict) as conflict:
        leave(screening, "RETURN")
    assert conflict.value.code == "payment_not_blocked"


def test_return_that_the_bank_refuses_later_is_held_again(
    portfolio: Portfolio, settings: Settings
) -> None:
    screening = blocked(portfolio)
    settings.CASH_BANK = f"{__name__}.SlowBank"
    leave(screening, "RETURN")
    assert cash_and_held(portfolio) == [120, 40]

    back = CashTransfer.objects.get(kind="WITHDRAWAL")
    transfer_fail(actor=None, transfer_id=back.id, code="account_closed")

    assert cash_and_held(portfolio) == [120, 40]
    assert CashTransfer.objects.get(kind="DEPOSIT").is_held
    settings.CASH_BANK = "tests.compliance.payments.PayersBank"
    leave(screening, "RETURN")
    assert cash_and_held(portfolio) == [120, 0]


def test_blocked_withdrawal_is_undone_or_goes_on_under_a_licence(portfolio: Portfolio) -> None:
    screening = blocked(portfolio, "WITHDRAWAL")
    with pytest.raises(InvalidInput):
        leave(screening, "RELEASE")
    assert cash_and_held(portfolio) == [80, 40]

    leave(screening, "RELEASE", licence="GENERAL-8")

    assert cash_and_held(portfolio) == [80, 0]
    assert CashTransfer.objects.get().status == "SETTLED"


def test_way_out_that_is_refused_moves_nothing(portfolio: Portfolio) -> None:
    screening = blocked(portfolio, "WITHDRAWAL")
    officer, other = make_officer(), make_officer()
    asked: dict[str, Any] = {"screening_id": screening.id, "action": "RETURN", "reason": "Rejected"}
    made = payment_exit_propose(actor=officer, **asked)
    refusals: list[tuple[type[DomainError], Any]] = [
        (NotPermitted, lambda: payment_exit_propose(actor=make_client(), **asked)),
        (Conflict, lambda: payment_exit_propose(actor=other, **asked)),
        (NotPermitted, lambda: confirm(officer, made.id)),
        (Conflict, lambda: confirm(other, made.id, "RELEASE")),
    ]

    def confirm(actor: Any, exit_id: UUID, action: str = "RETURN") -> PaymentExit:
        return payment_exit_confirm(actor=actor, exit_id=exit_id, action=action)

    for error, attempt in refusals:
        with pytest.raises(error):
            attempt()
    for statement in (
        "UPDATE compliance_paymentexit SET status = 'DONE', decided_by_id = proposed_by_id",
        "UPDATE compliance_paymentexit SET action = 'RELEASE', licence = 'X'",
        "DELETE FROM compliance_paymentexit",
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            connection.cursor().execute(statement)
    assert cash_and_held(portfolio) == [80, 40]
    payment_exit_decline(actor=officer, exit_id=made.id)
    with pytest.raises(Conflict):
        confirm(other, made.id)
    assert cash_and_held(portfolio) == [80, 40]


def test_page_of_a_blocked_payment_takes_a_proposal_that_the_queue_shows_to_others(
    portfolio: Portfolio,
) -> None:
    screening = blocked(portfolio, "WITHDRAWAL")
    page = reverse("admin:compliance_paymentscreening_change", args=[screening.id])
    web, officer = desk()
    assert NAMED.upper() in web.get(page).content.decode().upper()

    web.post(page, {"act": "propose", "action": "RETURN", "reason": "Rejected"})

    made = PaymentExit.objects.get()
    work_items_sync()
    item = WorkItem.objects.open().get(kind="PAYMENT")
    assert (item.proposed_by, item.page_id) == (officer, screening.id)
    web, _ = desk()
    assert "Confirm as second officer" in web.get(page).content.decode()
    web.post(page, {"act": "confirm", "exit_id": str(made.id), "action": "RETURN"})
    assert cash_and_held(portfolio) == [120, 0]
