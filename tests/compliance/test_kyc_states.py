"""Every line of the state table is reached through the services, and four eyes where it frees."""

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from apps.audit.services import outbox_deliver
from apps.compliance.domain.kyc import TRANSITIONS, KycStatus, KycTrigger
from apps.compliance.models import KycDecision, KycRecord, KycReview
from apps.compliance.services.kyc import kyc_submit
from apps.compliance.services.kyc_decisions import (
    kyc_confirm_decision,
    kyc_propose_decision,
)
from apps.compliance.services.reviews import reviews_lapse, reviews_open
from apps.core.errors import Conflict, IllegalTransition, NotPermitted, Refused
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance.factories import ASKED, fill_kyc, put_kyc
from tests.trading.factories import make_portfolio
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db
# Where the client, the clock or screening moves a record.
UNDECIDED = {
    ("DRAFT", "SUBMITTED"),
    ("SUBMITTED", "SCREENING"),
    ("SCREENING", "IN_REVIEW"),
    ("NEEDS_INFORMATION", "SUBMITTED"),
    ("APPROVED", "UNDER_REVIEW"),
    ("APPROVED", "SUSPENDED"),
    ("APPROVED", "EXPIRED"),
    ("UNDER_REVIEW", "SUSPENDED"),
    ("UNDER_REVIEW", "EXPIRED"),
    ("EXPIRED", "SUBMITTED"),
}
REASONS = {
    "APPROVE": "VERIFIED",
    "REJECT": "UNVERIFIABLE",
    "REQUEST_INFORMATION": "ROUTINE",
    "REVIEW": "CLARIFIED",
    "SUSPEND": "UNUSUAL_ACTIVITY",
    "EXPIRE": "PROFILE_OUT_OF_DATE",
    "CLOSE": "CLIENT_ASKED",
}


@pytest.fixture
def officer() -> User:
    return make_user(Role.COMPLIANCE_OFFICER)


@pytest.fixture
def second() -> User:
    return make_user(Role.COMPLIANCE_OFFICER)


def decide(record: KycRecord, actor: User, outcome: str) -> KycDecision:
    record.refresh_from_db()
    return kyc_propose_decision(
        actor=actor,
        record_id=record.id,
        outcome=outcome,
        reason_code=REASONS[outcome],
        evidence_version=record.evidence_version,
        asked=[ASKED] if outcome == "REQUEST_INFORMATION" else (),
    )


def confirm(decision: KycDecision, actor: User) -> KycDecision:
    return kyc_confirm_decision(
        actor=actor, decision_id=decision.id, evidence_version=decision.evidence_version
    )


def in_state(status: KycStatus) -> KycRecord:
    """Return a complete record in that state; the way there is walked by the tests below."""
    record = fill_kyc(make_user())
    put_kyc(record, status, risk_rating="LOW", approved_at=timezone.now())
    record.refresh_from_db()
    if status == KycStatus.UNDER_REVIEW:
        KycReview.objects.create(
            record=record, reasons=["PERIODIC"], due_date=timezone.localdate() - timedelta(days=9)
        )
    return record


def pull(record: KycRecord, trigger: KycTrigger, officer: User, second: User) -> None:
    """Set the trigger off as it happens: by the client, by screening, by the clock, by officers."""
    if trigger == KycTrigger.SUBMIT:
        kyc_submit(actor=record.client)
    elif trigger in {KycTrigger.SCREEN, KycTrigger.SCREENED}:
        put_kyc(record, "NEEDS_INFORMATION")
        kyc_submit(actor=record.client)
        outbox_deliver(context="compliance")
    else:
        decision = decide(record, officer, trigger.value)
        if decision.status == "PROPOSED":
            confirm(decision, second)


@pytest.mark.parametrize(
    ("state", "trigger"), list(TRANSITIONS), ids=lambda part: part.value.lower()
)
def test_every_line_of_the_table_is_reached(
    officer: User, second: User, state: KycStatus, trigger: KycTrigger
) -> None:
    record = in_state(state)

    pull(record, trigger, officer, second)

    record.refresh_from_db()
    reached = TRANSITIONS[state, trigger]
    if trigger == KycTrigger.SCREEN:
        # Screening goes on to the officer in the same transaction.
        reached = KycStatus.IN_REVIEW
    assert record.status == reached


def test_every_other_pair_is_refused_and_changes_nothing(officer: User) -> None:
    for status in KycStatus:
        record = in_state(status)
        for outcome in REASONS:
            if (status, KycTrigger(outcome)) not in TRANSITIONS:
                with pytest.raises(IllegalTransition):
                    decide(record, officer, outcome)
        record.refresh_from_db()
        assert record.status == status
    assert not KycDecision.objects.exists()


def test_database_moves_a_record_by_the_table_and_by_decisions_only() -> None:
    record, moved = in_state(KycStatus.DRAFT), set()
    for before, after in permutations(KycStatus, 2):
        put_kyc(record, before)
        try:
            with transaction.atomic():
                KycRecord.objects.filter(id=record.id).update(status=after)
            moved.add((before.value, after.value))
        except IntegrityError:
            pass

    assert moved == UNDECIDED | {("SUBMITTED", "IN_REVIEW")}
    assert moved - {("SUBMITTED", "IN_REVIEW")} <= {
        (before.value, after.value) for (before, _), after in TRANSITIONS.items()
    }


