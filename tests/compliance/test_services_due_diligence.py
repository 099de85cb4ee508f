"""A client of high risk is approved only after every item was done, in service and database."""

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from apps.audit.services import outbox_deliver
from apps.compliance.domain.due_diligence import checklist_of
from apps.compliance.models import DueDiligence, DueDiligenceItem, KycDecision, KycRecord
from apps.compliance.selectors.due_diligence import diligence_left
from apps.compliance.services.due_diligence import diligence_do
from apps.compliance.services.kyc import kyc_save_step
from apps.compliance.services.kyc_decisions import kyc_confirm_decision, kyc_propose_decision
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted, Refused
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance.factories import ANSWERS, diligence_complete, hand_in
from tests.compliance.test_services_screening import propose, submitted
from tests.users.factories import make_user

SENIOR = "SENIOR_APPROVAL"
PEP = {"pep": "SELF", "pep_function": "Judge"}


@pytest.fixture
def officer() -> User:
    return make_user(Role.COMPLIANCE_OFFICER)


def do(record: KycRecord, actor: User, code: str, note: str = "Seen") -> DueDiligenceItem:
    record.refresh_from_db()
    return diligence_do(
        actor=actor,
        record_id=record.id,
        code=code,
        note=note,
        evidence_version=record.evidence_version,
    )


def propose_high(record: KycRecord, actor: User) -> KycDecision:
    return kyc_propose_decision(
        actor=actor,
        record_id=record.id,
        outcome="APPROVE",
        reason_code="VERIFIED_ENHANCED",
        evidence_version=record.evidence_version,
    )


def test_checklist_asks_of_a_public_function_only_where_there_is_one() -> None:
    plain = {item.code for item in checklist_of({"pep": "NONE"})}

    assert {item.code for item in checklist_of(PEP)} - plain == {"PEP_POSITION"}


@pytest.mark.django_db
def test_client_of_high_risk_is_approved_only_when_everything_is_done(officer: User) -> None:
    record, second = submitted(**PEP), make_user(Role.COMPLIANCE_OFFICER)
    with pytest.raises(Refused) as refusal:
        propose_high(record, officer)
    assert refusal.value.code == "diligence_incomplete"
    assert "PEP_POSITION" in refusal.value.facts

    do(record, officer, "SOURCE_OF_WEALTH", "Sold Qxlandia")
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM compliance_duediligenceitem WHERE done_at IS NOT NULL")
        assert b"Qxlandia" not in bytes(cursor.fetchone()[0])
    record.refresh_from_db()
    decision = KycDecision.objects.create(
        record=record,
        outcome="APPROVE",
        reason_code="VERIFIED_ENHANCED",
        evidence_version=record.evidence_version,
        risk_rating="HIGH",
        from_status="IN_REVIEW",
        proposed_by=officer,
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        KycDecision.objects.filter(id=decision.id).update(status="FINAL", confirmed_by=second)
    KycDecision.objects.filter(id=decision.id).update(status="WITHDRAWN")

    diligence_complete(record, officer)
    decision = propose(record, officer, reason_code="VERIFIED_ENHANCED")
    kyc_confirm_decision(
        actor=second, decision_id=decision.id, evidence_version=record.evidence_version
    )

    record.refresh_from_db()
    assert record.status == "APPROVED"
    assert DueDiligence.objects.get().closed_at is not None
    assert diligence_left(record).keys() >= {"SOURCE_OF_WEALTH", "SENIOR_APPROVAL"}


@pytest.mark.django_db
def test_item_by_the_wrong_person_or_on_stale_evidence_is_refused_and_changes_nothing(
    officer: User,
) -> None:
    record = submitted(**PEP)
    supervisor = make_user(Role.COMPLIANCE_SUPERVISOR)
    for actor, code, note, error in (
        (make_user(), "PURPOSE", "x", NotPermitted),
        (record.client, "PURPOSE", "x", NotPermitted),
        (officer, "SENIOR_APPROVAL", "x", NotPermitted),
        (supervisor, "SENIOR_APPROVAL", "x", Refused),
        (officer, "HOROSCOPE", "x", NotFound),
        (officer, "PURPOSE", " ", InvalidInput),
    ):
        with pytest.raises(error):
            do(record, actor, code, note)
    with pytest.raises(Conflict):
        diligence_do(
            actor=officer, record_id=record.id, code="PURPOSE", note="x", evidence_version=99
        )
    assert not DueDiligenceItem.objects.filter(done_at__isnull=False).exists()

    do(record, supervisor, "PURPOSE")
    with pytest.raises(NotPermitted) as refusal:
        do(record, supervisor, "SENIOR_APPROVAL")
    assert refusal.value.code == "four_eyes"


def refused_by_database(item: DueDiligenceItem, **changes: Any) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        DueDiligenceItem.objects.filter(id=item.id).update(updated_at=timezone.now(), **changes)


@pytest.mark.django_db
def test_agreement_is_to_what_others_wrote_down_and_ends_when_that_changes(officer: User) -> None:
    record = submitted(**PEP)
    foreign = submitted().documents.get()
    diligence_complete(record, officer)
    item, agreed = (DueDiligenceItem.objects.get(code=code) for code in ("PURPOSE", SENIOR))
    for changed in (
        {"done_at": timezone.now()},
        {"done_by": agreed.done_by},
        {"done_by": record.client},
        {"document": foreign},
        {"code": "HOROSCOPE"},
    ):
        refused_by_database(item, **changed)
    refused_by_database(agreed, done_by=officer)

    do(record, officer, "PURPOSE", "Seen again")

    agreed.refresh_from_db()
    assert (agreed.done_at, agreed.done_by) == (None, None)
    record.refresh_from_db()
    assert [*diligence_left(record)] == [SENIOR]
    with pytest.raises(Refused):
        propose_high(record, officer)
    diligence_complete(record, officer)
    decision = propose_high(record, officer)
    kyc_confirm_decision(
        actor=make_user(Role.COMPLIANCE_OFFICER),
        decision_id=decision.id,
        evidence_version=record.evidence_version,
    )
    refused_by_database(item, done_by=make_user())
    with pytest.raises(DatabaseError), transaction.atomic():
        DueDiligence.objects.update(closed_at=None)
    with pytest.raises(DatabaseError), transaction.atomic():
        item.delete()


@pytest.mark.django_db
def test_item_that_is_not_asked_any_more_holds_no_approval_up(officer: User) -> None:
    record = submitted(**PEP, nationality="IR")
    do(record, officer, "PURPOSE")
    record.refresh_from_db()
    propose(record, officer, "REQUEST_INFORMATION")
    kyc_save_step(actor=record.client, step="employment", answers=ANSWERS["employment"])
    hand_in(record.client)
    outbox_deliver(context="compliance")
    record.refresh_from_db()
    assert record.risk_rating == "HIGH"
    diligence_complete(record, officer)

    decision = propose_high(record, officer)
    kyc_confirm_decision(
        actor=make_user(Role.COMPLIANCE_OFFICER),
        decision_id=decision.id,
        evidence_version=record.evidence_version,
    )

    assert not DueDiligenceItem.objects.filter(code="PEP_POSITION").exists()


@pytest.mark.django_db
def test_client_of_low_risk_needs_no_due_diligence(officer: User) -> None:
    record = submitted()

    with pytest.raises(Refused):
        do(record, officer, "PURPOSE")

    assert propose(record, officer).status == "FINAL"
