"""Screening over REST: names on demand, hits and what officers say of them; closed to clients."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.audit.models import AuditEvent
from apps.compliance.models import Case, KycRecord, ScreeningHit, ScreeningSearch
from apps.compliance.services.screening_searches import searches_run
from apps.users.domain.roles import Role
from tests.compliance.alert_factories import make_officer
from tests.compliance.factories import fill_kyc, put
from tests.compliance.test_services_screening import with_list
from tests.users.factories import api_client, make_user
from tests.users.world import make_lists, make_screening

pytestmark = pytest.mark.django_db
HITS, SEARCHES = "/api/v1/screening/hits", "/api/v1/screening/searches"
FILES = "/api/v1/screening/search-files"
DECISION: dict[str, Any] = {
    "disposition": "TRUE_MATCH",
    "reason_code": "IDENTIFIERS_MATCH",
    "reason": "The passport's number is the listed one.",
}


def make_screened(status: str = "IN_REVIEW") -> tuple[KycRecord, ScreeningHit]:
    client = make_user(Role.CLIENT)
    fill_kyc(client)
    put(KycRecord.objects.all(), status=status, risk_rating="LOW")
    record = KycRecord.objects.get()
    make_lists(client)
    _, hit_id = make_screening(client, record)
    Case.objects.all().delete()
    return record, ScreeningHit.objects.get(id=hit_id)


def test_screening_is_nothing_to_a_client_and_an_auditor_only_reads() -> None:
    record, hit = make_screened()
    client, auditor = api_client(record.client), api_client(make_officer(Role.AUDITOR))

    assert client.get(HITS).status_code == 403
    assert client.get(f"{HITS}/{hit.id}").status_code == 404
    assert auditor.get(f"{HITS}/{hit.id}").status_code == 200
    for caller in (client, auditor):
        said = {**DECISION, "evidence_version": 0}
        assert caller.post(f"{HITS}/{hit.id}/decisions", said, format="json").status_code == 404
        asked = {"name": "Ada", "purpose": "Payment"}
        assert caller.post(SEARCHES, asked, format="json").status_code == 403
    hit.refresh_from_db()
    assert hit.status == "OPEN"
    assert "Payment" not in {search.purpose for search in ScreeningSearch.objects.all()}


def test_hit_is_listed_read_and_decided_on_the_evidence_that_was_read() -> None:
    record, hit = make_screened("APPROVED")
    officer = api_client(make_officer())

    (row,) = officer.get(HITS, {"status": "OPEN"}).json()["results"]
    read = record.evidence_version
    assert (row["id"], row["list_code"], row["evidence_version"]) == (str(hit.id), "X", read)
    assert officer.get(HITS, {"status": "ODD"}).status_code == 400
    assert officer.get(f"{HITS}/{record.id}").status_code == 404
    address = f"{HITS}/{hit.id}/decisions"
    stale = officer.post(address, {**DECISION, "evidence_version": read - 1}, format="json")
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_evidence")

    decided = officer.post(address, {**DECISION, "evidence_version": read}, format="json")

    assert (decided.status_code, decided.json()["status"]) == (200, "TRUE_MATCH")
    again = officer.post(address, {**DECISION, "evidence_version": read + 1}, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "hit_closed")
    assert KycRecord.objects.get().status == "SUSPENDED"
    assert Case.objects.filter(client=record.client, status="OPEN").count() == 1
    assert ScreeningHit.objects.get().status == "TRUE_MATCH"


def test_name_is_screened_on_demand_and_the_search_can_be_read_again() -> None:
    with_list()
    officer = api_client(make_officer())
    asked = {"name": "Viktor Brantov", "birth_date": "1970", "purpose": "A payment's payee"}

    made = officer.post(SEARCHES, asked, format="json")

    assert made.status_code == 201
    body = officer.get(f"{SEARCHES}/{made.json()['id']}").json()
    assert (body["status"], body["row_count"], body["done_count"]) == ("DONE", 1, 1)
    assert body["rows"] == made.json()["rows"]
    for broken in ({"name": "..."}, {"country": "Atlantis"}, {"purpose": ""}, {"kind": "ODD"}):
        assert officer.post(SEARCHES, {**asked, **broken}, format="json").status_code in {400, 422}
    assert "Brantov" not in str(list(AuditEvent.objects.values_list("payload", flat=True)))


def test_file_of_names_is_screened_once_and_its_results_are_taken_out() -> None:
    with_list()
    officer = api_client(make_officer())

    def upload(content: bytes) -> Any:
        file = SimpleUploadedFile("names.csv", content)
        return officer.post(FILES, {"purpose": "A branch's list", "file": file}, format="multipart")

    rows = b"name,id\nViktor Brantov,=1+1\nNobody Whatever,2\n"
    made, again = upload(rows), upload(rows)

    assert (made.status_code, made.json()["status"]) == (201, "RUNNING")
    assert again.json()["id"] == made.json()["id"]
    assert upload(b"first,last\nA,B\n").status_code == 400
    assert ScreeningSearch.objects.count() == 1
    searches_run()
    address = f"{SEARCHES}/{made.json()['id']}"
    assert officer.get(address).json()["hit_count"] == 1
    taken = officer.get(f"{address}/results")
    lines = b"".join(taken).decode().splitlines()
    assert taken["Content-Type"] == "text/csv; charset=utf-8"
    assert '"\'=1+1"' in lines[1]
    assert "nothing found" in lines[-1]
    auditor = api_client(make_officer(Role.AUDITOR))
    file = SimpleUploadedFile("names.csv", rows)
    assert (
        auditor.post(FILES, {"purpose": "x", "file": file}, format="multipart").status_code == 403
    )
    hows = AuditEvent.objects.filter(name="compliance.screening.searched")
    assert set(hows.values_list("payload__how", flat=True)) == {"ASKED", "VIEWED", "EXPORTED"}
