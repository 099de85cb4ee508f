"""The identity check's pages."""

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from apps.compliance.domain.questionnaires import CATALOGUE
from apps.compliance.domain.self_certification import WORDING_VERSION
from apps.compliance.models import KycDocument, KycRecord
from apps.compliance.selectors.kyc import kyc_view
from apps.portal.forms.verification import StepForm
from apps.users.models import User
from tests.compliance.factories import ACTIVITY
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db

ANSWERS: dict[str, dict[str, Any]] = {
    "personal": {
        "given_names": "Ada",
        "family_name": "Tester",
        "date_of_birth": "1980-12-31",
        "birth_city": "Leeds",
        "birth_country": "GB",
        "nationality": "GB",
        "residence": "GB",
    },
    "contact": {
        "address_line_1": "1 High Street",
        "city": "Stratford",
        "country": "GB",
        "phone": "+44 20 7946 0000",
    },
    "employment": {"employment": "RETIRED", "industry": "EDUCATION", "pep": "NONE"},
    "financial": {
        "source_of_funds": ["SALARY", "SAVINGS"],
        "annual_income": "25K_100K",
        "net_worth": "100K_250K",
        "source_of_wealth": ["WORK"],
        **ACTIVITY,
    },
    "tax": {
        "tax_residence": "GB",
        "has_tin": "no",
        "no_tin_code": "B",
        "no_tin_reason": "Applied for",
        "more_tax_residences": "no",
        "us_person": "no",
    },
    "markets": {"investment_experience": "NONE"},
    "declarations": {
        "own_account": "on",
        "accurate": "on",
        "will_update": "on",
        "checks_agreed": "on",
    },
}


def picture() -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (200, 200), "grey").save(out, "PNG")
    return SimpleUploadedFile("pass.png", out.getvalue(), content_type="image/png")


def upload(pages: Client, **changes: Any) -> Any:
    data = {"kind": "PASSPORT", "expiry_date": "2030-01-31", "file": picture(), **changes}
    return pages.post("/verification/documents/", data)


def fill_in(pages: Client) -> None:
    for code, answers in ANSWERS.items():
        assert pages.post(f"/verification/{code}/", answers).status_code == 302, code
    sign = {"wording_version": WORDING_VERSION}
    assert pages.post("/verification/tax-certificate/", sign).status_code == 302


def test_verification_before_anything_says_what_to_do(pages: Client) -> None:
    page = pages.get("/verification/").content.decode()
    assert "Begin: About you" in page
    for needed in ("Still needed", "Your signature", "A valid passport", ": 7 open questions"):
        assert needed in page


def test_verification_when_signed_out_leads_to_sign_in(client: Client) -> None:
    assert client.get("/verification/").status_code == 302


def test_step_is_kept_and_leads_to_the_next(pages: Client, user: User) -> None:
    answer = pages.post("/verification/personal/", ANSWERS["personal"])
    assert answer.status_code == 302
    assert answer["Location"] == "/verification/contact/"
    kept = kyc_view(user).step("personal")
    assert kept is not None
    assert kept.answers["given_names"] == "Ada"
    assert 'value="Ada"' in pages.get("/verification/personal/").content.decode()


def test_step_half_filled_is_kept_and_says_what_is_open(pages: Client, user: User) -> None:
    answer = pages.post("/verification/personal/", {"given_names": "Ada"})
    assert answer.status_code == 422
    assert "This still needs an answer." in answer.content.decode()
    kept = kyc_view(user).step("personal")
    assert kept is not None
    assert kept.answers == {"given_names": "Ada"}


def test_step_saved_for_later_leads_to_the_overview(pages: Client) -> None:
    answer = pages.post("/verification/personal/", {"given_names": "Ada", "later": "yes"})
    assert answer["Location"] == "/verification/"
    assert "6 open" in pages.get("/verification/").content.decode()
    assert "Still open." in pages.get("/verification/personal/").content.decode()


@pytest.mark.parametrize(
    "bad",
    [
        {"given_names": "A\x00da"},
        {"given_names": "9" * 5000},
        {"given_names": "\u202e"},
        {"date_of_birth": "NaN"},
        {"date_of_birth": "2024-01-01"},
        {"nationality": "XX"},
    ],
)
def test_step_with_bad_answers_is_refused_with_the_values(
    pages: Client, user: User, bad: dict[str, Any]
) -> None:
    answer = pages.post("/verification/personal/", {"family_name": "Tester", **bad})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "errorlist" in page
    assert 'value="Tester"' in page
    assert not kyc_view(user).steps[0].answers


def test_step_that_does_not_exist_is_not_found(pages: Client) -> None:
    assert pages.get("/verification/nothing/").status_code == 404


def test_steps_form_takes_a_no_as_an_answer() -> None:
    tax = next(step for step in CATALOGUE["INDIVIDUAL"] if step.code == "tax")
    form = StepForm({"has_tin": "no"}, step=tax)
    assert form.is_valid()
    assert form.answers() == {"has_tin": False}


def test_verification_filled_in_is_handed_in(pages: Client, user: User) -> None:
    fill_in(pages)
    assert upload(pages).status_code == 302
    assert kyc_view(user).can_submit
    assert pages.post("/verification/submit/").status_code == 302
    assert kyc_view(user).status == "SUBMITTED"
    page = pages.get("/verification/").content.decode()
    assert "We have received your answers" in page
    assert "Add a document" not in page


def test_verification_handed_in_cannot_be_changed(pages: Client, user: User) -> None:
    fill_in(pages)
    upload(pages)
    pages.post("/verification/submit/")
    answer = pages.post("/verification/personal/", {**ANSWERS["personal"], "given_names": "Eve"})
    assert answer.status_code == 409
    kept = kyc_view(user).step("personal")
    assert kept is not None
    assert kept.answers["given_names"] == "Ada"
    assert "cannot be changed now" in pages.get("/verification/personal/").content.decode()


def test_submit_when_incomplete_is_refused(pages: Client, user: User) -> None:
    pages.post("/verification/personal/", ANSWERS["personal"])
    answer = pages.post("/verification/submit/")
    assert answer.status_code == 422
    assert "Some questions still need an answer." in answer.content.decode()
    assert KycRecord.objects.get(client=user).status == "DRAFT"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"file": SimpleUploadedFile("a.png", b"MZ not a picture")}, "Only JPEG, PNG and PDF"),
        ({"expiry_date": ""}, "State when the document expires."),
        ({"expiry_date": "never"}, "Enter a valid date."),
        ({"kind": "LIBRARY_CARD"}, "Select a valid choice."),
    ],
)
def test_upload_of_a_bad_document_is_refused(
    pages: Client, changes: dict[str, Any], message: str
) -> None:
    answer = upload(pages, **changes)
    assert answer.status_code == 400
    assert message in answer.content.decode()
    assert not KycDocument.objects.exists()


def test_document_is_given_back_to_its_owner_only(pages: Client) -> None:
    upload(pages)
    document = KycDocument.objects.get()
    answer = pages.post(f"/verification/documents/{document.id}/")
    assert answer["Content-Type"] == "image/png"
    assert "attachment" in answer["Content-Disposition"]
    other = Client()
    other.force_login(make_user(), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert other.post(f"/verification/documents/{document.id}/").status_code == 404
