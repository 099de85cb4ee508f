"""Enhanced due diligence is done item by item by officers, and agreed to by a supervisor."""

from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.due_diligence import MAX_NOTE, SENIOR_ITEMS, VERSION, checklist_of
from apps.compliance.domain.kyc import DECIDABLE, RiskRating
from apps.compliance.events.kyc import DueDiligenceDone
from apps.compliance.models import DueDiligence, DueDiligenceItem, KycDocument, KycRecord
from apps.compliance.selectors.due_diligence import diligence_left
from apps.compliance.selectors.kyc import all_answers
from apps.compliance.services.work_locks import work_lock_require
from apps.core.commands import command
from apps.core.errors import (
    Conflict,
    IllegalTransition,
    InvalidInput,
    NotFound,
    NotPermitted,
    Refused,
)
from apps.users.models import User

DECIDE = "compliance.decide_kycrecord"
APPROVE = "compliance.approve_duediligence"


@command
def diligence_do(
    *,
    actor: User,
    record_id: UUID,
    code: str,
    note: str,
    evidence_version: int,
    document_id: UUID | None = None,
) -> DueDiligenceItem:
    """Write down what was found out on one item; again replaces it until the client is approved.

    A supervisor agrees to all of it as it is: what is written down later ends the agreement.
    `document_id` names a document of the client that shows it.  Raises NotPermitted (`four_eyes`
    where the senior approval is not another's), NotFound, InvalidInput, IllegalTransition, Conflict
    `stale_evidence` or `work_locked`, Refused `not_high` or `diligence_incomplete`.
    """
    if not actor.is_active or not actor.has_perm(DECIDE):
        raise NotPermitted("You may not decide KYC records.")
    text = note.strip()
    if not 0 < len(text) <= MAX_NOTE or "\x00" in text:
        raise InvalidInput(f"A note of 1 to {MAX_NOTE} characters is needed.", field="note")
    record = _locked(actor, record_id, evidence_version)
    document = _document(record, document_id)
    diligence = _checklist(record)
    item = diligence.items.filter(code=code).first()
    if item is None:
        raise NotFound("There is no such item.")
    if code in SENIOR_ITEMS:
        _check_senior(actor, record, diligence)
    else:
        _agreement_end(diligence)
    item.note, item.document, item.done_by, item.done_at = text, document, actor, timezone.now()
    item.save()
    record.evidence_version += 1
    record.save()
    event = DueDiligenceDone(**record.identity, item=code, evidence_version=record.evidence_version)
    emit(event, actor=actor)
    return item


def check_diligence(record: KycRecord) -> None:
    """Raise Refused `diligence_incomplete` (facts: what is left) for a locked record at HIGH."""
    if record.risk_rating == RiskRating.HIGH:
        if left := diligence_left(record):
            raise _incomplete(left)
        _checklist(record)


def diligence_end(record: KycRecord) -> None:
    """Close the checklist with the approval it was done for; the next review has a new one."""
    record.diligences.filter(closed_at=None).update(closed_at=timezone.now())


def _locked(actor: User, record_id: UUID, evidence_version: int) -> KycRecord:
    record = KycRecord.objects.locked(record_id)
    if record.client_id == actor.id:
        raise NotPermitted("Nobody decides their own record.", code="own_record")
    work_lock_require(actor=actor, page_id=record.id)
    if record.status not in DECIDABLE:
        raise IllegalTransition(
            f"A KYC record that is {record.status} cannot be decided.", status=record.status
        )
    if record.risk_rating != RiskRating.HIGH:
        raise Refused("Only a client of high risk needs this.", code="not_high")
    if record.evidence_version != evidence_version:
        raise Conflict("The evidence changed since you read it.", code="stale_evidence")
    return record


def _document(record: KycRecord, document_id: UUID | None) -> KycDocument | None:
    if document_id is None:
        return None
    document = record.documents.defer("content").filter(id=document_id).first()
    if document is None:
        raise NotFound("There is no such document.")
    return document


def _checklist(record: KycRecord) -> DueDiligence:
    """Return the open checklist with every item that the client's answers ask for by now.

    What they do not ask for any more stays only where somebody did it.
    """
    diligence, _ = DueDiligence.objects.get_or_create(
        record=record, closed_at=None, defaults={"version": VERSION}
    )
    asked = checklist_of(all_answers(record.id), diligence.version)
    codes = {item.code for item in asked}
    diligence.items.filter(done_at=None).exclude(code__in=codes).delete()
    known = set(diligence.items.values_list("code", flat=True))
    DueDiligenceItem.objects.bulk_create(
        DueDiligenceItem(diligence=diligence, code=item.code)
        for item in asked
        if item.code not in known
    )
    return diligence


def _agreement_end(diligence: DueDiligence) -> None:
    for agreed in diligence.items.filter(code__in=SENIOR_ITEMS, done_at__isnull=False):
        agreed.done_by, agreed.done_at = None, None
        agreed.save(update_fields=["done_by", "done_at", "updated_at"])


def _check_senior(actor: User, record: KycRecord, diligence: DueDiligence) -> None:
    if not actor.has_perm(APPROVE):
        raise NotPermitted("A supervisor agrees to this.")
    if diligence.items.exclude(code__in=SENIOR_ITEMS).filter(done_by=actor).exists():
        raise NotPermitted("Somebody who did none of the items must agree.", code="four_eyes")
    left = diligence_left(record)
    if others := {code: words for code, words in left.items() if code not in SENIOR_ITEMS}:
        raise _incomplete(others)


def _incomplete(left: dict[str, str]) -> Refused:
    return Refused("Enhanced due diligence is not complete.", code="diligence_incomplete", **left)
