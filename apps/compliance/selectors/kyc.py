"""What others may ask about a client's KYC record."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from apps.compliance.domain.kyc import (
    CLIENT_TEXTS,
    EDITABLE,
    IDENTITY_KINDS,
    UPDATABLE,
    KycStatus,
    client_status,
)
from apps.compliance.domain.kyc_reasons import REASONS
from apps.compliance.domain.masking import answers_masked
from apps.compliance.domain.questionnaire import Step, answers_missing
from apps.compliance.domain.questionnaires import (
    VERSION,
    ClientKind,
    jurisdiction_of,
    steps_asked,
)
from apps.compliance.models import KycDocument, KycRecord, KycStep, QuarantinedFile
from apps.compliance.selectors.information import ItemView, items_shown
from apps.compliance.selectors.ownership import ownership_view
from apps.compliance.selectors.self_certification import certification_of
from apps.infrastructure.prepared import run_prepared
from apps.users.models import User


@dataclass(frozen=True)
class StepView:
    """`answers` are the client's own, numbers masked; `missing` names the open questions."""

    step: Step
    answers: dict[str, Any]
    missing: tuple[str, ...]

    @property
    def code(self) -> str:
        return self.step.code

    @property
    def title(self) -> str:
        return self.step.title

    @property
    def is_complete(self) -> bool:
        return not self.missing

    @property
    def is_started(self) -> bool:
        return bool(self.answers)


@dataclass(frozen=True)
class DocumentView:
    id: UUID
    kind: str
    kind_label: str
    version: int
    media_type: str
    size_bytes: int
    sha256: str
    expiry_date: date | None
    uploaded_at: datetime


@dataclass(frozen=True)
class KycView:
    """A client's own view: plain words, never a hit, a score or a rating.

    `is_editable` is before handing in; `may_update` also while a client of the firm, who tells what
    changed.
    """

    status: str
    status_text: str
    is_editable: bool
    may_update: bool
    steps: tuple[StepView, ...]
    documents: tuple[DocumentView, ...]
    has_identity_document: bool
    ownership_gaps: tuple[str, ...]
    is_certified: bool
    kind: str
    jurisdiction: str
    questionnaire_version: str
    submitted_at: datetime | None
    decided_at: datetime | None
    record_id: UUID | None = None
    requested: tuple[ItemView, ...] = ()

    @property
    def is_all_answered(self) -> bool:
        """Tell whether everything that was asked for came in."""
        return all(item.is_answered for item in self.requested)

    @property
    def can_submit(self) -> bool:
        complete = all(step.is_complete for step in self.steps)
        is_whole = complete and not self.ownership_gaps and self.has_identity_document
        return self.is_editable and is_whole and self.is_certified and self.is_all_answered

    @property
    def next_step(self) -> StepView | None:
        """Return the first step that is not complete."""
        return next((step for step in self.steps if not step.is_complete), None)

    def step(self, code: str) -> StepView | None:
        return next((step for step in self.steps if step.code == code), None)


def kyc_of(client_id: UUID) -> KycRecord | None:
    """Return the client's record, or None when the client never began."""
    return KycRecord.objects.of(client_id).first()


def kyc_standing(client_id: UUID) -> tuple[str, bool]:
    """Return the record's status, and whether it was approved once and is not prohibited now.

    Every order asks for it.  A true match prohibits at once, in whichever state the record is.
    NONE and False for a client without a record.
    """
    rows = run_prepared(
        "SELECT status, approved_at IS NOT NULL AND risk_rating <> 'PROHIBITED'"
        " FROM compliance_kycrecord WHERE client_id = %s",
        [client_id],
    )
    return (rows[0][0], rows[0][1]) if rows else ("NONE", False)


