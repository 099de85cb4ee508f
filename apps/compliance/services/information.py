"""Commands on what a client was asked for: asked, answered, waived, reminded of."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.business_calendar import FIRM
from apps.compliance.domain.information import (
    ANY_IDENTITY,
    MAX_ANSWER,
    REMIND_DAYS,
    AskedItem,
    ItemKind,
)
from apps.compliance.domain.kyc import IDENTITY_KINDS, KycStatus
from apps.compliance.domain.reminders import stage_due
from apps.compliance.events.kyc import (
    InformationAnswered,
    InformationReminded,
    InformationRequested,
    InformationWaived,
)
from apps.compliance.models import (
    InformationItem,
    KycDecision,
    KycDocument,
    KycRecord,
    KycReminder,
)
from apps.compliance.selectors.information import firm_date, item_label, items_open
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted, Refused
from apps.users.models import User

DECIDE = "compliance.decide_kycrecord"
# No reminder is sent earlier than this many calendar days before.
HORIZON = timedelta(days=10)
Status = InformationItem.Status


@command
def items_request(*, decision: KycDecision, asked: Sequence[AskedItem], actor: User) -> None:
    """Keep what a decision asks the client for; the record is locked and the items are checked."""
    today = firm_date(timezone.now())
    items = [
        InformationItem(
            record=decision.record,
            decision=decision,
            kind=item.kind,
            subject=item.subject,
            reason_code=item.reason_code,
            due_date=FIRM.day_after(today, item.days),
        )
        for item in asked
    ]
    InformationItem.objects.bulk_create(items)
    emit(
        InformationRequested(
            **decision.record.identity,
            items=[item.code for item in items],
            due_dates=[item.due_date.isoformat() for item in items],
        ),
        actor=actor,
    )


@command
def information_answer(*, actor: User, item_id: UUID, answer: str) -> InformationItem:
    """Keep the client's own words on a question; until handing in they may be replaced.

    Raises NotFound for what was not asked of the actor, Conflict `kyc_not_editable` or
    `item_closed`, InvalidInput.
    """
    text = answer.strip()
    if not 0 < len(text) <= MAX_ANSWER or "\x00" in text:
        raise InvalidInput(f"An answer has 1 to {MAX_ANSWER} characters.", field="answer")
    record, item = _locked(item_id)
    if record.client_id != actor.id or item.kind != ItemKind.QUESTION:
        raise NotFound("You were not asked for this.")
    if record.status != KycStatus.NEEDS_INFORMATION:
        raise Conflict(
            "Your identity check is with us and cannot be changed now.", code="kyc_not_editable"
        )
    if item.status == Status.WAIVED or item.decision_id != _newest_decision(record):
        raise Conflict("We do not need this any more.", code="item_closed")
    if item.answer == text:
        return item
    item.answer = text
    _answered(item, record, actor)
    record.evidence_version += 1
    record.save()
    return item


@command
def information_waive(*, actor: User, item_id: UUID) -> InformationItem:
    """Do without something that the client has not answered.

    Raises NotPermitted, NotFound, or Conflict `item_closed`.
    """
    if not actor.is_active or not actor.has_perm(DECIDE):
        raise NotPermitted("You may not decide KYC records.")
    record, item = _locked(item_id)
    if record.client_id == actor.id:
        raise NotPermitted("Nobody decides their own record.", code="own_record")
    if item.status != Status.OPEN or record.status != KycStatus.NEEDS_INFORMATION:
        raise Conflict("This does not wait for the client.", code="item_closed")
    item.status, item.waived_by = Status.WAIVED, actor
    item.save()
    event = InformationWaived(**record.identity, item_id=str(item.id), item=item.code)
    emit(event, actor=actor)
    return item


def step_answered(record: KycRecord, step: str, actor: User) -> None:
    """Note that a complete step came in, changed or confirmed; the record is locked."""
    for item in items_open(record.id).filter(kind=ItemKind.STEP, subject=step):
        _answered(item, record, actor)


def document_answered(record: KycRecord, document: KycDocument, actor: User) -> None:
    """Note that a document came in that was asked for; the record is locked."""
    subjects = [document.kind]
    if document.kind in IDENTITY_KINDS:
        subjects.append(ANY_IDENTITY)
    for item in items_open(record.id).filter(kind=ItemKind.DOCUMENT, subject__in=subjects):
        item.document = document
        _answered(item, record, actor)


def check_all_answered(record: KycRecord) -> None:
    """Raise Refused `information_missing` (facts: what is missing, by code) while some is."""
    left = {item.code: item_label(item.code) for item in items_open(record.id)}
    if left:
        raise Refused("Some of what we asked for is missing.", code="information_missing", **left)


def information_remind() -> int:
    """Remind clients of what is due soon or today, each stage once; return how many were told."""
    today = firm_date(timezone.now())
    rows = InformationItem.objects.filter(
        status=Status.OPEN,
        due_date__lte=today + HORIZON,
        record__status=KycStatus.NEEDS_INFORMATION,
    )
    record_ids = list(rows.order_by("record_id").values_list("record_id", flat=True).distinct())
    return sum(_record_remind(record_id=record_id) for record_id in record_ids)


@command
def _record_remind(*, record_id: UUID) -> bool:
    """Send one reminder a stage for what is still open, if that was not sent yet."""
    record = KycRecord.objects.locked(record_id)
    if record.status != KycStatus.NEEDS_INFORMATION:
        return False
    today = firm_date(timezone.now())
    due: dict[int, list[InformationItem]] = {}
    for item in items_open(record.id):
        stage = stage_due(FIRM.days_between(today, item.due_date), REMIND_DAYS)
        if stage is not None:
            due.setdefault(stage, []).append(item)
    sent = False
    for stage, items in due.items():
        known = KycReminder.objects.filter(
            subject_id__in=[item.id for item in items], stage=str(stage)
        )
        seen = set(known.values_list("subject_id", flat=True))
        fresh = [item for item in items if item.id not in seen]
        KycReminder.objects.bulk_create(
            KycReminder(record=record, subject_id=item.id, stage=str(stage)) for item in fresh
        )
        if fresh:
            sent = True
            event = InformationReminded(
                **record.identity,
                items=[item.code for item in fresh],
                due_dates=[item.due_date.isoformat() for item in fresh],
            )
            emit(event, actor=None)
    return sent


def _locked(item_id: UUID) -> tuple[KycRecord, InformationItem]:
    """Return the item and its record, the record locked first as everywhere."""
    item = InformationItem.objects.filter(id=item_id).first()
    if item is None:
        raise NotFound("You were not asked for this.")
    record = KycRecord.objects.locked(item.record_id)
    item.refresh_from_db()
    return record, item


def _newest_decision(record: KycRecord) -> UUID | None:
    asked = record.decisions.filter(outcome=KycDecision.Outcome.REQUEST_INFORMATION)
    return asked.order_by("-created_at").values_list("id", flat=True).first()


def _answered(item: InformationItem, record: KycRecord, actor: User) -> None:
    item.status, item.answered_at = Status.ANSWERED, timezone.now()
    item.save()
    event = InformationAnswered(**record.identity, item_id=str(item.id), item=item.code)
    emit(event, actor=actor)
