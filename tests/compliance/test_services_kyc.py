from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings

from apps.audit.models import AuditEvent
from apps.compliance.domain.questionnaire import InvalidAnswers
from apps.compliance.domain.self_certification import WORDING_VERSION
from apps.compliance.models import KycRecord, KycStep
from apps.compliance.selectors.kyc import answers_of, kyc_view
from apps.compliance.services.kyc import kyc_save_step, kyc_start, kyc_submit
from apps.compliance.services.self_certification import self_certification_sign
from apps.core.errors import Conflict, InvalidInput, NotFound, Refused
from apps.users.models import User
from tests.compliance.factories import ANSWERS, fill_kyc, make_kyc
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def client_user() -> User:
    return make_user()


def event_names() -> list[str]:
    rows = AuditEvent.objects.filter(name__startswith="compliance.").order_by("sequence")
    return list(rows.values_list("name", flat=True))


def test_kyc_start_twice_makes_one_record(client_user: User) -> None:
    first = kyc_start(actor=client_user)

    assert kyc_start(actor=client_user) == first
    assert first.status == "DRAFT"
    assert event_names() == ["compliance.kyc.started"]


def test_kyc_step_saved_is_kept_encrypted_and_named_by_field_only(client_user: User) -> None:
    record = kyc_save_step(actor=client_user, step="personal", answers=ANSWERS["personal"])

    with connection.cursor() as cursor:
        cursor.execute("SELECT answers FROM compliance_kycstep")
        assert b"Lovelace" not in bytes(cursor.fetchone()[0])
    assert answers_of(record.id)["personal"]["family_name"] == "Lovelace"
    event = AuditEvent.objects.get(name="compliance.kyc.step_saved")
    assert event.payload["changed_fields"] == sorted(ANSWERS["personal"])
    assert "Lovelace" not in str(event.payload)


def test_kyc_step_half_filled_is_kept_and_shown_as_missing(client_user: User) -> None:
    kyc_save_step(actor=client_user, step="personal", answers={"given_names": " Ada  Maria "})

    step = kyc_view(client_user).step("personal")
    assert step is not None
    assert step.answers == {"given_names": "Ada Maria"}
    assert "family_name" in step.missing
    assert step.is_started
    assert not step.is_complete


def test_kyc_step_saved_again_unchanged_emits_nothing(client_user: User) -> None:
    kyc_save_step(actor=client_user, step="tax", answers=ANSWERS["tax"])
    before = event_names()

    record = kyc_save_step(actor=client_user, step="tax", answers=ANSWERS["tax"])

    assert event_names() == before
    assert record.evidence_version == 1


@pytest.mark.parametrize(
    ("step", "answers", "field"),
    [
        ("personal", {"date_of_birth": "2020-01-01"}, "date_of_birth"),
        ("personal", {"date_of_birth": "1850-01-01"}, "date_of_birth"),
        ("personal", {"date_of_birth": "yesterday"}, "date_of_birth"),
        ("personal", {"nationality": "XX"}, "nationality"),
        ("personal", {"given_names": 7}, "given_names"),
        ("personal", {"given_names": "..."}, "given_names"),
        ("personal", {"given_names": "a\x00b"}, "given_names"),
        ("personal", {"given_names": "a" * 121}, "given_names"),
        ("personal", {"status": "APPROVED"}, "status"),
        ("financial", {"source_of_funds": "SALARY"}, "source_of_funds"),
        ("financial", {"source_of_funds": ["WIZARDRY"]}, "source_of_funds"),
        ("financial", {"purpose": "WIZARDRY"}, "purpose"),
        ("tax", {"has_tin": "yes"}, "has_tin"),
        ("tax", {"tax_residence": "US", "tin": "000-00-0000"}, "tin"),
        ("tax", {"tax_residence": "SG", "tin": "?"}, "tin"),
    ],
)
def test_kyc_step_with_a_bad_answer_is_refused_by_field_and_changes_nothing(
    client_user: User, step: str, answers: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidAnswers) as refusal:
        kyc_save_step(actor=client_user, step=step, answers=answers)

    assert set(refusal.value.facts) == {field}
    assert not KycStep.objects.exists()
    assert event_names() == []


def test_kyc_step_unknown_is_refused(client_user: User) -> None:
    with pytest.raises(InvalidInput):
        kyc_save_step(actor=client_user, step="secrets", answers={})


@pytest.mark.parametrize(
    ("country", "number", "kept"),
    [("US", "536-90-4399", "536904399"), ("SG", "s 1234567-d", "S1234567D")],
)
def test_tax_number_valid_is_kept_in_compact_form(
    client_user: User, country: str, number: str, kept: str
) -> None:
    answers = {"tax_residence": country, "has_tin": True, "tin": number, "us_person": False}
    record = kyc_save_step(actor=client_user, step="tax", answers=answers)

    assert answers_of(record.id)["tax"]["tin"] == kept


def test_kyc_submit_with_everything_is_submitted_once(client_user: User) -> None:
    fill_kyc(client_user)
    assert kyc_view(client_user).can_submit

    record = kyc_submit(actor=client_user)

    assert record.status == "SUBMITTED"
    assert record.submitted_at is not None
    assert event_names()[-1] == "compliance.kyc.submitted"
    with pytest.raises(Conflict) as conflict:
        kyc_submit(actor=client_user)
    assert conflict.value.code == "kyc_not_editable"
    with pytest.raises(Conflict):
        kyc_save_step(actor=client_user, step="tax", answers=ANSWERS["tax"])


def test_kyc_submit_without_a_record_is_not_found(client_user: User) -> None:
    with pytest.raises(NotFound):
        kyc_submit(actor=client_user)


def test_kyc_submit_incomplete_names_what_is_missing(client_user: User) -> None:
    fill_kyc(client_user, pep="SELF")

    with pytest.raises(Refused) as refusal:
        kyc_submit(actor=client_user)

    assert refusal.value.code == "kyc_incomplete"
    assert refusal.value.facts == {"employment": "pep_function"}
    assert KycRecord.objects.get().status == "DRAFT"


def test_kyc_submit_without_an_identity_document_is_refused(client_user: User) -> None:
    for step, answers in ANSWERS.items():
        kyc_save_step(actor=client_user, step=step, answers=answers)
    self_certification_sign(actor=client_user, wording_version=WORDING_VERSION)
    assert not kyc_view(client_user).can_submit

    with pytest.raises(Refused) as refusal:
        kyc_submit(actor=client_user)

    assert refusal.value.code == "kyc_document_missing"


def test_kyc_view_of_a_client_who_never_began_is_a_draft(client_user: User) -> None:
    view = kyc_view(client_user)

    assert (view.status, view.record_id, view.is_editable) == ("DRAFT", None, True)
    assert view.next_step is not None
    assert view.next_step.code == "personal"
    assert view.next_step.title == "About you"
    assert view.step("secrets") is None


def test_kyc_view_when_information_is_needed_says_what(client_user: User) -> None:
    record = make_kyc(client_user, "NEEDS_INFORMATION")
    record.reason_code = "DOCUMENT_EXPIRED"
    record.save()

    assert "expired" in kyc_view(client_user).status_text


@override_settings(TIME_ZONE="UTC")
def test_kyc_step_of_someone_eighteen_today_is_taken(client_user: User) -> None:
    today = date.today()  # noqa: DTZ011 - the service asks for the local date too
    born = today.replace(year=today.year - 18, day=min(today.day, 28))

    kyc_save_step(actor=client_user, step="personal", answers={"date_of_birth": born.isoformat()})

    assert KycStep.objects.count() == 1
