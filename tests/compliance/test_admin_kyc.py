from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.audit.services import outbox_deliver
from apps.compliance.models import KycDocument, KycRecord, QuarantinedFile, ScreeningHit
from apps.compliance.providers.malware import EICAR
from apps.compliance.services.documents import document_upload
from apps.compliance.services.kyc import kyc_submit
from apps.compliance.services.watchlists import SAMPLE, watchlist_import
from apps.core.errors import InvalidInput
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance.factories import diligence_complete, fill_kyc, put_kyc
from tests.users.factories import api_client, make_user
from tests.users.helpers import age_second_factor, prove_second_factor

pytestmark = pytest.mark.django_db


def desk(role: Role = Role.COMPLIANCE_OFFICER) -> tuple[Client, User]:
    user = make_user(role, with_totp=True)
    client = Client()
    client.force_login(user)
    prove_second_factor(client, user)
    return client, user


def reviewed(**changes: Any) -> KycRecord:
    watchlist_import(actor=None, path=SAMPLE, list_code="SAMPLE")
    person = make_user()
    fill_kyc(person, **changes)
    kyc_submit(actor=person)
    outbox_deliver(context="compliance")
    return KycRecord.objects.get()


def address(name: str, *args: Any) -> str:
    return reverse(f"admin:compliance_kycrecord_{name}", args=args)


def decide(client: Client, record: KycRecord, **form: Any) -> str:
    record.refresh_from_db()
    body = {"act": "propose", "evidence_version": record.evidence_version, **form}
    response = client.post(address("decide", record.id), body, follow=True)
    assert response.status_code == 200
    record.refresh_from_db()
    return response.content.decode()


def test_review_page_shows_who_hits_and_score_and_logs_the_access() -> None:
    record = reviewed(given_names="Viktor", family_name="Brantov")
    client, officer = desk()

    assert client.get(address("changelist")).status_code == 200
    page = client.get(address("change", record.id)).content.decode()

    for text in ("Viktor", "BRANTOV", "Country of residence", "<meter", "SAMPLE v1", "Passport"):
        assert text in page
    assert "style=" not in page.split("content-main")[1]
    assert AuditEvent.objects.get(name="compliance.kyc.viewed").actor_id == officer.id


def test_queue_finds_clients_by_their_whole_name_or_address() -> None:
    ada, grace = (make_user(display_name=name) for name in ("Ada Lovelace", "Grace Hopper"))
    for person in (ada, grace):
        KycRecord.objects.create(client=person)
    client, _ = desk()

    def found(words: str) -> list[bool]:
        page = client.get(address("changelist"), {"q": words}).content.decode()
        return [person.email in page for person in (ada, grace)]

    assert found("ada  LOVELACE") == [True, False]
    assert found(grace.email) == [False, True]
    assert found("Lovelace") == [False, False]
    assert found("") == [True, True]


def test_review_page_is_for_officers_only() -> None:
    record = reviewed()
    operations, _ = desk(Role.OPERATIONS)

    assert operations.get(address("change", record.id)).status_code == 403
    client, _ = desk()
    assert client.get(address("change", uuid4())).status_code == 404
    assert client.get(address("change", "x")).status_code == 404
    assert client.get(address("decide", record.id)).status_code == 405


def test_decision_form_decides_after_the_hits() -> None:
    record = reviewed(given_names="Viktor", family_name="Brantov")
    client, _ = desk()
    assert "Say first what each hit is." in decide(client, record, decision="APPROVE:VERIFIED")
    hit = ScreeningHit.objects.get()

    assert "APPROVE:" not in client.get(address("change", record.id)).content.decode()
    client.post(
        address("hit", record.id, hit.id),
        {
            "decision": "FALSE_POSITIVE:DIFFERENT_BIRTH_DATE",
            "reason": "Born elsewhere in another year",
            "evidence_version": record.evidence_version,
        },
    )
    assert "another officer must confirm" in decide(client, record, decision="APPROVE:VERIFIED")
    assert record.status == "IN_REVIEW"
    second, _ = desk()
    decide(second, record, act="confirm", decision_id=record.decisions.get().id)

    assert record.status == "APPROVED"


