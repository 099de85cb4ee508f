"""An entity's owners: kept, guarded, needed to hand in, screened, shown."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.audit.services import outbox_deliver
from apps.compliance.models import KycHolding, KycParty, KycRecord, KycReview, ScreeningHit
from apps.compliance.selectors.ownership import ownership_of
from apps.compliance.services.kyc import kyc_choose_kind, kyc_submit
from apps.compliance.services.ownership import (
    holding_remove,
    holding_save,
    party_remove,
    party_save,
)
from apps.compliance.services.screening import screening_run
from apps.compliance.services.watchlists import SAMPLE, watchlist_import
from apps.core.errors import Conflict, DomainError, InvalidInput, NotFound, Refused
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance.factories import PERSON, fill_entity, put_kyc
from tests.compliance.test_admin_kyc import desk
from tests.compliance.test_services_screening import propose
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def entity() -> User:
    user = make_user()
    kyc_choose_kind(actor=user, kind="ENTITY")
    return user


def add_party(actor: User, kind: str = "PERSON", **answers: Any) -> KycParty:
    given = {**PERSON, **answers} if kind == "PERSON" else {"legal_name": "Middle Ltd", **answers}
    return party_save(actor=actor, party_id=uuid4(), kind=kind, answers=given)


def hold(actor: User, owner: KycParty | None, owned: KycParty | None, percent: str) -> KycHolding:
    return holding_save(
        actor=actor,
        holding_id=uuid4(),
        owner_id=owner.id if owner else None,
        owned_id=owned.id if owned else None,
        shares=Decimal(percent),
    )


def test_party_saved_again_changes_nothing_and_its_event_tells_names_of_questions_only(
    entity: User,
) -> None:
    party = add_party(entity, given_names="Qxname")
    version = KycRecord.objects.get().evidence_version

    again = party_save(
        actor=entity, party_id=party.id, kind="PERSON", answers={**PERSON, "given_names": "Qxname"}
    )

    assert (again.version, KycRecord.objects.get().evidence_version) == (1, version)
    event = AuditEvent.objects.get(name="compliance.kyc.party_saved")
    assert "Qxname" not in str(event.payload)
    assert "given_names" in event.payload["changed_fields"]


def test_party_or_holding_of_somebody_else_is_not_found(entity: User) -> None:
    party = add_party(entity)
    holding = hold(entity, party, None, "50")
    other = make_user()
    kyc_choose_kind(actor=other, kind="ENTITY")

    for attempt in (
        lambda: party_save(actor=other, party_id=party.id, kind="PERSON", answers=PERSON),
        lambda: party_remove(actor=other, party_id=party.id),
        lambda: holding_remove(actor=other, holding_id=holding.id),
        lambda: hold(other, party, None, "1"),
    ):
        with pytest.raises(NotFound):
            attempt()
    party.refresh_from_db()
    assert (party.version, party.removed_at) == (1, None)


def test_holdings_that_cannot_be_are_refused_and_change_nothing(entity: User) -> None:
    person, company = add_party(entity), add_party(entity, "COMPANY")
    hold(entity, person, None, "60")
    refusals: list[tuple[type[DomainError], Any]] = [
        (Refused, lambda: hold(entity, company, None, "40.000001")),
        (Refused, lambda: hold(entity, company, person, "10")),
        (Refused, lambda: hold(entity, company, None, "0")),
        (Conflict, lambda: hold(entity, person, None, "10")),
        (InvalidInput, lambda: hold(entity, company, None, "0.0000001")),
        (InvalidInput, lambda: hold(entity, company, None, "NaN")),
    ]

    for error, attempt in refusals:
        with pytest.raises(error):
            attempt()
    assert KycHolding.objects.count() == 1


def test_one_person_signs(entity: User) -> None:
    add_party(entity, is_signatory=True, capacity="Director")

    with pytest.raises(Conflict) as conflict:
        add_party(entity, is_signatory=True, capacity="Secretary")

    assert conflict.value.code == "signatory_named"
    assert KycParty.objects.count() == 1


def test_party_taken_out_stays_in_the_table_with_its_holdings_ended(entity: User) -> None:
    party = add_party(entity)
    hold(entity, party, None, "50")

    party_remove(actor=entity, party_id=party.id)
    party_remove(actor=entity, party_id=party.id)

    assert KycHolding.objects.get().removed_at is not None
    assert not ownership_of(entity.pk).parties
    assert AuditEvent.objects.filter(name="compliance.kyc.party_removed").count() == 1


def test_entity_is_handed_in_when_every_path_ends(entity: User) -> None:
    fill_entity(entity)
    company = add_party(entity, "COMPANY")

    with pytest.raises(Refused) as refusal:
        kyc_submit(actor=entity)
    assert refusal.value.code == "kyc_ownership_incomplete"
    gaps = refusal.value.facts["gaps"]
    assert "Say who owns or controls Middle Ltd." in gaps
    assert "take it out: Middle Ltd." in gaps
    party_remove(actor=entity, party_id=company.id)

    record = kyc_submit(actor=entity)

    assert (record.status, record.questionnaire_version) == ("SUBMITTED", "2026-12")


def test_owner_on_a_list_is_a_hit_that_names_the_party_on_the_desk() -> None:
    watchlist_import(actor=None, path=SAMPLE, list_code="SAMPLE")
    user = make_user()
    fill_entity(user, given_names="Viktor", family_name="Brantov")
    kyc_submit(actor=user)
    outbox_deliver(context="compliance")
    record = KycRecord.objects.get()

    hit = ScreeningHit.objects.get()
    assert hit.party_id == KycParty.objects.get().id
    assert (record.status, record.risk_rating != "") == ("IN_REVIEW", True)
    client, _ = desk()
    page = client.get(reverse("admin:compliance_kycrecord_change", args=[record.id]))
    text = page.content.decode()
    for wanted in ("Viktor Brantov</b>, an owner", "Owners and controllers", "<svg", "100 %"):
        assert wanted in text
    assert "style=" not in text.split("content-main")[1]


def test_ownership_by_api_is_put_read_and_taken_out() -> None:
    user = make_user()
    api = api_client(user)
    base, party_id, holding_id = "/api/v1/kyc", uuid4(), uuid4()
    assert api.put(f"{base}/kind", {"kind": "ENTITY"}, format="json").json()["kind"] == "ENTITY"
    body = {"kind": "PERSON", "answers": PERSON}
    assert api.put(f"{base}/parties/{party_id}", body, format="json").status_code == 200
    holding = {"owner": str(party_id), "owned": None, "shares": "25"}

    answer = api.put(f"{base}/holdings/{holding_id}", holding, format="json").json()

    assert answer["owners"][0]["is_beneficial"] is True
    assert answer["unexplained"] == "75 %"
    assert answer == api.get(f"{base}/ownership").json()
    assert api.delete(f"{base}/holdings/{holding_id}").status_code == 204
    assert api.delete(f"{base}/parties/{party_id}").status_code == 204
    bad = {"kind": "PERSON", "answers": {"legal_name": "x"}}
    assert api.put(f"{base}/parties/{party_id}", bad, format="json").status_code == 422
    assert api.put(f"{base}/parties/{uuid4()}", {"kind": "X"}, format="json").status_code == 400


def test_owner_changed_after_approval_is_screened_and_has_the_client_looked_at(
    entity: User,
) -> None:
    watchlist_import(actor=None, path=SAMPLE, list_code="SAMPLE")
    record = fill_entity(entity)
    put_kyc(record, "APPROVED", risk_rating="LOW")
    screening_run(record_id=record.id, trigger="CLIENT_CHANGE")
    party_id = record.parties.get().id
    listed = {**PERSON, "given_names": "Viktor", "family_name": "Brantov", "is_signatory": True}

    with pytest.raises(Refused) as refusal:
        party_save(actor=entity, party_id=party_id, kind="PERSON", answers=listed)
    assert refusal.value.code == "kyc_incomplete"
    assert not KycReview.objects.exists()
    party_save(
        actor=entity, party_id=party_id, kind="PERSON", answers={**listed, "capacity": "Director"}
    )
    outbox_deliver(context="compliance")

    record.refresh_from_db()
    assert record.status == "UNDER_REVIEW"
    assert KycReview.objects.get().reasons == ["OWNERSHIP_CHANGE", "NEW_HIT"]
    assert ScreeningHit.objects.get().party_id == party_id


def test_holding_taken_out_after_approval_is_reviewed_and_approved_only_when_whole(
    entity: User,
) -> None:
    record = fill_entity(entity)
    put_kyc(record, "APPROVED", risk_rating="LOW")
    holding_remove(actor=entity, holding_id=record.holdings.get().id)
    outbox_deliver(context="compliance")
    record.refresh_from_db()
    assert KycReview.objects.get().reasons == ["OWNERSHIP_CHANGE"]

    with pytest.raises(Refused) as refusal:
        propose(record, make_user(Role.COMPLIANCE_OFFICER))

    assert refusal.value.code == "kyc_ownership_incomplete"
    record.refresh_from_db()
    assert record.status == "UNDER_REVIEW"
