"""Reviews begin, gather reasons and end; a record is suspended; all under the record's lock."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from django.db.models import Max, Q
from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.business_calendar import FIRM
from apps.compliance.domain.kyc import CLEARED, IDENTITY_KINDS, KycStatus, KycTrigger, next_status
from apps.compliance.domain.reminders import stage_due
from apps.compliance.domain.reviews import DOCUMENT_REMIND_DAYS, LAPSE_DAYS, ReviewReason
from apps.compliance.events import KycStatusChanged
from apps.compliance.events.kyc import DocumentExpiring, KycReviewEnded, KycReviewOpened
from apps.compliance.models import KycRecord, KycReminder, KycReview, RatingOverride
from apps.compliance.selectors.information import firm_date
from apps.compliance.services.overrides import override_end
from apps.core.commands import command
from apps.trading.domain.orders import Side
from apps.trading.services.orders import orders_cancel_of_client
from apps.users.models import User

BATCH = 200
EXPIRED = "EXPIRED"


def review_begin(record: KycRecord, reason: ReviewReason, *, actor: User | None = None) -> bool:
    """Send a locked record that was approved under review, or add the reason to the open review.

    A record in any other state is being looked at anyway: nothing happens.  Return whether the
    review is new or has a new reason.
    """
    if record.status not in CLEARED:
        return False
    if record.status == KycStatus.APPROVED:
        record.move(KycTrigger.REVIEW)
        record.save()
    review = record.reviews.filter(closed_at=None).first()
    if review is not None and reason in review.reasons:
        return False
    if review is None:
        override_end(record, "REVIEW")
        record.save()
        review = KycReview(record=record, opened_by=actor, due_date=_lapse_date())
    review.reasons = [*review.reasons, reason.value]
    review.save()
    emit(_opened(review), actor=actor)
    return True


def review_end(record: KycRecord, *, actor: User | None) -> None:
    """Close the review of a locked record that has reached its new state, if one is open."""
    review = record.reviews.filter(closed_at=None).first()
    if review is not None:
        review.outcome, review.closed_at = record.status, timezone.now()
        review.save()
        event = KycReviewEnded(**record.identity, review_id=str(review.id), outcome=review.outcome)
        emit(event, actor=actor)


def record_suspend(record: KycRecord, reason_code: str, *, actor: User | None) -> None:
    """Stop the business of a locked record's client in this very transaction.

    Saved before the orders' locks are taken: an order that waits for them sees it.
    """
    if record.status in CLEARED:
        record.move(KycTrigger.SUSPEND)
        record.reason_code = reason_code
        record.decided_at = timezone.now()
        record.save()
        event = KycStatusChanged(
            **record.identity, status=record.status, reason_code=record.reason_code
        )
        emit(event, actor=actor)
        review_end(record, actor=actor)
    orders_cancel_of_client(actor=actor, client_id=record.client_id)


def reviews_open() -> int:
    """Send every approved client under review whose date has come; return how many."""
    total = 0
    while count := _batch_open():
        total += count
    return total


@command
def _batch_open() -> int:
    today = timezone.localdate()
    due = KycRecord.objects.filter(status=KycStatus.APPROVED, next_review_date__lte=today)
    due = due.order_by("next_review_date", "id").select_for_update(skip_locked=True)
    records = list(due[:BATCH])
    reached = next_status(KycStatus.APPROVED, KycTrigger.REVIEW)
    ids = [record.id for record in records]
    KycRecord.objects.filter(id__in=ids).update(status=reached, updated_at=timezone.now())
    lapse = _lapse_date()
    reviews = KycReview.objects.bulk_create(
        KycReview(record=record, reasons=[ReviewReason.PERIODIC.value], due_date=lapse)
        for record in records
    )
    overridden = RatingOverride.objects.filter(record__in=ids, status="ACTIVE")
    ending = set(overridden.values_list("record_id", flat=True))
    for review in reviews:
        if review.record_id in ending:
            override_end(review.record, "REVIEW")
            review.record.save(update_fields=["risk_rating", "updated_at"])
        emit(_opened(review), actor=None)
    return len(reviews)


def reviews_lapse() -> int:
    """Let reviews that nobody finished in time expire; return how many."""
    overdue = KycReview.objects.filter(
        closed_at=None,
        due_date__lt=firm_date(timezone.now()),
        record__status=KycStatus.UNDER_REVIEW,
    )
    record_ids = list(overdue.order_by("record_id").values_list("record_id", flat=True))
    return sum(_record_lapse(record_id=record_id) for record_id in record_ids)


@command
def _record_lapse(*, record_id: UUID) -> bool:
    record = KycRecord.objects.locked(record_id)
    if record.status != KycStatus.UNDER_REVIEW:
        return False
    record_expire(record, "REVIEW_LAPSED", actor=None)
    return True


def record_expire(record: KycRecord, reason_code: str, *, actor: User | None) -> None:
    """Let a locked record expire: until it is renewed the client may only sell."""
    record.move(KycTrigger.EXPIRE)
    record.reason_code = reason_code
    record.decided_at = timezone.now()
    record.save()
    event = KycStatusChanged(**record.identity, status=record.status, reason_code=reason_code)
    emit(event, actor=actor)
    review_end(record, actor=actor)
    # A purchase that rests would still fill.
    orders_cancel_of_client(actor=actor, client_id=record.client_id, side=Side.BUY)


def documents_watch() -> int:
    """Remind clients of identity documents that expire; review those whose last one has.

    Return how many clients were reminded or put under review; each stage happens once a date.
    """
    today = timezone.localdate()
    due: dict[UUID, str] = {}
    for record_id, valid_until in _expiring(today):
        stage = stage_due((valid_until - today).days, (*DOCUMENT_REMIND_DAYS, -1))
        due[record_id] = f"{EXPIRED if stage == -1 else stage}:{valid_until}"
    sent = KycReminder.objects.filter(subject_id__in=due, stage__in=set(due.values()))
    seen = {*sent.values_list("subject_id", "stage")}
    fresh = [record_id for record_id, stage in due.items() if (record_id, stage) not in seen]
    return sum(_record_watch(record_id=record_id, stage=due[record_id]) for record_id in fresh)


def _expiring(today: date) -> Iterable[tuple[UUID, date]]:
    """Return clients in business (by record) with the day their last identity document expires."""
    soon = date.fromordinal(today.toordinal() + max(DOCUMENT_REMIND_DAYS))
    identity = Q(documents__kind__in=IDENTITY_KINDS)
    rows = KycRecord.objects.filter(status__in=CLEARED).annotate(
        valid_until=Max("documents__expiry_date", filter=identity)
    )
    return rows.order_by("id").filter(valid_until__lte=soon).values_list("id", "valid_until")


@command
def _record_watch(*, record_id: UUID, stage: str) -> bool:
    record = KycRecord.objects.locked(record_id)
    kind, _, valid_until = stage.partition(":")
    newest = record.documents.filter(kind__in=IDENTITY_KINDS).aggregate(day=Max("expiry_date"))
    if record.status not in CLEARED or str(newest["day"]) != valid_until:
        return False
    _, is_new = KycReminder.objects.get_or_create(record=record, subject_id=record.id, stage=stage)
    if not is_new:
        return False
    if kind == EXPIRED:
        review_begin(record, ReviewReason.DOCUMENT_EXPIRED)
    emit(
        DocumentExpiring(**record.identity, expiry_date=valid_until, has_expired=kind == EXPIRED),
        actor=None,
    )
    return True


def _lapse_date() -> date:
    return FIRM.day_after(firm_date(timezone.now()), LAPSE_DAYS)


def _opened(review: KycReview) -> KycReviewOpened:
    return KycReviewOpened(
        **review.record.identity,
        review_id=str(review.id),
        reasons=list(review.reasons),
        due_date=review.due_date.isoformat(),
    )
