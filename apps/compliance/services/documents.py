"""Documents: taken in, cleaned, encrypted, and read only under the eyes of the audit trail."""

import hashlib
from datetime import date, timedelta
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.kyc import IDENTITY_KINDS
from apps.compliance.domain.uploads import upload_clean
from apps.compliance.events import KycDocumentRead, KycDocumentUploaded
from apps.compliance.models import KycDocument
from apps.compliance.services.kyc import editable_record
from apps.core.commands import command
from apps.core.errors import InvalidInput, NotFound, Refused
from apps.infrastructure.encryption import decrypt_bytes, encrypt_bytes
from apps.users.models import User

MAX_VERSIONS = 20
MAX_EXPIRY_YEARS = 30


@command
def document_upload(
    *, actor: User, kind: str, data: bytes, expiry_date: date | None = None
) -> KycDocument:
    """Add a document to the actor's own record; a second one of a kind is its next version.

    `data` is the whole file.  An identity document needs its expiry date.  Raises InvalidInput
    (field `file`, `kind` or `expiry_date`), Conflict `kyc_not_editable`, Refused
    `too_many_documents`.
    """
    if kind not in KycDocument.Kind.values:
        raise InvalidInput("There is no such kind of document.", field="kind")
    _check_expiry(kind, expiry_date)
    clean = upload_clean(data)
    record = editable_record(actor)
    count = record.documents.count()
    if count >= MAX_VERSIONS:
        raise Refused(
            "There are too many documents already.",
            code="too_many_documents",
            limit=str(MAX_VERSIONS),
            measured=str(count),
        )
    newest = record.documents.filter(kind=kind).order_by("-version").first()
    document = KycDocument(
        record=record,
        kind=kind,
        version=newest.version + 1 if newest else 1,
        media_type=clean.media_type,
        size_bytes=len(clean.content),
        sha256=hashlib.sha256(clean.content).hexdigest(),
        expiry_date=expiry_date,
        uploaded_by=actor,
    )
    document.content = encrypt_bytes(clean.content, context=document.encryption_context)
    document.save(force_insert=True)
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
    return document


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
    content = decrypt_bytes(bytes(document.content), context=document.encryption_context)
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
