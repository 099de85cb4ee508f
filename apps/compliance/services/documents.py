"""Documents: taken in, cleaned, encrypted, and read only under the eyes of the audit trail."""

import hashlib
from datetime import date, timedelta
from uuid import UUID

import structlog
from django.db.models import Count, Sum
from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.kyc import IDENTITY_KINDS
from apps.compliance.domain.uploads import (
    BOUNDS,
    CLEANERS,
    MAX_FILES,
    MAX_TOTAL_BYTES,
    QUARANTINE_DAYS,
    broken,
    check_size,
    media_type_of,
    refused,
)
from apps.compliance.events import (
    KycDocumentRead,
    KycDocumentUploaded,
    KycFileQuarantined,
    KycQuarantineDeleted,
)
from apps.compliance.models import KycDocument, KycRecord, QuarantinedFile
from apps.compliance.providers.malware import malware_find
from apps.compliance.selectors.kyc import kyc_of
from apps.compliance.services.information import document_answered
from apps.compliance.services.kyc import check_editable, editable_record
from apps.compliance.services.review_triggers import client_changed
from apps.core.commands import command
from apps.core.errors import InvalidInput, NotFound, Refused
from apps.infrastructure import security_log
from apps.infrastructure.sandbox import SandboxFailed, run_sandboxed
from apps.users.models import User

logger = structlog.get_logger(__name__)
MAX_EXPIRY_YEARS = 30


def document_upload(
    *, actor: User, kind: str, data: bytes, expiry_date: date | None = None
) -> KycDocument:
    """Add a document to the actor's own record; a second one of a kind is its next version.

    `data` is the whole file; what is kept is a new file made from it.  No transaction is open while
    it is scanned and rewritten.  An identity document needs its expiry date.

    Raises InvalidInput (field `file`, `kind` or `expiry_date`; `file_infected` keeps the file in
    quarantine), Conflict `kyc_not_editable`, Refused `too_many_documents` or
    `document_space_used_up`, Unavailable `scanner_unavailable` or `busy`.
    """
    if kind not in KycDocument.Kind.values:
        raise InvalidInput("There is no such kind of document.", field="kind")
    _check_expiry(kind, expiry_date)
    _check_record(actor, len(data))
    try:
        check_size(data)
        scanner, signature = malware_find(data)
        if signature:
            _file_quarantine(
                actor=actor, kind=kind, data=data, scanner=scanner, signature=signature
            )
            raise refused("Malware was found in this file. It was not taken.", "file_infected")
        media_type, content = file_clean(data)
    except InvalidInput as error:
        security_log.record("upload.refused", user_id=actor.id, code=error.code, kind=kind)
        raise
    return _document_keep(
        actor=actor, kind=kind, content=content, media_type=media_type, expiry_date=expiry_date
    )


@command
def _document_keep(
    *, actor: User, kind: str, content: bytes, media_type: str, expiry_date: date | None
) -> KycDocument:
    record = editable_record(actor)
    _check_room(record, len(content))
    newest = record.documents.filter(kind=kind).order_by("-version").first()
    document = KycDocument(
        record=record,
        kind=kind,
        version=newest.version + 1 if newest else 1,
        media_type=media_type,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        expiry_date=expiry_date,
        uploaded_by=actor,
    )
    document.save(force_insert=True)
    document_answered(record, document, actor)
    record.evidence_version += 1
    record.save()
    emit(
        KycDocumentUploaded(
            stream=record.stream,
            record_id=str(record.id),
            client_id=str(actor.id),
            document_id=str(document.id),
            kind=kind,
            document_version=document.version,
            sha256=document.sha256,
            evidence_version=record.evidence_version,
        ),
        actor=actor,
    )
    client_changed(record, actor=actor)
    return document


