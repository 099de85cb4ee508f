"""A client is looked at again: when, why, what changed, and what becomes of it."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import emit, outbox_deliver
from apps.compliance.domain.kyc import RiskRating
from apps.compliance.domain.reviews import ReviewReason, next_review
from apps.compliance.events import AlertDecided
from apps.compliance.models import KycRecord, KycReview, ScreeningHit
from apps.compliance.selectors.kyc import kyc_view
from apps.compliance.selectors.reviews import changes_since_approval
from apps.compliance.services.documents import document_upload
from apps.compliance.services.kyc import kyc_save_step, kyc_submit
from apps.compliance.services.reviews import documents_watch, reviews_lapse, reviews_open
from apps.core.errors import Conflict, Refused
from apps.notifications.models import Notification
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance.factories import ANSWERS, hit_decide, image_bytes, make_kyc, put
from tests.compliance.test_services_screening import LISTED, propose, submitted, with_list
from tests.users.factories import make_user

db = pytest.mark.django_db


@pytest.fixture
def officer() -> User:
    return make_user(Role.COMPLIANCE_OFFICER)


def approved(officer: User) -> KycRecord:
    record = submitted()
    propose(record, officer)
    record.refresh_from_db()
    return record


def due(record: KycRecord) -> None:
    KycRecord.objects.filter(id=record.id).update(next_review_date=timezone.localdate())


def expiring(record: KycRecord, days: int) -> None:
    put(record.documents.all(), expiry_date=timezone.localdate() + timedelta(days=days))


def told(record: KycRecord) -> list[str]:
    outbox_deliver(context="compliance")
    outbox_deliver(context="notifications")
    rows = Notification.objects.filter(user=record.client).order_by("created_at")
    return list(rows.values_list("body_code", flat=True))


def test_next_review_is_so_many_months_on_and_never_on_a_day_that_is_not() -> None:
    assert next_review(date(2026, 11, 23), RiskRating.LOW) == date(2029, 11, 23)
    assert next_review(date(2026, 1, 31), RiskRating.MEDIUM) == date(2028, 1, 31)
    assert next_review(date(2028, 2, 29), RiskRating.HIGH) == date(2029, 2, 28)


@db
def test_review_is_opened_when_it_is_due_once_and_the_client_goes_on(officer: User) -> None:
    record, other = approved(officer), make_kyc(make_user())
    due(record)

    assert [reviews_open(), reviews_open()] == [1, 0]

    record.refresh_from_db()
    other.refresh_from_db()
    assert (record.status, other.status) == ("UNDER_REVIEW", "APPROVED")
    review = KycReview.objects.get()
    assert (review.reasons, review.outcome) == (["PERIODIC"], "")
    assert kyc_view(record.client).status == "APPROVED"


@db
def test_review_approved_anew_says_nothing_to_the_client_and_sets_the_next_date(
    officer: User,
) -> None:
    record = approved(officer)
    before, decided = told(record), record.decided_at
    due(record)
    reviews_open()
    record.refresh_from_db()
    shown = kyc_view(record.client)

    propose(record, officer)

    record.refresh_from_db()
    assert record.next_review_date == next_review(timezone.localdate(), RiskRating.LOW)
    assert KycReview.objects.get().outcome == "APPROVED"
    assert told(record) == before == ["kyc_approved"]
    assert record.decided_at == decided
    assert kyc_view(record.client) == shown


@db
def test_review_nobody_finished_expires_and_the_client_renews(officer: User) -> None:
    record = approved(officer)
    due(record)
    reviews_open()
    assert reviews_lapse() == 0
    KycReview.objects.update(due_date=timezone.localdate() - timedelta(days=2))

    assert [reviews_lapse(), reviews_lapse()] == [1, 0]

    record.refresh_from_db()
    assert record.status == "EXPIRED"
    assert KycReview.objects.get().outcome == "EXPIRED"
    assert told(record)[-1] == "kyc_expired"
    assert kyc_submit(actor=record.client).status == "SUBMITTED"


@db
def test_client_who_changes_an_answer_goes_on_trading_under_review(officer: User) -> None:
    record = approved(officer)
    moved = {**ANSWERS["contact"], "city": "Leeds"}
    with pytest.raises(Refused) as refusal:
        kyc_save_step(actor=record.client, step="contact", answers={"city": "Leeds"})
    assert refusal.value.code == "kyc_incomplete"

    kyc_save_step(actor=record.client, step="contact", answers=moved)
    kyc_save_step(actor=record.client, step="contact", answers={**moved, "city": "York"})

    record.refresh_from_db()
    assert record.status == "UNDER_REVIEW"
    assert KycReview.objects.get().reasons == ["CLIENT_CHANGE"]
    (change,) = changes_since_approval(record)
    assert (change.kind, change.before, change.after) == ("Answer", "London", "York")
    with pytest.raises(Conflict):
        kyc_submit(actor=record.client)


@db
def test_client_who_moves_to_an_embargoed_country_is_suspended_at_once(officer: User) -> None:
    record = approved(officer)

    kyc_save_step(
        actor=record.client, step="personal", answers={**ANSWERS["personal"], "residence": "KP"}
    )

    record.refresh_from_db()
    assert (record.status, record.risk_rating) == ("SUSPENDED", "PROHIBITED")
    assert KycReview.objects.get().outcome == "SUSPENDED"
    rating = {change.what: change.after for change in changes_since_approval(record)}
    assert rating["Risk rating"] == "Prohibited"


@db
def test_identity_document_is_reminded_of_at_each_stage_once_and_then_reviewed(
    officer: User,
) -> None:
    record = approved(officer)
    expiring(record, 61)
    assert documents_watch() == 0
    for days in (60, 29, 3):
        expiring(record, days)
        assert [documents_watch(), documents_watch()] == [1, 0]
    assert told(record)[1:] == ["document_expiring"] * 3

    expiring(record, -1)
    assert [documents_watch(), documents_watch()] == [1, 0]

    record.refresh_from_db()
    assert record.status == "UNDER_REVIEW"
    assert KycReview.objects.get().reasons == ["DOCUMENT_EXPIRED"]
    assert told(record)[-1] == "document_expired"
    with pytest.raises(Refused) as refusal:
        propose(record, officer)
    assert refusal.value.code == "document_expired"

    document_upload(
        actor=record.client,
        kind="IDENTITY_CARD",
        data=image_bytes(),
        expiry_date=timezone.localdate() + timedelta(days=900),
    )
    record.refresh_from_db()
    assert KycReview.objects.get().reasons == ["DOCUMENT_EXPIRED", "CLIENT_CHANGE"]
    assert {change.kind for change in changes_since_approval(record)} == {"Document"}
    assert propose(record, officer).status == "FINAL"


@db
def test_true_match_of_one_client_sends_whom_its_entry_resembles_under_review(
    officer: User,
) -> None:
    with_list()
    records = []
    for _ in range(2):
        record = submitted(**LISTED)
        hit_decide(officer, ScreeningHit.objects.get(record=record), "INCONCLUSIVE")
        records.append(record)
    put(KycRecord.objects.all(), status="APPROVED", risk_rating="LOW", computed_rating="LOW")

    hit_decide(officer, ScreeningHit.objects.get(record=records[0]), "TRUE_MATCH")
    outbox_deliver(context="compliance")

    for record, status in zip(records, ("SUSPENDED", "UNDER_REVIEW"), strict=True):
        record.refresh_from_db()
        assert record.status == status
    assert KycReview.objects.get().reasons == [ReviewReason.TRUE_MATCH_ELSEWHERE]


@db
@pytest.mark.parametrize(
    ("disposition", "status"), [("SUSPICIOUS", "UNDER_REVIEW"), ("NOT_SUSPICIOUS", "APPROVED")]
)
def test_alert_that_is_confirmed_sends_its_client_under_review(
    disposition: str, status: str
) -> None:
    record = make_kyc(make_user())
    event = AlertDecided(
        stream="alert-1",
        alert_id="1",
        client_id=str(record.client_id),
        kind="MONITORING",
        scenario_code="STRUCTURING",
        disposition=disposition,
        reason_code="x",
        proposed_by="1",
        confirmed_by="2",
        references=[],
    )
    emit(event, actor=None)

    outbox_deliver(context="compliance")

    record.refresh_from_db()
    assert record.status == status
    assert AuditEvent.objects.filter(name="compliance.review.opened").count() == (
        disposition == "SUSPICIOUS"
    )
