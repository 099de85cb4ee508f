"""KYC and the queue over REST, for officers: read, decide on what was read, take and let go."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.compliance.models import InformationItem, KycDecision, KycDocument, KycRecord, WorkItem
from apps.users.domain.roles import Role
from apps.users.models import ApiSession
from tests.compliance.alert_factories import make_officer
from tests.compliance.factories import diligence_complete
from tests.compliance.test_services_screening import submitted
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db
RECORDS, WORK = "/api/v1/kyc-records", "/api/v1/work-items"
APPROVAL = {"outcome": "APPROVE", "reason_code": "VERIFIED"}
ITEM = {"kind": "QUESTION", "subject": "OCCUPATION", "reason_code": "ROUTINE", "days": 10}


def post(api: Any, path: str, **body: Any) -> tuple[int, Any]:
    answer = api.post(path, body, format="json")
    return answer.status_code, answer.json()


def code_of(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["code"]


def test_record_is_read_with_its_evidence_numbers_masked_and_the_access_logged() -> None:
    record = submitted()
    officer, auditor = make_officer(), make_officer(Role.AUDITOR)
    api = api_client(officer)

    (row,) = api.get(RECORDS, {"client_id": str(record.client_id)}).json()["results"]
    file = api.get(f"{RECORDS}/{record.id}").json()

    assert (row["id"], row["status"], row["open_hits"]) == (str(record.id), "IN_REVIEW", 0)
    assert api.get(RECORDS, {"status": "APPROVED"}).json()["results"] == []
    assert api.get(RECORDS, {"status": "ODD"}).status_code == 400
    assert {*row} < {*file}
    tin = next(step["answers"]["tin"] for step in file["steps"] if step["code"] == "tax")
    assert tin.endswith("9661")
    assert "1955839661" not in str(file)
    assert {one["code"] for one in file["risk_factors"]} >= {"residence", "screening"}
    assert (file["tax_certificate"]["is_in_force"], file["review"]) == (True, None)
    assert "APPROVE" in file["outcomes"]
    document = KycDocument.objects.get()
    content = f"{RECORDS}/{record.id}/documents/{document.id}/content"
    assert [one["id"] for one in file["documents"]] == [str(document.id)]
    assert api.get(content)["Content-Disposition"].startswith("attachment")
    assert api.get(f"{RECORDS}/{officer.pk}/documents/{document.id}/content").status_code == 404
    seen = AuditEvent.objects.get(name="compliance.kyc.viewed")
    assert seen.actor_id == officer.pk
    assert api_client(auditor).get(f"{RECORDS}/{record.id}").status_code == 200
    for reader in (auditor, record.client):
        said = {**APPROVAL, "evidence_version": record.evidence_version}
        assert post(api_client(reader), f"{RECORDS}/{record.id}/decisions", **said)[0] == 404
    assert not KycDecision.objects.exists()


def test_decision_names_the_evidence_that_was_read_and_is_taken_once() -> None:
    record = submitted()
    api, address = api_client(make_officer()), f"{RECORDS}/{record.id}/decisions"
    read = record.evidence_version

    stale = post(api, address, **APPROVAL, evidence_version=read - 1)
    odd = post(api, address, **{**APPROVAL, "reason_code": "SANCTIONS"}, evidence_version=read)
    done = post(api, address, **APPROVAL, evidence_version=read)
    again = post(api, address, **APPROVAL, evidence_version=read)

    assert [code_of(one) for one in (stale, odd)] == [
        (409, "stale_evidence"),
        (422, "unfit_reason"),
    ]
    assert (done[0], done[1]["status"], done[1]["record_status"]) == (201, "FINAL", "APPROVED")
    assert code_of(again) == (409, "illegal_transition")
    assert KycDecision.objects.count() == 1


def test_client_is_asked_for_information_over_rest() -> None:
    record = submitted()
    api, address = api_client(make_officer()), f"{RECORDS}/{record.id}/information-requests"
    read = record.evidence_version

    assert post(api, address, items=[], evidence_version=read)[0] == 400
    assert post(api, address, items=[{**ITEM, "days": 61}], evidence_version=read)[0] == 400
    asked = post(api, address, items=[ITEM], evidence_version=read)

    assert (asked[0], asked[1]["record_status"]) == (201, "NEEDS_INFORMATION")
    (row,) = api.get(f"{RECORDS}/{record.id}").json()["information"]
    assert (row["subject"], row["status"]) == ("OCCUPATION", "OPEN")
    assert InformationItem.objects.get().record_id == record.id


def test_high_risk_over_rest_is_checked_item_by_item_and_approved_by_two() -> None:
    record = submitted(pep="SELF", pep_function="Minister")
    first, second = make_officer(), make_officer()
    api, address = api_client(first), f"{RECORDS}/{record.id}"
    left = post(api, f"{address}/decisions", **APPROVAL, evidence_version=record.evidence_version)
    assert code_of(left) == (422, "diligence_incomplete")
    finding = {"code": "PURPOSE", "note": "Savings for a house."}
    done = post(
        api, f"{address}/due-diligence", **finding, evidence_version=record.evidence_version
    )
    assert (done[0], done[1]["evidence_version"]) == (200, record.evidence_version + 1)
    checks = {one["code"]: one for one in api.get(address).json()["checks"]}
    assert checks["PURPOSE"]["done_by_id"] == str(first.pk)
    assert (checks["SENIOR_APPROVAL"]["is_done"], checks["SENIOR_APPROVAL"]["note"]) == (False, "")
    record.refresh_from_db()
    read = {"evidence_version": diligence_complete(record, first).evidence_version}

    made = post(api, f"{address}/decisions", **APPROVAL, **read)
    decision = f"{address}/decisions/{made[1]['id']}"

    assert (made[1]["status"], made[1]["record_status"]) == ("PROPOSED", "IN_REVIEW")
    assert code_of(post(api, f"{decision}/confirmations", **read)) == (403, "same_officer")
    other = api_client(second)
    assert post(other, f"{RECORDS}/{first.pk}/decisions/{made[1]['id']}/withdrawals")[0] == 404
    fresh = ApiSession.objects.filter(user=second)
    proven_at = fresh.get().second_factor_at
    fresh.update(second_factor_at=timezone.now() - timedelta(days=1))
    assert code_of(post(other, f"{decision}/confirmations", **read)) == (403, "step_up_required")
    fresh.update(second_factor_at=proven_at)
    confirmed = post(other, f"{decision}/confirmations", **read)
    assert (confirmed[0], confirmed[1]["record_status"]) == (200, "APPROVED")
    assert code_of(post(other, f"{decision}/withdrawals")) == (409, "decision_closed")
    assert KycRecord.objects.get().status == "APPROVED"


def test_work_is_listed_given_out_taken_and_let_go() -> None:
    records = [submitted() for _ in range(2)]
    first, second = make_officer(), make_officer()
    api, other = api_client(first), api_client(second)

    assert {row["subject_id"] for row in api.get(WORK, {"kind": "KYC"}).json()["results"]} == {
        str(record.id) for record in records
    }
    given = post(api, f"{WORK}/next")[1]["item"]
    mine = api.get(WORK, {"held": "ME"}).json()["results"]
    free = api.get(WORK, {"held": "NOBODY", "waits": "FIRST"}).json()["results"]

    assert [row["id"] for row in mine] == [given["id"]]
    assert (len(free), given["assignee_id"]) == (1, str(first.pk))
    assert post(other, f"{WORK}/{given['id']}/take")[0] == 403
    assert post(other, f"{WORK}/{given['id']}/release")[0] == 403
    assert post(api, f"{WORK}/{given['id']}/release")[1]["assignee_id"] is None
    assert post(other, f"{WORK}/{given['id']}/take")[1]["assignee_id"] == str(second.pk)
    assert post(api, f"{WORK}/next")[1]["item"]["id"] == free[0]["id"]
    assert post(api, f"{WORK}/next")[1] == {"item": None}
    assert api.get(WORK, {"waits": "SECOND"}).json()["results"] == []
    status, handed = post(other, f"{WORK}/{given['id']}/escalate", reason="Not alone")
    assert (status, handed["is_escalated"], handed["escalation"]) == (200, True, "Not alone")
    (above,) = api.get(WORK, {"escalated": "YES"}).json()["results"]
    assert (above["id"], above["assignee_id"], "escalation" in above) == (given["id"], None, False)
    assert given["id"] not in str(api.get(WORK, {"escalated": "NO"}).json())
    assert post(other, f"{WORK}/{given['id']}/take")[0] == 403
    assert post(other, f"{WORK}/{given['id']}/escalate", reason="Again")[0] == 409
    supervisor = make_officer(Role.COMPLIANCE_SUPERVISOR)
    assert post(api_client(supervisor), f"{WORK}/next")[1]["item"]["escalation"] == "Not alone"
    client = api_client(make_user())
    assert (client.get(WORK).status_code, post(client, f"{WORK}/next")[0]) == (403, 403)
    assert post(client, f"{WORK}/{given['id']}/take")[0] == 404
    assert WorkItem.objects.get(id=given["id"]).assignee_id == supervisor.pk
