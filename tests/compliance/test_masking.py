from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.compliance.domain.masking import MASK, answers_masked, answers_unmasked, masked
from apps.compliance.models import KycRecord, KycStep
from apps.compliance.services.kyc import kyc_reveal_answer, kyc_save_step
from apps.core.errors import NotFound
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance.factories import ANSWERS, fill_kyc
from tests.users.factories import api_client, make_user
from tests.users.helpers import prove_second_factor

TIN = ANSWERS["tax"]["tin"]
SHOWN = MASK + TIN[-4:]


@pytest.mark.parametrize(("value", "shown"), [(TIN, SHOWN), ("1234567", MASK), ("", MASK)])
def test_masked_value_shows_its_last_four_or_nothing(value: str, shown: str) -> None:
    assert masked(value) == shown


def test_masked_answer_that_comes_back_is_the_kept_one() -> None:
    kept = ANSWERS["tax"]

    assert answers_unmasked(answers_masked(kept), kept) == kept
    assert answers_unmasked({"tin": MASK + "0000"}, kept) == {"tin": MASK + "0000"}
    assert answers_unmasked({"tin": MASK}, {}) == {"tin": MASK}


def looks() -> list[tuple[Any, Any]]:
    events = AuditEvent.objects.filter(name="compliance.kyc.answer_revealed").order_by("sequence")
    assert not any(TIN in str(event.payload) for event in events)
    return [(event.actor_id, event.payload["question"]) for event in events]


@pytest.fixture
def record(db: None) -> KycRecord:
    fill_kyc(make_user())
    return KycRecord.objects.get()


def test_asvs_v14_2_6_tax_number_is_masked_in_the_api_until_it_is_asked_for(
    record: KycRecord,
) -> None:
    api = api_client(record.client)
    body = api.get("/api/v1/kyc").content.decode()

    assert TIN not in body
    assert SHOWN in body
    assert not looks()
    answer = api.post("/api/v1/kyc/steps/tax/reveal", {"question": "tin"}, format="json")
    assert answer.json() == {"question": "tin", "answer": TIN}
    assert looks() == [(record.client_id, "tin")]


def test_asvs_v14_2_6_tax_number_is_masked_in_the_portal_until_it_is_asked_for(
    record: KycRecord, client: Client
) -> None:
    client.force_login(record.client)
    address = reverse("portal:verification_step", args=["tax"])
    page = client.get(address).content.decode()

    assert TIN not in page
    assert SHOWN in page
    assert not looks()
    assert TIN in client.post(address, {"reveal": "tin"}).content.decode()
    assert looks() == [(record.client_id, "tin")]


def test_asvs_v14_2_6_tax_number_is_masked_in_the_admin_until_it_is_asked_for(
    record: KycRecord, client: Client
) -> None:
    officer = make_user(Role.COMPLIANCE_OFFICER, with_totp=True)
    client.force_login(officer)
    prove_second_factor(client, officer)
    page = client.get(reverse("admin:compliance_kycrecord_change", args=[record.id]))

    assert TIN not in page.content.decode()
    assert SHOWN in page.content.decode()
    assert not looks()
    address = reverse("admin:compliance_kycrecord_reveal", args=[record.id, "tax", "tin"])
    assert client.get(address).status_code == 405
    assert TIN in client.post(address).content.decode()
    assert looks() == [(officer.pk, "tin")]


@pytest.mark.parametrize(("step", "question"), [("tax", "us_person"), ("personal", "tin")])
def test_reveal_of_what_is_not_masked_is_not_found(
    record: KycRecord, step: str, question: str
) -> None:
    with pytest.raises(NotFound):
        kyc_reveal_answer(actor=record.client, record_id=record.id, step=step, question=question)
    assert not looks()


def test_reveal_of_another_clients_number_is_not_found(record: KycRecord) -> None:
    stranger: User = make_user()

    with pytest.raises(NotFound):
        kyc_reveal_answer(actor=stranger, record_id=record.id, step="tax", question="tin")
    assert not looks()


def test_step_saved_with_the_masked_number_keeps_the_whole_one(record: KycRecord) -> None:
    tax = {**ANSWERS["tax"], "tin": SHOWN, "us_person": True}
    kyc_save_step(actor=record.client, step="tax", answers=tax)

    kept = KycStep.objects.get(step="tax").answers
    assert TIN in kept
    assert MASK not in kept
    assert '"us_person": true' in kept