def test_decision_form_at_high_risk_needs_the_second_officer() -> None:
    record = reviewed(pep="SELF", pep_function="Minister")
    diligence_complete(record, make_user(Role.COMPLIANCE_OFFICER))
    first, _ = desk()
    second, _ = desk()
    assert "a second officer must confirm" in decide(
        first, record, decision="APPROVE:VERIFIED_ENHANCED"
    )
    form = {"act": "confirm", "decision_id": record.decisions.get().id}

    assert "A second officer must confirm." in decide(first, record, **form)
    assert record.status == "IN_REVIEW"
    decide(second, record, **form)

    assert record.status == "APPROVED"


def test_asvs_v2_3_5_second_decision_needs_a_fresh_second_factor() -> None:
    record = reviewed(pep="SELF", pep_function="Minister")
    diligence_complete(record, make_user(Role.COMPLIANCE_OFFICER))
    first, _ = desk()
    second, _ = desk()
    decide(first, record, decision="APPROVE:VERIFIED_ENHANCED")
    age_second_factor(second)
    form = {"act": "confirm", "decision_id": record.decisions.get().id, "evidence_version": 1}

    asked = second.post(address("decide", record.id), form)

    assert asked.status_code == 403
    assert 'name="step_up_code"' in asked.content.decode()
    record.refresh_from_db()
    assert record.status == "IN_REVIEW"


def test_decision_form_withdraws_a_proposal_and_survives_nonsense() -> None:
    record = reviewed(pep="SELF", pep_function="Minister")
    diligence_complete(record, make_user(Role.COMPLIANCE_OFFICER))
    client, _ = desk()
    decide(client, record, decision="APPROVE:VERIFIED")

    assert "not complete" in decide(client, record, act="confirm", decision_id="x")
    assert "withdrawn" in decide(
        client, record, act="withdraw", decision_id=record.decisions.get().id
    )
    assert "This reason does not go" in decide(client, record, decision="APPROVE:SANCTIONS")


def test_who_may_not_decide_sees_no_form() -> None:
    record = reviewed(given_names="Viktor", family_name="Brantov")
    auditor, _ = desk(Role.AUDITOR)
    officer, user = desk()

    read_only = auditor.get(address("change", record.id)).content.decode()
    assert 'name="act"' not in read_only
    assert "Decide this hit" not in read_only
    KycRecord.objects.update(client=user)
    viewed = AuditEvent.objects.filter(name="compliance.kyc.viewed").count()
    api = api_client(user)
    base = "/api/v1/kyc-records"
    assert officer.get(address("change", record.id)).status_code == 404
    assert str(record.id) not in officer.get(address("changelist")).content.decode()
    assert api.get(f"{base}/{record.id}").status_code == 404
    assert api.get(base).json()["results"] == []
    assert api.get("/api/v1/screening/hits").json()["results"] == []
    assert AuditEvent.objects.filter(name="compliance.kyc.viewed").count() == viewed


def test_document_is_an_attachment_for_officers() -> None:
    record = reviewed()
    client, _ = desk()
    document = KycDocument.objects.get()

    response = client.get(address("document", record.id, document.id))

    assert response["Content-Disposition"].startswith("attachment")
    assert client.get(address("document", uuid4(), document.id)).status_code == 404
    assert client.get(address("document", record.id, uuid4())).status_code == 404


def test_asvs_v5_4_3_review_page_shows_the_refused_state_and_no_way_to_the_file() -> None:
    record = reviewed()
    put_kyc(record, "NEEDS_INFORMATION")
    with pytest.raises(InvalidInput):
        document_upload(actor=record.client, kind="PROOF_OF_ADDRESS", data=EICAR)
    client, _ = desk()

    page = client.get(address("change", record.id)).content.decode()

    assert "Refused: malware was found" in page
    assert "Eicar-Test-Signature, said test-signature" in page
    found = QuarantinedFile.objects.get()
    assert str(found.id) not in page
    assert client.get(address("document", record.id, found.id)).status_code == 404
