from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction

from apps.audit.models import AuditEvent
from apps.audit.services import outbox_deliver
from apps.compliance.models import Alert, KycDecision, KycRecord, ScreeningHit, ScreeningRun
from apps.compliance.services.hits import hits_dispose_by_alert
from apps.compliance.services.kyc import kyc_save_step, kyc_submit
from apps.compliance.services.kyc_decisions import (
    kyc_confirm_decision,
    kyc_propose_decision,
    kyc_view_record,
    kyc_withdraw_decision,
)
from apps.compliance.services.rescreening import clients_rescreen
from apps.compliance.services.screening import screening_run
from apps.compliance.services.watchlists import SAMPLE, watchlist_import
from apps.core.errors import (
    Conflict,
    IllegalTransition,
    NotFound,
    NotPermitted,
    Refused,
)
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance.factories import (
    ANSWERS,
    ASKED,
    diligence_complete,
    fill_kyc,
    hand_in,
    hit_decide,
)
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db
LISTED = {"given_names": "Viktor", "family_name": "Brantov"}


@pytest.fixture
def officer() -> User:
    return make_user(Role.COMPLIANCE_OFFICER)


@pytest.fixture
def second() -> User:
    return make_user(Role.COMPLIANCE_OFFICER)


def submitted(**changes: Any) -> KycRecord:
    client = make_user()
    fill_kyc(client, **changes)
    record = kyc_submit(actor=client)
    outbox_deliver(context="compliance")
    record.refresh_from_db()
    return record


def with_list() -> None:
    watchlist_import(actor=None, path=SAMPLE, list_code="SAMPLE")


def propose(
    record: KycRecord, actor: User, outcome: str = "APPROVE", **changes: Any
) -> KycDecision:
    if outcome == "APPROVE" and record.risk_rating == "HIGH":
        diligence_complete(record, actor)
    reasons = {
        "APPROVE": "VERIFIED",
        "REJECT": "UNVERIFIABLE",
        "REQUEST_INFORMATION": "ROUTINE",
    }
    return kyc_propose_decision(
        actor=actor,
        record_id=record.id,
        outcome=outcome,
        **{
            "reason_code": reasons[outcome],
            "evidence_version": record.evidence_version,
            "asked": [ASKED] if outcome == "REQUEST_INFORMATION" else (),
            **changes,
        },
    )


def test_submission_of_a_stranger_is_screened_rated_low_and_goes_to_review() -> None:
    with_list()
    record = submitted()

    assert (record.status, record.risk_rating) == ("IN_REVIEW", "LOW")
    run = ScreeningRun.objects.get()
    assert (run.hit_count, run.list_versions) == (0, {"SAMPLE": 1})
    assert not Alert.objects.exists()
    assert {factor["code"] for factor in record.risk_factors} >= {"residence", "screening"}


def test_submission_of_a_listed_name_makes_a_hit_and_an_alert_with_reasons() -> None:
    with_list()
    record = submitted(**LISTED)

    hit = ScreeningHit.objects.get()
    assert (hit.listed_name, hit.client_name) == ("Viktor BRANTOV", "Viktor Brantov")
    assert {feature["code"] for feature in hit.features} == {"name", "birth_date", "country"}
    assert record.risk_rating in {"MEDIUM", "HIGH"}
    alert = Alert.objects.get()
    assert (alert.client_id, alert.kind) == (record.client_id, "SCREENING")
    assert "Brantov" not in str(AuditEvent.objects.values_list("payload", flat=True))


def test_screening_run_of_a_record_not_submitted_does_nothing() -> None:
    record = submitted()

    assert screening_run(record_id=record.id) is None
    assert ScreeningRun.objects.count() == 1


def test_pair_cleared_once_does_not_come_back_until_the_client_changes(officer: User) -> None:
    with_list()
    record = submitted(**LISTED)
    hit = ScreeningHit.objects.get()
    hit_decide(officer, hit)
    record.refresh_from_db()
    propose(record, officer, "REQUEST_INFORMATION")
    hand_in(record.client)
    outbox_deliver(context="compliance")
    assert ScreeningHit.objects.count() == 1

    record.refresh_from_db()
    propose(record, officer, "REQUEST_INFORMATION")
    changed = {**ANSWERS["personal"], **LISTED, "date_of_birth": "1970-01-30"}
    kyc_save_step(actor=record.client, step="personal", answers=changed)
    hand_in(record.client)
    outbox_deliver(context="compliance")

    assert ScreeningHit.objects.filter(status="OPEN").count() == 1
    record.refresh_from_db()
    assert record.risk_rating == "HIGH"


def test_list_change_rescreens_approved_clients_and_puts_a_hit_under_review(
    officer: User,
) -> None:
    record = submitted(**LISTED)
    propose(record, officer)
    assert clients_rescreen() == 0

    with_list()

    assert clients_rescreen() == 1
    assert clients_rescreen() == 0
    record.refresh_from_db()
    assert record.status == "UNDER_REVIEW"
    assert Alert.objects.count() == 1
    assert ScreeningRun.objects.filter(trigger="LIST_CHANGE").count() == 1


def test_true_match_on_an_approved_client_suspends(officer: User) -> None:
    record = submitted(**LISTED)
    propose(record, officer)
    with_list()
    clients_rescreen()

    count = hits_dispose_by_alert(
        actor=officer,
        references=[str(hit.id) for hit in ScreeningHit.objects.all()],
        disposition="TRUE_MATCH",
        reason_code="IDENTIFIERS_MATCH",
        reason="Alert",
    )

    assert count == 1
    record.refresh_from_db()
    assert (record.status, record.risk_rating) == ("SUSPENDED", "PROHIBITED")


