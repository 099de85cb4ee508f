"""What clients are asked for: due by business days, answered item by item, reminded of once."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import outbox_deliver
from apps.compliance.domain.business_calendar import FIRM
from apps.compliance.domain.information import QUESTIONS, AskedItem
from apps.compliance.domain.kyc_reasons import REASONS
from apps.compliance.domain.reminders import stage_due
from apps.compliance.models import InformationItem, KycRecord
from apps.compliance.selectors.information import firm_date, item_label, item_labels
from apps.compliance.selectors.kyc import kyc_view
from apps.compliance.services.documents import document_upload
from apps.compliance.services.information import (
    information_answer,
    information_remind,
    information_waive,
)
from apps.compliance.services.kyc import kyc_save_step, kyc_submit
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted, Refused
from apps.notifications.models import Notification
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance.factories import ANSWERS, hand_in, image_bytes
from tests.compliance.test_services_screening import propose, submitted
from tests.users.factories import make_user

db = pytest.mark.django_db
ASKED = (
    AskedItem("DOCUMENT", "PROOF_OF_ADDRESS", "ADDRESS", 5),
    AskedItem("STEP", "contact", "DATA_MISMATCH", 10),
    AskedItem("QUESTION", "FUNDS_ORIGIN", "INCOMPLETE", 10),
)
TIPPING = ("match", "sanction", "watchlist", "hit", "report", "suspicio", "alert", "screen")


@pytest.fixture
def officer() -> User:
    return make_user(Role.COMPLIANCE_OFFICER)


@pytest.fixture
def record(officer: User) -> KycRecord:
    asked = submitted()
    propose(asked, officer, "REQUEST_INFORMATION", reason_code="ADDRESS", asked=ASKED)
    asked.refresh_from_db()
    return asked


def item(kind: str) -> InformationItem:
    return InformationItem.objects.get(kind=kind)


def reminded() -> int:
    return AuditEvent.objects.filter(name="compliance.information.reminded").count()


def test_nothing_that_a_client_is_asked_hints_at_lists_or_reports() -> None:
    texts = [reason.client_text for reason in REASONS.values()]
    words = " ".join([*texts, *QUESTIONS.values(), *item_labels().values()]).lower()

    assert not [word for word in TIPPING if word in words.replace("which", "")]


def test_stage_due_is_the_latest_reached_and_stays_past_the_date() -> None:
    days = {70: None, 61: None, 60: 60, 31: 60, 30: 30, 8: 30, 7: 7, 0: 7, -400: 7}

    assert {left: stage_due(left, (60, 30, 7)) for left in days} == days


@db
def test_client_sees_each_thing_with_its_date_and_answers_one_by_one(
    record: KycRecord,
) -> None:
    today = firm_date(timezone.now())
    shown = {row.kind: row for row in kyc_view(record.client).requested}
    assert {row.due_date for row in shown.values()} == {
        FIRM.day_after(today, 5),
        FIRM.day_after(today, 10),
    }
    assert shown["DOCUMENT"].title == "Proof of address"
    assert not kyc_view(record.client).can_submit
    with pytest.raises(Refused) as refusal:
        kyc_submit(actor=record.client)
    assert refusal.value.code == "information_missing"
    assert set(refusal.value.facts) == {row.code for row in ASKED}

    document_upload(actor=record.client, kind="PROOF_OF_ADDRESS", data=image_bytes())
    kyc_save_step(actor=record.client, step="contact", answers=ANSWERS["contact"])
    information_answer(actor=record.client, item_id=item("QUESTION").id, answer=" My wages ")

    assert all(row.is_answered for row in kyc_view(record.client).requested)
    assert item("DOCUMENT").document == record.documents.get(kind="PROOF_OF_ADDRESS")
    with connection.cursor() as cursor:
        cursor.execute("SELECT answer FROM compliance_informationitem")
        assert not [row for row in cursor.fetchall() if b"wages" in bytes(row[0])]
    events = AuditEvent.objects.filter(name__startswith="compliance.information.")
    assert "wages" not in str(list(events.values_list("payload", flat=True)))
    assert kyc_submit(actor=record.client).status == "SUBMITTED"
    assert kyc_view(record.client).requested == ()


@db
def test_client_is_told_once_of_what_is_needed_and_by_when(record: KycRecord) -> None:
    outbox_deliver(context="notifications")
    outbox_deliver(context="notifications")

    told = Notification.objects.get(user=record.client, body_code="kyc_needs_information")
    assert "Proof of address (by " in told.body


@db
@pytest.mark.parametrize(
    "changes",
    [
        {"asked": ()},
        {"asked": (*ASKED, ASKED[0])},
        {"asked": [AskedItem("QUESTION", "SANCTIONS", "ROUTINE", 5)]},
        {"asked": [AskedItem("STEP", "contact", "SANCTIONS", 5)]},
        {"asked": [AskedItem("STEP", "contact", "DOCUMENT_UNREADABLE", 5)]},
        {"asked": [AskedItem("STEP", "contact", "ROUTINE", 0)]},
        {"asked": [AskedItem("STEP", "contact", "ROUTINE", 61)]},
    ],
    ids=["nothing", "twice", "unknown", "no_reason", "other_reason", "no_time", "too_long"],
)
def test_request_that_is_not_in_the_catalogue_is_refused_and_changes_nothing(
    officer: User, changes: dict[str, Any]
) -> None:
    record = submitted()

    with pytest.raises((InvalidInput, Refused)):
        propose(record, officer, "REQUEST_INFORMATION", **changes)

    record.refresh_from_db()
    assert record.status == "IN_REVIEW"
    assert not InformationItem.objects.exists()
    with pytest.raises(Refused):
        propose(record, officer, "APPROVE", asked=ASKED)


@db
def test_answer_of_somebody_else_or_too_late_or_empty_is_refused(
    record: KycRecord, officer: User
) -> None:
    question = item("QUESTION")
    for actor, item_id, answer, error in (
        (make_user(), question.id, "x", NotFound),
        (officer, question.id, "x", NotFound),
        (record.client, item("STEP").id, "x", NotFound),
        (record.client, record.id, "x", NotFound),
        (record.client, question.id, "  ", InvalidInput),
        (record.client, question.id, "x" * 2001, InvalidInput),
    ):
        with pytest.raises(error):
            information_answer(actor=actor, item_id=item_id, answer=answer)
    assert item("QUESTION").status == "OPEN"

    with pytest.raises(NotPermitted):
        information_waive(actor=record.client, item_id=question.id)
    information_waive(actor=officer, item_id=question.id)
    with pytest.raises(Conflict):
        information_answer(actor=record.client, item_id=question.id, answer="x")
    with pytest.raises(Conflict):
        information_waive(actor=officer, item_id=question.id)
    for row in InformationItem.objects.filter(status="OPEN"):
        information_waive(actor=officer, item_id=row.id)
    assert hand_in(record.client).status == "SUBMITTED"
    with pytest.raises(Conflict):
        information_answer(actor=record.client, item_id=question.id, answer="x")


@db
def test_reminders_go_out_once_a_stage_and_never_for_what_is_answered(record: KycRecord) -> None:
    today = firm_date(timezone.now())
    assert (information_remind(), reminded()) == (0, 0)

    InformationItem.objects.filter(kind="QUESTION").update(due_date=FIRM.day_after(today, 3))
    assert [information_remind(), information_remind()] == [1, 0]
    InformationItem.objects.update(due_date=today)
    assert [information_remind(), information_remind()] == [1, 0]
    assert reminded() == 2
    newest = AuditEvent.objects.filter(name="compliance.information.reminded").latest("sequence")
    assert sorted(newest.payload["items"]) == sorted(row.code for row in ASKED)

    InformationItem.objects.update(due_date=today - timedelta(days=9))
    assert information_remind() == 0


@db
def test_item_of_the_database_is_answered_or_waived_by_somebody(record: KycRecord) -> None:
    for change in ({"status": "ANSWERED"}, {"status": "WAIVED"}, {"kind": "RUMOUR"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            InformationItem.objects.filter(kind="QUESTION").update(**change)


def test_label_of_what_is_no_longer_asked_is_its_code() -> None:
    assert item_label("STEP:horoscope") == "Step:horoscope"