def kyc_view(client: User) -> KycView:
    """Return the client's own record as the client may see it; an unbegun one is a DRAFT."""
    record = kyc_of(client.id)
    answers = answers_of(record.id) if record else {}
    given = merged(answers)
    steps = steps_of(record, answers) if record else steps_asked("INDIVIDUAL", VERSION, {})
    documents = document_list(record.id) if record else ()
    status = client_status(record.status) if record else KycStatus.DRAFT
    is_asked = record is not None and status == KycStatus.NEEDS_INFORMATION
    return KycView(
        status=status,
        status_text=_status_text(record, status),
        is_editable=status in EDITABLE,
        steps=tuple(_step_view(step, answers.get(step.code, {})) for step in steps),
        may_update=status in UPDATABLE,
        documents=documents,
        has_identity_document=any(_is_valid_identity(document) for document in documents),
        ownership_gaps=ownership_view(record).gaps if record and record.is_entity else (),
        is_certified=certification_of(record, given).is_in_force if record else False,
        kind=record.kind if record else ClientKind.INDIVIDUAL,
        jurisdiction=jurisdiction_of(given),
        questionnaire_version=record.version_asked if record else VERSION,
        submitted_at=record.submitted_at if record else None,
        decided_at=record.decided_at if record else None,
        record_id=record.id if record else None,
        requested=items_shown(record.id) if record and is_asked else (),
    )


def answers_of(record_id: UUID) -> dict[str, dict[str, Any]]:
    """Return the decrypted answers by step."""
    rows = KycStep.objects.filter(record_id=record_id)
    return {row.step: json.loads(row.answers) for row in rows}


def all_answers(record_id: UUID) -> dict[str, Any]:
    """Return the decrypted answers of every step in one mapping; their names are unique."""
    return merged(answers_of(record_id))


def merged(answers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: value for step in answers.values() for name, value in step.items()}


def steps_of(
    record: KycRecord, answers: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[Step, ...]:
    """Return what the record's client is asked now or, where they may not edit, was asked."""
    given = answers_of(record.id) if answers is None else answers
    return steps_asked(record.kind, record.version_asked, merged(given))


def answers_left(record: KycRecord) -> dict[str, str]:
    """Return what the client has not answered yet, by step: the questions' names in one line."""
    answers = answers_of(record.id)
    asked = steps_of(record, answers)
    found = {step.code: answers_missing(step, answers.get(step.code, {})) for step in asked}
    return {code: ", ".join(names) for code, names in found.items() if names}


def document_list(record_id: UUID) -> tuple[DocumentView, ...]:
    """Return every version of every document, newest first, without the content."""
    rows = KycDocument.objects.filter(record_id=record_id).defer("content")
    return tuple(
        DocumentView(
            id=row.id,
            kind=row.kind,
            kind_label=row.get_kind_display(),
            version=row.version,
            media_type=row.media_type,
            size_bytes=row.size_bytes,
            sha256=row.sha256,
            expiry_date=row.expiry_date,
            uploaded_at=row.created_at,
        )
        for row in rows.order_by("-created_at")
    )


def quarantine_list(record_id: UUID) -> QuerySet[QuarantinedFile]:
    """Return what was found in the client's uploads, newest first, without the files."""
    return QuarantinedFile.objects.filter(record_id=record_id).defer("content")


def document_kinds() -> list[tuple[str, str]]:
    """Return (code, label) pairs for a form."""
    return [(str(code), str(label)) for code, label in KycDocument.Kind.choices]


def _status_text(record: KycRecord | None, status: KycStatus) -> str:
    reason = REASONS.get(record.reason_code) if record else None
    if status == KycStatus.NEEDS_INFORMATION and reason:
        return reason.client_text
    return CLIENT_TEXTS[status]


def _step_view(step: Step, answers: dict[str, Any]) -> StepView:
    missing = tuple(answers_missing(step, answers))
    return StepView(step, answers_masked(answers), missing)


def _is_valid_identity(document: DocumentView) -> bool:
    today = timezone.localdate()
    return document.kind in IDENTITY_KINDS and (document.expiry_date or today) >= today
