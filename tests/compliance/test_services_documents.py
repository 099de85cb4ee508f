import hashlib
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from PIL import Image
from pypdf import PdfWriter
from pypdf.actions import JavaScript

from apps.audit.models import AuditEvent
from apps.compliance.domain import uploads
from apps.compliance.models import KycDocument
from apps.compliance.services.documents import document_read, document_upload
from apps.core.errors import Conflict, InvalidInput, NotFound, Refused
from apps.users.models import User
from tests.compliance.factories import image_bytes, make_kyc
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


def upload(client: User, data: bytes, **changes: Any) -> KycDocument:
    asked: dict[str, Any] = {
        "kind": "PASSPORT",
        "expiry_date": timezone.localdate() + timedelta(days=10),
    }
    return document_upload(actor=client, data=data, **{**asked, **changes})


def pdf_bytes(pages: int = 1, *, script: bool = False, password: str = "") -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(width=100, height=100)
    if script:
        writer.add_open_action(JavaScript("app.alert(1)"))
    if password:
        writer.encrypt(password, algorithm="RC4-40")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_document_with_metadata_is_redrawn_without_it_and_encrypted() -> None:
    exif = Image.Exif()
    exif[0x010E] = "home address"
    data = image_bytes("JPEG", exif=exif) + b"appended <script>"
    client = make_user()

    document = upload(client, data)

    _, content = document_read(actor=client, document_id=document.id)
    assert b"home address" not in content
    assert b"<script>" not in content
    assert document.sha256 == hashlib.sha256(content).hexdigest()
    assert not dict(Image.open(io.BytesIO(content)).getexif())
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM compliance_kycdocument")
        assert content[:20] not in bytes(cursor.fetchone()[0])


def test_document_of_a_kind_again_is_its_next_version() -> None:
    client = make_user()

    first, second = upload(client, image_bytes("PNG")), upload(client, pdf_bytes())

    assert (first.version, second.version) == (1, 2)
    assert (first.media_type, second.media_type) == ("image/png", "application/pdf")
    assert second.file_name == "passport-v2.pdf"
    assert second.record.evidence_version == 2


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"\xff\xd8\xff" + b"0" * uploads.MAX_BYTES, "file_too_large"),
        (b"MZ\x90\x00" + b"0" * 100, "file_type"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "file_type"),
        (image_bytes("GIF"), "file_type"),
        (image_bytes("JPEG")[:300], "file_broken"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 100, "file_broken"),
        (image_bytes("PNG", (50, 50)), "file_too_few_pixels"),
        (image_bytes("PNG", (8000, 5100)), "file_too_many_pixels"),
        (image_bytes("PNG", (10_000, 10_000)), "file_too_many_pixels"),
        (b"%PDF-1.7 nothing more", "file_broken"),
        (pdf_bytes(uploads.MAX_PAGES + 1), "file_too_many_pages"),
        (pdf_bytes(script=True), "file_active"),
        (pdf_bytes(password="secret"), "file_encrypted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_document_that_cannot_be_evidence_is_refused_and_changes_nothing(
    data: bytes, code: str
) -> None:
    client = make_user()

    with pytest.raises(InvalidInput) as refusal:
        upload(client, data)

    assert refusal.value.code == code
    assert not KycDocument.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "SELFIE"}, "kind"),
        ({"expiry_date": None}, "expiry_date"),
        ({"expiry_date": timezone.localdate()}, "expiry_date"),
        ({"expiry_date": timezone.localdate().replace(year=2400, day=1)}, "expiry_date"),
    ],
)
def test_document_with_a_bad_field_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        upload(make_user(), image_bytes(), **changes)

    assert refusal.value.facts["field"] == field
    assert not KycDocument.objects.exists()


def test_document_that_is_no_identity_needs_no_expiry_date() -> None:
    assert upload(make_user(), pdf_bytes(), kind="PROOF_OF_ADDRESS", expiry_date=None).version == 1


def test_document_during_review_is_refused() -> None:
    client = make_user()
    make_kyc(client, "IN_REVIEW")

    with pytest.raises(Conflict):
        upload(client, image_bytes())

    assert not KycDocument.objects.exists()


def test_document_beyond_the_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.compliance.services.documents.MAX_VERSIONS", 1)
    client = make_user()
    upload(client, image_bytes())

    with pytest.raises(Refused) as refusal:
        upload(client, image_bytes())

    assert refusal.value.code == "too_many_documents"
    assert KycDocument.objects.count() == 1


def test_document_read_is_kept_in_the_audit_trail() -> None:
    client = make_user()
    document = upload(client, image_bytes())

    document_read(actor=client, document_id=document.id)

    event = AuditEvent.objects.get(name="compliance.kyc.document_read")
    assert event.actor_id == client.id
    assert event.payload["document_id"] == str(document.id)


def test_document_read_by_another_client_is_not_found() -> None:
    document = upload(make_user(), image_bytes())

    with pytest.raises(NotFound):
        document_read(actor=make_user(), document_id=document.id)

    assert not AuditEvent.objects.filter(name="compliance.kyc.document_read").exists()
