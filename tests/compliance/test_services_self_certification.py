"""Tax residence is signed for; what was signed and changes must be signed again."""

import pytest
from django.db import DatabaseError, connection, transaction

from apps.audit.models import AuditEvent
from apps.compliance.domain.self_certification import WORDING_VERSION
from apps.compliance.models import KycRecord, TaxSelfCertification
from apps.compliance.selectors.self_certification import certification_of
from apps.compliance.services.kyc import kyc_save_step, kyc_submit
from apps.compliance.services.ownership import party_save
from apps.compliance.services.self_certification import self_certification_sign
from apps.core.errors import Conflict, Refused
from apps.users.domain.roles import Role
from tests.compliance.factories import ANSWERS, ENTITY_ANSWERS, PERSON, fill_entity, fill_kyc
from tests.compliance.test_services_screening import propose, submitted
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


def test_signature_covers_what_is_stated_and_ends_with_its_change() -> None:
    user = make_user()
    record = fill_kyc(user)
    self_certification_sign(actor=user, wording_version=WORDING_VERSION)
    assert TaxSelfCertification.objects.get().facts["tin"] == ANSWERS["tax"]["tin"]

    kyc_save_step(actor=user, step="contact", answers={**ANSWERS["contact"], "city": "Leeds"})

    assert not certification_of(record).is_in_force
    with pytest.raises(Refused) as refusal:
        kyc_submit(actor=user)
    assert refusal.value.code == "self_certification_missing"
    self_certification_sign(actor=user, wording_version=WORDING_VERSION)
    assert kyc_submit(actor=user).status == "SUBMITTED"
    events = AuditEvent.objects.filter(name="compliance.kyc.tax_certified")
    assert [event.payload["number"] for event in events.order_by("sequence")] == [1, 2]
    assert ANSWERS["tax"]["tin"] not in str(events.values_list("payload", flat=True))


def test_signature_without_the_answers_or_of_other_words_is_refused() -> None:
    user = make_user()

    with pytest.raises(Refused) as refusal:
        self_certification_sign(actor=user, wording_version=WORDING_VERSION)
    with pytest.raises(Conflict) as conflict:
        self_certification_sign(actor=user, wording_version="2020-01")

    assert (refusal.value.code, conflict.value.code) == ("tax_incomplete", "wording_changed")
    assert not TaxSelfCertification.objects.exists()


def test_passive_entity_needs_and_signs_for_the_residences_of_its_owners() -> None:
    user = make_user()
    record = fill_entity(user)
    tax = {**ENTITY_ANSWERS["tax"], "crs_type": "PASSIVE_NFE"}
    kyc_save_step(actor=user, step="tax", answers=tax)
    self_certification_sign(actor=user, wording_version=WORDING_VERSION)
    with pytest.raises(Refused) as refusal:
        kyc_submit(actor=user)
    assert "passive NFE" in str(refusal.value.facts["gaps"])
    owner = {**PERSON, "is_signatory": True, "capacity": "Director", "tax_residence": "GB"}
    party_id = record.parties.get().id

    party_save(actor=user, party_id=party_id, kind="PERSON", answers={**owner, "no_tin_code": "C"})

    assert not certification_of(KycRecord.objects.get()).is_in_force
    self_certification_sign(actor=user, wording_version=WORDING_VERSION)
    assert kyc_submit(actor=user).status == "SUBMITTED"


def test_client_is_not_approved_anew_on_a_signature_that_has_ended() -> None:
    record = submitted()
    officer = make_user(Role.COMPLIANCE_OFFICER)
    propose(record, officer)
    kyc_save_step(actor=record.client, step="contact", answers={**ANSWERS["contact"], "city": "X"})
    record.refresh_from_db()
    assert record.status == "UNDER_REVIEW"

    with pytest.raises(Refused) as refusal:
        propose(record, officer)
    assert refusal.value.code == "self_certification_missing"

    self_certification_sign(actor=record.client, wording_version=WORDING_VERSION)
    record.refresh_from_db()
    propose(record, officer)
    record.refresh_from_db()
    assert record.status == "APPROVED"


def test_signed_certificate_is_kept_by_the_database_as_it_was_signed() -> None:
    fill_kyc(make_user())
    signed = TaxSelfCertification.objects.get()

    for statement in (
        "UPDATE compliance_taxselfcertification SET digest = 'other'",
        "UPDATE compliance_taxselfcertification SET number = 2",
        "DELETE FROM compliance_taxselfcertification",
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute(statement)
    signed.facts = {**signed.facts, "tin": "0"}
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        signed.save()
    assert TaxSelfCertification.objects.get().facts["tin"] == ANSWERS["tax"]["tin"]
