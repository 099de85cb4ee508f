"""Audit of access: what staff read leaves a trace of ids, and what leaves none is not shown."""

from uuid import uuid4

import pytest
from django.test import Client

from apps.audit.models import AuditEvent
from apps.users.domain.roles import Role
from tests.infrastructure.test_pipeline import signed_in, staff_browser
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db
DESK = "/admin/compliance/kycrecord/"


def accesses() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(name="audit.access.made").order_by("sequence"))


@pytest.fixture
def officer() -> Client:
    return staff_browser(Role.COMPLIANCE_OFFICER)


def test_read_by_staff_is_recorded_by_route_and_not_by_search(officer: Client) -> None:
    assert officer.get(DESK, {"q": "ada@b.example"}).status_code == 200

    (event,) = accesses()
    assert event.payload == {
        "method": "GET",
        "route": "admin/compliance/kycrecord/",
        "objects": {},
    }
    assert str(event.actor_id) in event.stream


def test_read_by_staff_through_the_api_is_recorded_with_the_id_that_was_asked_for() -> None:
    officer = make_user(Role.COMPLIANCE_OFFICER, with_totp=True)

    assert api_client(officer).get("/api/v1/alerts").status_code == 200
    assert api_client(officer).get(f"/api/v1/alerts/{uuid4()}").status_code == 404

    assert [event.payload["route"] for event in accesses()] == ["api/v1/alerts"]


def test_read_by_a_client_of_their_own_is_not_recorded() -> None:
    assert signed_in().get("/settings/").status_code == 200
    assert api_client(make_user()).get("/api/v1/orders").status_code == 200

    assert accesses() == []


def test_read_that_cannot_be_recorded_is_not_shown(
    officer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr("apps.audit.middleware.access_record", fail)
    officer.raise_request_exception = False

    answer = officer.get(DESK)

    assert answer.status_code == 500
    assert "kycrecord" not in answer.content.decode()
