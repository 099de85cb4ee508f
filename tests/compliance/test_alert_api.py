"""Alerts over REST: for staff alone, and by two officers."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.compliance.models import Alert
from apps.users.models import ApiSession
from tests.compliance.alert_factories import make_alert, make_client, make_officer, make_proposed
from tests.users.factories import api_client

pytestmark = pytest.mark.django_db
PROPOSAL = {"disposition": "NOT_SUSPICIOUS", "reason_code": "ONE_OFF", "note": "Seen."}


def test_alerts_are_nothing_to_a_client() -> None:
    alert = make_alert()
    client = api_client(make_client())
    address = f"/api/v1/alerts/{alert.id}"

    assert client.get("/api/v1/alerts").status_code == 403
    assert client.get(address).status_code == 404
    assert client.post(f"{address}/proposals", PROPOSAL, format="json").status_code == 404
    assert client.post(f"{address}/confirmations").status_code == 404
    alert.refresh_from_db()
    assert alert.status == "OPEN"
    assert AuditEvent.objects.stream(alert.stream).count() == 1


def test_alert_is_proposed_by_one_and_confirmed_by_another_officer() -> None:
    alert = make_alert()
    first, second = api_client(make_officer()), api_client(make_officer())
    address = f"/api/v1/alerts/{alert.id}"

    shown = first.get(address).json()
    assert shown["evidence"][0]["reference"] == "t-1"
    assert shown["timeline"][-1]["name"] == "viewed"

    assert first.post(f"{address}/proposals", PROPOSAL, format="json").status_code == 200
    refused = first.post(f"{address}/confirmations")
    assert (refused.status_code, refused.json()["code"]) == (403, "four_eyes")
    done = second.post(f"{address}/confirmations")
    assert done.json()["status"] == "CLOSED"
    assert second.post(f"{address}/confirmations").status_code == 409


def test_asvs_v2_3_5_confirmation_needs_a_second_officer_with_a_fresh_second_factor() -> None:
    proposer = make_officer()
    alert = make_proposed(proposer)
    address = f"/api/v1/alerts/{alert.id}/confirmations"
    second = api_client(make_officer())
    assert api_client(proposer).post(address).json()["code"] == "four_eyes"

    ApiSession.objects.update(second_factor_at=timezone.now() - timedelta(seconds=301))
    refused = second.post(address)

    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
    alert.refresh_from_db()
    assert alert.status == "PROPOSED"


def test_alert_list_is_filtered() -> None:
    make_alert()
    make_proposed(make_officer())
    officer = api_client(make_officer())
    assert len(officer.get("/api/v1/alerts").json()["results"]) == 2
    (row,) = officer.get("/api/v1/alerts?status=PROPOSED").json()["results"]
    assert row["status"] == "PROPOSED"
    assert officer.get("/api/v1/alerts?status=ODD").status_code == 400
    assert officer.get("/api/v1/alerts?colour=red").status_code == 400


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"note": "\x00"}, 400),
        ({"note": 5}, 400),
        ({"extra": "x"}, 400),
        ({"disposition": "ODD"}, 400),
        ({"reason_code": "ODD"}, 422),
    ],
)
def test_proposal_with_bad_input_is_a_problem_and_changes_nothing(
    change: dict[str, object], status: int
) -> None:
    alert = make_alert()
    answer = api_client(make_officer()).post(
        f"/api/v1/alerts/{alert.id}/proposals", {**PROPOSAL, **change}, format="json"
    )
    assert answer.status_code == status
    assert Alert.objects.get().status == "OPEN"


def test_alert_that_does_not_exist_is_not_found() -> None:
    assert api_client(make_officer()).get(f"/api/v1/alerts/{uuid4()}").status_code == 404
