"""The review page's further forms: asking the client, another rating, due diligence."""

from typing import Any

import pytest
from django.test import Client

from apps.compliance.models import InformationItem, KycRecord, RatingOverride
from tests.compliance.test_admin_kyc import address, desk, reviewed

pytestmark = pytest.mark.django_db


def test_desk_overrides_a_rating_writes_down_findings_and_asks_the_client() -> None:
    record = reviewed(pep="SELF", pep_function="Minister")
    (first, _), (second, _) = desk(), desk()

    def post(client: Client, name: str, **form: Any) -> str:
        record.refresh_from_db()
        body = {"evidence_version": record.evidence_version, **form}
        response = client.post(address(name, record.id), body, follow=True)
        assert response.status_code == 200
        return response.content.decode()

    page = first.get(address("change", record.id)).content.decode()
    assert "Enhanced due diligence" in page
    assert "Propose another rating" in page
    assert "Written down." in post(first, "diligence", code="PURPOSE", note="Wants to invest")

    record.refresh_from_db()
    asked = {
        "reason_code": "LONG_STANDING",
        "note": "Known",
        "inputs_hash": record.risk_inputs_hash,
    }
    assert "a second officer must confirm" in post(
        first, "override", act="propose", rating="MEDIUM", **asked
    )
    proposal = {"override_id": RatingOverride.objects.get().id, "rating": "MEDIUM"}
    assert "A second officer must confirm." in post(first, "override", act="confirm", **proposal)
    assert "The rating is set." in post(second, "override", act="confirm", **proposal)
    assert KycRecord.objects.get().risk_rating == "MEDIUM"

    row = {"item_1": "STEP:contact", "reason_1": "OUT_OF_DATE", "days_1": "5"}
    assert "not complete" in post(second, "ask", **{**row, "days_1": "soon"})
    assert "The client is asked" in post(second, "ask", **row)
    item = InformationItem.objects.get()
    overdue = second.get(address("changelist"), {"information": "overdue"})
    assert str(record) not in overdue.content.decode()
    answer = second.post(address("waive", record.id, item.id), follow=True)
    assert "need not answer" in answer.content.decode()
