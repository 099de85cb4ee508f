"""Payers and payees are compared with the lists; on a hit the money waits for two officers."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import outbox_deliver
from apps.compliance.models import (
    Alert,
    Case,
    PaymentResult,
    PaymentScreening,
    ScreenedClient,
)
from apps.compliance.selectors.alerts import reason_choices
from apps.compliance.selectors.payments import funding_list
from apps.compliance.services.payments import payment_screen
from apps.core.errors import Refused
from apps.notifications.models import Notification
from apps.trading.domain.parties import Party
from apps.trading.models import CashTransfer, Portfolio
from tests.compliance.payments import (
    LISTED,
    STRANGER,
    UNNAMED,
    cash_and_held,
    decide,
    deposit,
    withdraw,
)

pytestmark = pytest.mark.django_db


def test_clients_own_deposit_is_not_screened_again(portfolio: Portfolio) -> None:
    assert deposit(portfolio, Party("Lovelace, Ada")).shown_status == "SETTLED"
    assert cash_and_held(portfolio) == [160, 0]
    assert not PaymentScreening.objects.exists()


def test_payment_of_and_to_strangers_goes_on_by_itself(portfolio: Portfolio) -> None:
    paid_in, paid_out = deposit(portfolio, STRANGER), withdraw(portfolio, STRANGER)

    assert (paid_in.shown_status, paid_out.shown_status) == ("SETTLED", "SETTLED")
    assert cash_and_held(portfolio) == [120, 0]
    assert {*PaymentScreening.objects.values_list("status", flat=True)} == {"CLEAR"}
    assert not Alert.objects.exists()
    facts = funding_list(portfolio.client_id, since=timezone.now() - timedelta(hours=1))
    assert [(fact.amount, fact.is_third_party) for fact in facts] == [(Decimal(40), True)]


def test_withdrawal_to_a_listed_payee_waits_and_only_officers_hear_why(
    portfolio: Portfolio,
) -> None:
    transfer = withdraw(portfolio, LISTED)

    assert (transfer.status, transfer.is_held, cash_and_held(portfolio)) == (
        *("PENDING", True, [80, 40]),
    )
    alert = Alert.objects.get()
    assert (alert.client_id, alert.scenario_code) == (portfolio.client_id, "PAYMENT")
    payment, *hits = alert.evidence.all()
    assert payment.facts["other_side"] == LISTED.name
    assert payment.facts["account"] == "••••5555"
    assert [hit.facts["listed_name"] for hit in hits] == ["Viktor BRANTOV"]
    outbox_deliver(context="notifications")
    assert not Notification.objects.filter(user=portfolio.client).exists()
    trail = str(list(AuditEvent.objects.values_list("payload", flat=True)))
    assert "BRANTOV" not in trail.upper()
    assert "5555" not in trail
    # Twice, as after a crash: one screening, one alert.
    payment_screen(transfer_id=transfer.id)
    assert (Alert.objects.count(), PaymentScreening.objects.count()) == (1, 1)

    assert "INCONCLUSIVE" not in reason_choices(alert)
    with pytest.raises(Refused, match="waits"):
        decide("INCONCLUSIVE", "INSUFFICIENT_DATA")


def test_false_positive_lets_the_payment_go_and_is_remembered_for_that_payee(
    portfolio: Portfolio,
) -> None:
    withdraw(portfolio, LISTED)

    decide("FALSE_POSITIVE", "NAME_ONLY")

    assert cash_and_held(portfolio) == [80, 0]
    assert PaymentScreening.objects.get().status == "RELEASED"
    again = withdraw(portfolio, LISTED, "again")
    assert again.status == "SETTLED"
    known = PaymentResult.objects.filter(screening__transfer_id=again.id)
    assert known.values_list("is_known", flat=True)[0]
    other_account = Party(LISTED.name, "12345678", "GB")
    assert withdraw(portfolio, other_account, "other").is_held


def test_true_match_blocks_the_deposit_for_good_and_opens_a_case(portfolio: Portfolio) -> None:
    deposit(portfolio, LISTED)

    decide("TRUE_MATCH", "CLIENT_CONFIRMED")

    assert cash_and_held(portfolio) == [120, 40]
    screening = PaymentScreening.objects.get()
    assert screening.status == "BLOCKED"
    assert Case.objects.get().origin == screening.stream
    transfer = CashTransfer.objects.get()
    assert (transfer.is_held, transfer.shown_status) == (True, "PENDING")
    assert withdraw(portfolio, LISTED, "next").is_held


def test_deposit_whose_payer_is_not_named_waits_for_an_officer(portfolio: Portfolio) -> None:
    deposit(portfolio, UNNAMED)

    assert cash_and_held(portfolio) == [120, 40]
    decide("FALSE_POSITIVE", "DIFFERENT_IDENTIFIER")
    assert cash_and_held(portfolio) == [160, 0]


def test_database_keeps_what_was_compared_and_refuses_another_decision(
    portfolio: Portfolio,
) -> None:
    withdraw(portfolio, LISTED)
    screenings = PaymentScreening.objects.all()

    for status in ("RELEASED", "BLOCKED"):
        with pytest.raises(IntegrityError, match="as its alert was"), transaction.atomic():
            screenings.update(status=status)
    for statement in (
        "DELETE FROM compliance_paymentresult",
        "DELETE FROM compliance_paymentscreening",
        "UPDATE compliance_paymentresult SET score = 0",
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute(statement)
    assert screenings.get().status == "HELD"


def test_screening_of_a_payment_costs_the_same_however_often_it_is_asked(
    portfolio: Portfolio,
) -> None:
    transfer = withdraw(portfolio, STRANGER)

    with CaptureQueriesContext(connection) as queries:
        payment_screen(transfer_id=transfer.id)

    assert len(queries) <= 5
    assert ScreenedClient.objects.count() == 1
