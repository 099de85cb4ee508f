"""KYC records as officers read them: the list, one record's file, one decision."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from apps.compliance.domain.kyc import RiskRating, outcomes_open
from apps.compliance.domain.masking import answers_masked
from apps.compliance.domain.questionnaire import answers_missing
from apps.compliance.models import InformationItem, KycDecision, KycRecord, KycReview, WorkLock
from apps.compliance.selectors.due_diligence import CheckView, diligence_shown
from apps.compliance.selectors.hits import HitView, hits_shown
from apps.compliance.selectors.kyc import DocumentView, answers_of, document_list, steps_of
from apps.compliance.selectors.ownership import OwnershipView, ownership_view
from apps.compliance.selectors.reviews import Change, changes_since_approval
from apps.compliance.selectors.self_certification import CertificationView, certification_of
from apps.compliance.selectors.work_items import page_lock
from apps.core.errors import NotFound
from apps.users.models import User

VIEW = "compliance.view_kycrecord"


@dataclass(frozen=True)
class AnswersView:
    """A step as it was answered, numbers that identify masked; `missing` names open questions."""

    code: str
    title: str
    answers: Mapping[str, Any]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class RecordFile:
    """All that a decision on one record needs.

    `outcomes` are what the state allows, `checks` is empty but for high risk, `lock` says who has
    the record open on the desk.
    """

    record: KycRecord
    outcomes: list[str]
    steps: list[AnswersView]
    ownership: OwnershipView | None
    certification: CertificationView
    documents: tuple[DocumentView, ...]
    hits: list[HitView]
    checks: list[CheckView]
    information: list[InformationItem]
    decisions: list[KycDecision]
    review: KycReview | None
    changes: list[Change]
    lock: WorkLock | None


def record_list(user: User) -> QuerySet[KycRecord]:
    """Return what the user may see, each with its open hits: for staff all but their own.

    Who works here may be a client too, and no client learns of a hit of theirs.
    """
    rows = KycRecord.objects.annotate(open_hits=Count("hits", filter=Q(hits__status="OPEN")))
    rows = rows.exclude(client=user)
    return rows if user.has_perm(VIEW) else rows.none()


def record_get(user: User, record_id: UUID) -> KycRecord:
    """Return the record; raises NotFound, for whoever may not know of records too."""
    record = record_list(user).filter(pk=record_id).first()
    if record is None:
        raise NotFound("There is no such KYC record.")
    return record


def decision_get(record_id: UUID, decision_id: UUID) -> KycDecision:
    """Return a decision on that record; raises NotFound."""
    rows = KycDecision.objects.select_related("record")
    decision = rows.filter(pk=decision_id, record_id=record_id).first()
    if decision is None:
        raise NotFound("There is no such decision.")
    return decision


def record_file(record: KycRecord) -> RecordFile:
    """Return the record with its evidence, as it is now."""
    answers = answers_of(record.id)
    is_high = record.risk_rating == RiskRating.HIGH and record.submitted_at is not None
    return RecordFile(
        record=record,
        outcomes=sorted(outcomes_open(record.status)),
        steps=[
            AnswersView(
                step.code,
                step.title,
                answers_masked(answers.get(step.code, {})),
                tuple(answers_missing(step, answers.get(step.code, {}))),
            )
            for step in steps_of(record, answers)
        ],
        ownership=ownership_view(record) if record.is_entity else None,
        certification=certification_of(record),
        documents=document_list(record.id),
        hits=hits_shown(record.id),
        checks=diligence_shown(record) if is_high else [],
        information=list(record.information.order_by("-created_at", "due_date")),
        decisions=list(record.decisions.select_related("record").order_by("-created_at")),
        review=record.reviews.filter(closed_at=None).first(),
        changes=changes_since_approval(record),
        lock=page_lock(record.id),
    )
