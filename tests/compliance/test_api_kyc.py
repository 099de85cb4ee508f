import json
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any
from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.audit.models import AuditEvent
from apps.compliance.models import KycDocument, KycStep
from apps.infrastructure.sandbox import Bounds
from tests.compliance import hostile
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

    sign = {"wording_version": "2020-01"}
    assert api.post("/api/v1/kyc/submit").json()["code"] == "self_certification_missing"
    assert api.post("/api/v1/kyc/self-certification", sign, format="json").status_code == 409
    sign = api.get("/api/v1/kyc/self-certification").json()
    sign = {"wording_version": sign["wording_version"]}
    signed = api.post("/api/v1/kyc/self-certification", sign, format="json").json()
    assert signed["is_in_force"] is True
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


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("passport.svg", lambda: hostile.SVG),
        ("passport.jpg", hostile.zip_with_symlink),
        ("passport.docx", lambda: hostile.office_file("docx")),
        ("passport.xml", lambda: hostile.XXE),
        ("passport.png", hostile.png_flood),
        ("passport.pdf", hostile.infected_pdf),
    ],
)
def test_kyc_document_of_an_attacker_is_a_problem_and_nothing_is_served(
    name: str, make: Callable[[], bytes]
) -> None:
    api = api_client(make_user())
    body = upload(file=SimpleUploadedFile(name, make(), "image/jpeg"))

    response = api.post("/api/v1/kyc/documents", body, format="multipart")

    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"].startswith("file_")
    assert api.get("/api/v1/kyc/documents").json() == []


def test_asvs_v5_4_1_document_is_served_under_a_name_made_by_the_server() -> None:
    client = make_user()
    api = api_client(client)
    name = "../../etc/passwd%00\r\nX-Evil: 1.html"
    body = upload(file=SimpleUploadedFile(name, image_bytes(), "text/html"))
    document = api.post("/api/v1/kyc/documents", body, format="multipart").json()
    portal = Client()
    portal.force_login(client, backend="allauth.account.auth_backends.AuthenticationBackend")

    answers = [
        api.get(f"/api/v1/kyc/documents/{document['id']}/content"),
        portal.post(reverse("portal:verification_document", args=[document["id"]])),
    ]

    for answer in answers:
        assert answer.status_code == 200
        assert answer["Content-Disposition"] == 'attachment; filename="passport-v1.jpg"'
        assert answer["Content-Type"] == "image/jpeg"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cache-Control"].startswith("no-store")
        assert "X-Evil" not in answer
    assert AuditEvent.objects.filter(name="compliance.kyc.document_read").count() == 2


VALID = [
    image_bytes(),
    image_bytes("PNG"),
    hostile.photo_with_whereabouts(),
    hostile.pdf_bytes(2),
    hostile.pdf_with_metadata(),
]
MUTATION = st.tuples(st.integers(0, 10_000), st.binary(max_size=6), st.booleans())


def in_this_process(function: str, data: bytes, bounds: Bounds) -> tuple[dict[str, str], bytes]:
    module, _, name = function.partition(":")
    answer: tuple[dict[str, str], bytes] = getattr(import_module(module), name)(data)
    return answer


def test_kyc_document_mutated_anyhow_is_a_problem_or_made_anew() -> None:
    api = api_client(make_user())

    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(
        data=st.sampled_from(VALID),
        mutations=st.lists(MUTATION, min_size=1, max_size=4),
        name=st.text(max_size=30),
    )
    def send(data: bytes, mutations: list[tuple[int, bytes, bool]], name: str) -> None:
        for place, put, replace in mutations:
            start = place % len(data)
            data = data[:start] + put + data[start + (len(put) if replace else 0) :]
        body = upload(file=SimpleUploadedFile("x", data))
        body["file"].name = f"f{name}"
        with transaction.atomic():
            response = api.post("/api/v1/kyc/documents", body, format="multipart")
            transaction.set_rollback(True)

        assert response.status_code in {201, 400}, response.content
        if response.status_code == 400:
            assert response["Content-Type"] == "application/problem+json"

    with mock.patch("apps.compliance.services.documents.run_sandboxed", in_this_process):
        send()