def test_hits_dispose_by_alert_with_another_disposition_does_nothing(officer: User) -> None:
    asked = {"references": [], "disposition": "OTHER", "reason_code": "", "reason": "x"}
    assert hits_dispose_by_alert(actor=officer, **asked) == 0  # type: ignore[arg-type]


def test_low_risk_approval_by_one_officer_is_final(officer: User) -> None:
    record = submitted()

    decision = propose(record, officer)

    record.refresh_from_db()
    assert (decision.status, record.status) == ("FINAL", "APPROVED")
    assert record.next_review_date is not None
    event = AuditEvent.objects.get(name="compliance.kyc.decided")
    assert event.payload["decision"] == "APPROVE"


def test_high_risk_approval_waits_for_another_officer(officer: User, second: User) -> None:
    record = submitted(pep="SELF", pep_function="Minister, 2019 to 2023")
    assert record.risk_rating == "HIGH"
    decision = propose(record, officer)
    record.refresh_from_db()
    assert (decision.status, record.status) == ("PROPOSED", "IN_REVIEW")
    asked: dict[str, Any] = {
        "decision_id": decision.id,
        "evidence_version": record.evidence_version,
    }

    with pytest.raises(NotPermitted) as refusal:
        kyc_confirm_decision(actor=officer, **asked)
    assert refusal.value.code == "same_officer"
    with pytest.raises(Conflict):
        propose(record, second)
    kyc_confirm_decision(actor=second, **asked)

    record.refresh_from_db()
    assert record.status == "APPROVED"
    with pytest.raises(IllegalTransition):
        kyc_confirm_decision(actor=second, **asked)


def test_database_refuses_one_officer_for_two(officer: User) -> None:
    record = submitted(pep="SELF", pep_function="Minister")
    decision = propose(record, officer)

    for changes in ({"confirmed_by": officer}, {"status": "FINAL"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            KycDecision.objects.filter(id=decision.id).update(**changes)


def test_proposal_withdrawn_leaves_the_record_in_review(officer: User, second: User) -> None:
    record = submitted(pep="SELF", pep_function="Minister")
    decision = propose(record, officer)

    kyc_withdraw_decision(actor=second, decision_id=decision.id)

    record.refresh_from_db()
    assert record.status == "IN_REVIEW"
    with pytest.raises(Conflict):
        kyc_withdraw_decision(actor=second, decision_id=decision.id)
    with pytest.raises(Conflict):
        kyc_confirm_decision(
            actor=second, decision_id=decision.id, evidence_version=record.evidence_version
        )
    with pytest.raises(NotFound):
        kyc_withdraw_decision(actor=second, decision_id=uuid4())


def test_decision_on_stale_evidence_is_refused(officer: User, second: User) -> None:
    record = submitted(pep="SELF", pep_function="Minister")
    with pytest.raises(Conflict) as conflict:
        propose(record, officer, evidence_version=record.evidence_version - 1)
    assert conflict.value.code == "stale_evidence"
    decision = propose(record, officer)
    KycRecord.objects.update(evidence_version=record.evidence_version + 1)

    with pytest.raises(Conflict) as conflict:
        kyc_confirm_decision(
            actor=second, decision_id=decision.id, evidence_version=record.evidence_version + 1
        )

    assert conflict.value.code == "stale_evidence"
    assert KycRecord.objects.get().status == "IN_REVIEW"


def test_approval_with_an_open_hit_is_refused(officer: User) -> None:
    with_list()
    record = submitted(**LISTED)

    with pytest.raises(Refused) as refusal:
        propose(record, officer)

    assert refusal.value.code == "hits_open"
    assert not KycDecision.objects.exists()


def test_prohibited_client_is_never_approved_but_rejected(officer: User) -> None:
    record = submitted(residence="KP")
    assert record.risk_rating == "PROHIBITED"

    with pytest.raises(Refused) as refusal:
        propose(record, officer)
    propose(record, officer, "REJECT")

    assert refusal.value.code == "risk_prohibited"
    record.refresh_from_db()
    assert record.status == "REJECTED"


def test_request_for_information_lets_the_client_edit_again(officer: User) -> None:
    record = submitted()

    propose(record, officer, "REQUEST_INFORMATION")

    kyc_save_step(actor=record.client, step="contact", answers=ANSWERS["contact"])
    assert hand_in(record.client).status == "SUBMITTED"


def test_decision_by_a_client_or_on_an_own_record_or_with_another_reason_is_refused(
    officer: User,
) -> None:
    record = submitted()
    with pytest.raises(NotPermitted):
        propose(record, record.client)
    with pytest.raises(Refused):
        propose(record, officer, reason_code="SANCTIONS")
    KycRecord.objects.update(client=officer)

    with pytest.raises(NotPermitted):
        propose(record, officer)

    assert not KycDecision.objects.exists()


def test_record_view_is_for_officers_and_kept_in_the_trail(officer: User) -> None:
    record = submitted()

    kyc_view_record(actor=officer, record_id=record.id)

    event = AuditEvent.objects.get(name="compliance.kyc.viewed")
    assert event.actor_id == officer.id
    with pytest.raises(NotFound):
        kyc_view_record(actor=record.client, record_id=record.id)