def test_application_begins_a_record_as_a_draft(db: None) -> None:
    database = settings.DATABASES["default"]
    insert = "INSERT INTO compliance_kycrecord (id, status) VALUES (gen_random_uuid(), %s)"
    with psycopg.connect(
        host=database["HOST"], dbname=database["NAME"], user="stratford_app", autocommit=True
    ) as application:
        with pytest.raises(psycopg.errors.CheckViolation):
            application.execute(insert, ["APPROVED"])
        with pytest.raises(psycopg.errors.NotNullViolation):
            application.execute(insert, ["DRAFT"])


def test_approval_of_before_does_not_approve_again(officer: User) -> None:
    record = in_state(KycStatus.IN_REVIEW)
    decide(record, officer, "APPROVE")
    put_kyc(record, "IN_REVIEW")

    with pytest.raises(IntegrityError), transaction.atomic():
        KycRecord.objects.filter(id=record.id).update(status="APPROVED")


def test_proposal_whose_record_moved_on_is_stale(officer: User, second: User) -> None:
    record = in_state(KycStatus.APPROVED)
    KycRecord.objects.update(next_review_date=timezone.localdate())
    decision = decide(record, officer, "CLOSE")
    assert reviews_open() == 1

    assert attempt(lambda: confirm(decision, second)) == "stale_evidence"

    record.refresh_from_db()
    assert record.status == "UNDER_REVIEW"


def test_client_with_questions_left_is_not_approved(officer: User) -> None:
    record = in_state(KycStatus.UNDER_REVIEW)
    record.steps.filter(step="employment").delete()

    with pytest.raises(Refused) as refusal:
        decide(record, officer, "APPROVE")

    assert refusal.value.code == "kyc_incomplete"
    assert "employment" in refusal.value.facts


def test_clock_opens_and_lapses_what_officers_may_too() -> None:
    record = in_state(KycStatus.APPROVED)
    KycRecord.objects.update(next_review_date=timezone.localdate())
    assert reviews_open() == 1
    KycReview.objects.update(due_date=timezone.localdate() - timedelta(days=9))
    assert reviews_lapse() == 1
    record.refresh_from_db()
    assert record.status == "EXPIRED"


@pytest.mark.parametrize(
    ("state", "outcome"), [("SUSPENDED", "REVIEW"), ("APPROVED", "CLOSE"), ("REJECTED", "CLOSE")]
)
def test_what_frees_or_ends_takes_two_officers_in_service_and_database(
    officer: User, second: User, state: str, outcome: str
) -> None:
    record = in_state(KycStatus(state))
    decision = decide(record, officer, outcome)
    record.refresh_from_db()
    assert (decision.status, record.status) == ("PROPOSED", state)
    with pytest.raises(NotPermitted):
        confirm(decision, officer)
    for change in ({"status": "FINAL"}, {"status": "FINAL", "confirmed_by": officer}):
        with pytest.raises(IntegrityError), transaction.atomic():
            KycDecision.objects.filter(id=decision.id).update(**change)
    record.refresh_from_db()
    assert record.status == state

    assert confirm(decision, second).status == "FINAL"


def test_suspended_client_of_a_prohibited_rating_is_not_released(officer: User) -> None:
    record = in_state(KycStatus.SUSPENDED)
    KycRecord.objects.update(risk_rating="PROHIBITED")

    with pytest.raises(Refused) as refusal:
        decide(record, officer, "REVIEW")

    assert refusal.value.code == "risk_prohibited"
    assert not KycDecision.objects.exists()


def test_client_who_holds_something_is_not_closed(officer: User) -> None:
    record = in_state(KycStatus.APPROVED)
    make_portfolio(record.client, cash="10")

    with pytest.raises(Refused) as refusal:
        decide(record, officer, "CLOSE")

    assert refusal.value.code == "assets_held"


def refused_by_database(decision: KycDecision, **changes: object) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        KycDecision.objects.filter(id=decision.id).update(**changes)


def attempt(act: Callable[[], object]) -> str:
    with pytest.raises(Conflict) as refusal:
        act()
    return str(refusal.value.code)


def test_kyc_decision_on_changed_evidence_or_of_other_terms_is_refused_everywhere(
    officer: User, second: User
) -> None:
    record = in_state(KycStatus.SUSPENDED)
    decision = decide(record, officer, "REVIEW")
    assert attempt(lambda: decide(record, second, "REVIEW")) == "decision_pending"
    for change in (
        {"outcome": "REJECT"},
        {"reason_code": "X"},
        {"risk_rating": "HIGH"},
    ):
        refused_by_database(decision, **change)
    other = KycDecision.objects.get(id=decision.id)
    other.note = "Other words"
    with pytest.raises(DatabaseError), transaction.atomic():
        other.save(update_fields=["note"])
    other.status, other.confirmed_by = KycDecision.Status.FINAL, second
    with pytest.raises(IntegrityError), transaction.atomic():
        other.save(update_fields=["note", "status", "confirmed_by"])
    refused_by_database(decision, status="FINAL", confirmed_by=record.client)
    KycRecord.objects.update(evidence_version=99)

    assert attempt(lambda: confirm(decision, second)) == "stale_evidence"
    refused_by_database(decision, status="FINAL", confirmed_by=second)
    with pytest.raises(IntegrityError), transaction.atomic():
        KycDecision.objects.create(
            record=record,
            outcome="APPROVE",
            reason_code="VERIFIED",
            evidence_version=1,
            risk_rating="LOW",
            from_status="SUSPENDED",
            proposed_by=officer,
        )
