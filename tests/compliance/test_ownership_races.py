"""Owners named at once, in many hands: what the table says stays true, at the same cost."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.compliance.models import KycHolding, KycParty, KycRecord
from apps.compliance.selectors.ownership import ownership_of
from apps.compliance.services.kyc import kyc_choose_kind, kyc_submit
from apps.compliance.services.ownership import holding_remove, party_remove, party_save
from apps.core.errors import DomainError
from apps.users.models import User
from tests.compliance.factories import PERSON, fill_entity, put_kyc
from tests.compliance.test_alerts import in_threads
from tests.compliance.test_services_ownership import add_party, hold
from tests.users.factories import make_user

AT_ONCE = 4


def begun() -> User:
    user = make_user()
    kyc_choose_kind(actor=user, kind="ENTITY")
    return user


def events(verb: str) -> int:
    return AuditEvent.objects.filter(name=f"compliance.kyc.{verb}").count()


def refusals(results: list[object]) -> list[str]:
    """Return the codes of what was refused; any other error was raised."""
    return [one.code for one in results if isinstance(one, DomainError)]


@pytest.mark.django_db(transaction=True)
def test_owners_named_at_once_are_kept_once_and_never_exceed_the_whole() -> None:
    user, party_id = begun(), uuid4()
    others = [add_party(user) for _ in range(AT_ONCE)]
    signing = {**PERSON, "is_signatory": True, "capacity": "Director"}

    def save(party: Any, answers: dict[str, Any]) -> KycParty:
        return party_save(actor=user, party_id=party, kind="PERSON", answers=answers)

    same = in_threads(*(lambda: save(party_id, PERSON) for _ in range(AT_ONCE)))
    assert (refusals(same), events("party_saved")) == ([], AT_ONCE + 1)

    signed = in_threads(*(lambda one=one: save(one.id, signing) for one in others))
    assert refusals(signed) == ["signatory_named"] * (AT_ONCE - 1)

    held = in_threads(*(lambda one=one: hold(user, one, None, "40") for one in others))
    assert refusals(held) == ["holdings_exceed"] * 2
    assert sum(KycHolding.objects.values_list("shares", flat=True)) == 80

    kept = KycHolding.objects.first()
    assert kept is not None
    gone = in_threads(*(lambda: holding_remove(actor=user, holding_id=kept.id) for _ in others))
    assert (refusals(gone), events("holding_removed")) == ([], 1)

    gone = in_threads(*(lambda: party_remove(actor=user, party_id=party_id) for _ in others))
    assert (refusals(gone), events("party_removed")) == ([], 1)
    version = KycRecord.objects.get().evidence_version
    told = AuditEvent.objects.filter(payload__has_key="evidence_version").count()
    assert version == told


@pytest.mark.django_db(transaction=True)
def test_entity_handed_in_and_changed_at_once_is_one_or_the_other() -> None:
    user = make_user()
    record = fill_entity(user)
    holding = record.holdings.get()

    results = in_threads(
        *(lambda: kyc_submit(actor=user) for _ in range(AT_ONCE - 1)),
        lambda: holding_remove(actor=user, holding_id=holding.id),
    )

    record.refresh_from_db()
    holding.refresh_from_db()
    assert set(refusals(results)) <= {"kyc_not_editable", "kyc_ownership_incomplete"}
    assert (record.status == "SUBMITTED") == (holding.removed_at is None)
    assert events("submitted") == (record.status == "SUBMITTED")


@pytest.mark.django_db
def test_owners_commands_cost_the_same_for_two_parties_as_for_twenty() -> None:
    user = begun()
    first, second = add_party(user), add_party(user)

    def costs() -> list[int]:
        holdings: list[KycHolding] = []
        counted = []
        for act in (
            lambda: add_party(user, given_names="Other"),
            lambda: holdings.append(hold(user, first, None, "1")),
            lambda: holding_remove(actor=user, holding_id=holdings[0].id),
            lambda: ownership_of(user.pk),
        ):
            with CaptureQueriesContext(connection) as queries:
                act()
            counted.append(len(queries))
        return counted

    few = costs()
    for _ in range(16):
        hold(user, add_party(user), None, "1")

    assert costs() == few
    assert max(few) <= 20
    assert second.removed_at is None


@pytest.mark.django_db
def test_database_keeps_owners_of_one_entity_within_the_whole_and_out_of_review() -> None:
    user, other = begun(), begun()
    person, stranger = add_party(user), add_party(other)
    holding = hold(user, person, None, "60")
    record = KycRecord.objects.get(client=user)

    def refused(**changes: Any) -> None:
        values = {"owner": person, "owned": None, "shares": Decimal(1), "votes": Decimal(1)}
        with pytest.raises(DatabaseError), transaction.atomic():
            KycHolding.objects.create(record=record, **{**values, **changes})

    company = add_party(user, "COMPANY")
    refused(owner=stranger)
    refused(owner=company, owned=stranger)
    refused(owner=company, shares=Decimal("40.000001"))
    refused(owner=company, votes=Decimal("40.000001"))
    party_remove(actor=user, party_id=company.id)
    refused(owner=company)
    for rows, changes in (
        (KycParty.objects.filter(id=company.id), {"removed_at": None}),
        (KycParty.objects.filter(id=person.id), {"kind": "COMPANY"}),
        (KycParty.objects.filter(id=person.id), {"record": KycRecord.objects.get(client=other)}),
        (KycParty.objects.filter(id=person.id), {"is_signatory": True}),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**changes)
    put_kyc(record, "IN_REVIEW")
    refused(owner=None, owned=person)
    with pytest.raises(DatabaseError), transaction.atomic():
        KycHolding.objects.filter(id=holding.id).update(removed_at=timezone.now())
    with pytest.raises(DatabaseError), transaction.atomic():
        KycParty.objects.filter(id=person.id).update(version=9)