@command
def _file_quarantine(
    *, actor: User, kind: str, data: bytes, scanner: str, signature: str
) -> QuarantinedFile:
    record = editable_record(actor)
    _check_room(record, len(data))
    found = QuarantinedFile(
        record=record,
        kind=kind,
        signature=signature,
        scanner=scanner,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        content=data,
        uploaded_by=actor,
    )
    found.save(force_insert=True)
    emit(
        KycFileQuarantined(
            stream=record.stream,
            record_id=str(record.id),
            client_id=str(actor.id),
            file_id=str(found.id),
            kind=kind,
            signature=signature,
            scanner=scanner,
            sha256=found.sha256,
        ),
        actor=actor,
    )
    return found


@command
def quarantine_prune() -> int:
    """Delete what has been in quarantine for QUARANTINE_DAYS; return how many files."""
    until = timezone.now() - timedelta(days=QUARANTINE_DAYS)
    old = QuarantinedFile.objects.select_related("record").filter(created_at__lt=until)
    files = list(old.select_for_update(of=("self",), skip_locked=True).defer("content"))
    for file in files:
        event = KycQuarantineDeleted(
            stream=file.record.stream,
            record_id=str(file.record_id),
            client_id=str(file.record.client_id),
            file_id=str(file.id),
        )
        file.delete()
        emit(event, actor=None)
    return len(files)


@command
def document_read(*, actor: User, document_id: UUID) -> tuple[KycDocument, bytes]:
    """Return the document and its plain bytes; the access is kept in the audit trail.

    For the client who owns it and for officers; raises NotFound for everybody else.
    """
    document = KycDocument.objects.select_related("record").filter(id=document_id).first()
    if document is None or not (
        document.record.client_id == actor.id or actor.has_perm("compliance.view_kycdocument")
    ):
        raise NotFound("There is no such document.")
    content = bytes(document.content)
    emit(
        KycDocumentRead(
            stream=document.record.stream,
            record_id=str(document.record_id),
            client_id=str(document.record.client_id),
            document_id=str(document.id),
        ),
        actor=actor,
    )
    return document, content


def file_clean(data: bytes) -> tuple[str, bytes]:
    """Return the media type and a new file made from the bytes, in a process of its own.

    Raises InvalidInput with the field `file`, and Unavailable `busy`.
    """
    media_type = media_type_of(data)
    try:
        _, content = run_sandboxed(CLEANERS[media_type], data, BOUNDS)
    except SandboxFailed as error:
        logger.warning("upload_cleaning_failed", media_type=media_type, reason=str(error))
        raise broken() from error
    return media_type, content


def _check_record(actor: User, size: int) -> None:
    """Refuse before any work what would be refused after it; the lock decides again."""
    record = kyc_of(actor.id)
    if record is not None:
        check_editable(record)
        _check_room(record, size)


def _check_room(record: KycRecord, size: int) -> None:
    """Raise Refused when the client has too many files or bytes."""
    stored = (record.documents.all(), record.quarantine.all())
    sums = [rows.aggregate(files=Count("id"), space=Sum("size_bytes")) for rows in stored]
    files = sum(row["files"] for row in sums)
    space = sum(row["space"] or 0 for row in sums) + size
    for code, text, measured, limit in (
        ("too_many_documents", "There are too many documents already.", files + 1, MAX_FILES),
        ("document_space_used_up", "The documents take too much space.", space, MAX_TOTAL_BYTES),
    ):
        if measured > limit:
            raise Refused(text, code=code, limit=str(limit), measured=str(measured))


def _check_expiry(kind: str, expiry_date: date | None) -> None:
    today = timezone.localdate()
    if expiry_date is None:
        if kind in IDENTITY_KINDS:
            raise InvalidInput("State when the document expires.", field="expiry_date")
        return
    if expiry_date <= today:
        raise InvalidInput("The document has expired.", field="expiry_date")
    if expiry_date > today + timedelta(days=366 * MAX_EXPIRY_YEARS):
        raise InvalidInput("This date is too far away.", field="expiry_date")
