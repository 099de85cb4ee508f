import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from PIL import Image
from prometheus_client import REGISTRY
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.compliance.domain import uploads
from apps.compliance.domain.uploads import QUARANTINE_DAYS
from apps.compliance.models import KycDocument, KycRecord, QuarantinedFile
from apps.compliance.providers.malware import EICAR
from apps.compliance.services import documents
from apps.compliance.services.documents import document_read, document_upload, quarantine_prune
from apps.core.errors import Conflict, InvalidInput, NotFound, Refused, Unavailable
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance import hostile
from tests.compliance.factories import image_bytes, make_kyc
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


def upload(client: User, data: bytes, **changes: Any) -> KycDocument:
    asked: dict[str, Any] = {
        "kind": "PASSPORT",
        "expiry_date": timezone.localdate() + timedelta(days=10),
    }
    return document_upload(actor=client, data=data, **{**asked, **changes})


def security_count(event: str) -> float:
    return REGISTRY.get_sample_value("security_events_total", {"event": event}) or 0


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

    first, second = upload(client, image_bytes("PNG")), upload(client, hostile.pdf_bytes())

    assert (first.version, second.version) == (1, 2)
    assert (first.media_type, second.media_type) == ("image/png", "application/pdf")
    assert second.file_name == "passport-v2.pdf"
    assert second.record.evidence_version == 2


def test_document_that_cannot_be_evidence_is_refused_logged_and_changes_nothing() -> None:
    client = make_user()
    before = security_count("upload.refused")

    with pytest.raises(InvalidInput) as refusal:
        upload(client, hostile.SVG)

    assert refusal.value.code == "file_type"
    assert not KycRecord.objects.exists()
    assert security_count("upload.refused") == before + 1


def test_asvs_v5_4_3_infected_file_goes_to_quarantine_and_nowhere_else() -> None:
    client = make_user()
    before = security_count("upload.refused")

    with pytest.raises(InvalidInput, match="Malware") as refusal:
        upload(client, hostile.infected_pdf())

    assert (refusal.value.code, refusal.value.facts["field"]) == ("file_infected", "file")
    assert security_count("upload.refused") == before + 1
    assert not KycDocument.objects.exists()
    kept = QuarantinedFile.objects.get()
    assert (kept.signature, kept.scanner) == ("Eicar-Test-Signature", "test-signature")
    assert bytes(kept.content) == hostile.infected_pdf()
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM compliance_quarantinedfile")
        assert EICAR not in bytes(cursor.fetchone()[0])
    event = AuditEvent.objects.get(name="compliance.kyc.file_quarantined")
    assert event.payload["sha256"] == kept.sha256
    for actor in (client, make_user(Role.COMPLIANCE_OFFICER)):
        with pytest.raises(NotFound):
            document_read(actor=actor, document_id=kept.id)


def test_quarantine_is_emptied_after_its_time() -> None:
    client = make_user()
    for _ in range(2):
        with pytest.raises(InvalidInput):
            upload(client, EICAR)
    old = QuarantinedFile.objects.earliest("created_at")
    at = timezone.now() - timedelta(days=QUARANTINE_DAYS + 1)
    QuarantinedFile.objects.filter(id=old.id).update(created_at=at)

    assert quarantine_prune() == 1

    assert not QuarantinedFile.objects.filter(id=old.id).exists()
    assert QuarantinedFile.objects.count() == 1
    event = AuditEvent.objects.get(name="compliance.kyc.quarantine_deleted")
    assert event.payload["file_id"] == str(old.id)


def test_document_without_an_answer_of_the_scanner_is_not_taken(settings: Settings) -> None:
    settings.CLAMD_URL = "unix:///nobody/listens"

    with pytest.raises(Unavailable):
        upload(make_user(), image_bytes())

    assert not KycDocument.objects.exists()
    assert not QuarantinedFile.objects.exists()


def test_document_whose_reading_crashes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(uploads.CLEANERS, "image/jpeg", "tests.infrastructure:missing")

    with pytest.raises(InvalidInput) as refusal:
        upload(make_user(), image_bytes())

    assert refusal.value.code == "file_broken"
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
    assert (
        upload(make_user(), hostile.pdf_bytes(), kind="PROOF_OF_ADDRESS", expiry_date=None).version
        == 1
    )


def test_document_during_review_is_refused() -> None:
    client = make_user()
    make_kyc(client, "IN_REVIEW")

    with pytest.raises(Conflict):
        upload(client, image_bytes())

    assert not KycDocument.objects.exists()


@pytest.mark.parametrize(
    ("name", "code"),
    [("MAX_FILES", "too_many_documents"), ("MAX_TOTAL_BYTES", "document_space_used_up")],
)
def test_asvs_v5_2_4_files_beyond_the_quota_are_refused_quarantine_included(
    monkeypatch: pytest.MonkeyPatch, name: str, code: str
) -> None:
    client = make_user()
    upload(client, image_bytes())
    with pytest.raises(InvalidInput):
        upload(client, EICAR)
    limit = {"MAX_FILES": 2, "MAX_TOTAL_BYTES": 68 + KycDocument.objects.get().size_bytes}
    monkeypatch.setattr(documents, name, limit[name])

    for data in (image_bytes(), EICAR):
        with pytest.raises(Refused) as refusal:
            upload(client, data)
        assert refusal.value.code == code
        assert refusal.value.facts["limit"] == str(limit[name])

    assert (KycDocument.objects.count(), QuarantinedFile.objects.count()) == (1, 1)
    assert upload(make_user(), image_bytes()).version == 1


@pytest.mark.django_db(transaction=True)
def test_asvs_v5_2_4_parallel_uploads_share_one_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_FILES", 3)
    monkeypatch.setattr(documents, "_check_record", lambda actor, size: None)
    monkeypatch.setattr(documents, "file_clean", lambda data: ("image/jpeg", data))
    client = make_user()

    def run(number: int) -> str:
        try:
            return f"v{upload(client, image_bytes()).version}"
        except Refused as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        results = sorted(pool.map(run, range(12)))

    assert results == ["too_many_documents"] * 9 + ["v1", "v2", "v3"]
    assert KycDocument.objects.count() == 3


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
