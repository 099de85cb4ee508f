import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from apps.compliance.models import KycDocument, KycStep
from tests.compliance.factories import ANSWERS, fill_kyc, image_bytes
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db


def upload(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "PASSPORT",
        "file": SimpleUploadedFile("../../x.php", image_bytes()),
        "expiry_date": (timezone.localdate() + timedelta(days=400)).isoformat(),
        **changes,
    }


def test_kyc_walk_over_rest_ends_submitted() -> None:
    api = api_client(make_user())
    for step, answers in ANSWERS.items():
        response = api.put(f"/api/v1/kyc/steps/{step}", answers, format="json")
        assert response.status_code == 200, response.content
    document = api.post("/api/v1/kyc/documents", upload(), format="multipart")
    assert document.status_code == 201, document.content

    submitted = api.post("/api/v1/kyc/submit")

    assert submitted.status_code == 200
    assert submitted.json()["status"] == "SUBMITTED"
    shown = api.get("/api/v1/kyc").json()
    assert not {"risk_rating", "hits", "score"} & set(json.dumps(shown).split('"'))
    assert [row["id"] for row in api.get("/api/v1/kyc/documents").json()] == [document.json()["id"]]
    content = api.get(f"/api/v1/kyc/documents/{document.json()['id']}/content")
    assert content["Content-Disposition"] == 'attachment; filename="passport-v1.jpg"'
    assert content["X-Content-Type-Options"] == "nosniff"


def test_kyc_of_another_client_is_not_shown() -> None:
    fill_kyc(make_user())
    document = KycDocument.objects.get()
    stranger = api_client(make_user())

    response = stranger.get(f"/api/v1/kyc/documents/{document.id}/content")

    assert response.status_code == 404
    assert stranger.get("/api/v1/kyc").json()["documents"] == []
    assert stranger.get("/api/v1/kyc/documents").json() == []


@pytest.mark.parametrize(
    ("step", "body", "code"),
    [
        ("personal", {"status": "APPROVED"}, "invalid_answers"),
        ("personal", ["x"], "invalid_input"),
        ("secrets", {}, "invalid_input"),
    ],
)
def test_kyc_step_with_bad_input_is_a_problem_and_changes_nothing(
    step: str, body: Any, code: str
) -> None:
    response = api_client(make_user()).put(f"/api/v1/kyc/steps/{step}", body, format="json")

    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == code
    assert not KycStep.objects.exists()


@pytest.mark.parametrize(
    "changes", [{"kind": "SELFIE"}, {"status": "x"}, {"expiry_date": "soon"}, {"file": "text"}]
)
def test_kyc_document_with_bad_input_is_a_problem(changes: dict[str, Any]) -> None:
    api = api_client(make_user())

    response = api.post("/api/v1/kyc/documents", upload(**changes), format="multipart")

    assert response.status_code == 400
    assert not KycDocument.objects.exists()


def test_kyc_submit_incomplete_is_refused() -> None:
    api = api_client(make_user())
    api.put("/api/v1/kyc/steps/personal", {"given_names": "Ada"}, format="json")

    response = api.post("/api/v1/kyc/submit")

    assert response.status_code == 422
    assert response.json()["code"] == "kyc_incomplete"
