"""Thresholds: proposed by one officer with a replay, brought into force by another."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from apps.compliance.models import ScreenedClient, ScreeningHit, ScreeningThreshold
from apps.compliance.selectors.thresholds import thresholds_in_force
from apps.compliance.services.rescreening import clients_rescreen
from apps.compliance.services.thresholds import (
    threshold_activate,
    threshold_decline,
    threshold_propose,
)
from apps.core.errors import Conflict, DomainError, InvalidInput, NotPermitted
from apps.users.models import User
from tests.compliance.alert_factories import make_client, make_officer
from tests.compliance.test_services_screening import LISTED, submitted, with_list

pytestmark = pytest.mark.django_db
HIGH = Decimal("0.990")


@pytest.fixture
def officer() -> User:
    return make_officer()


@pytest.fixture
def second() -> User:
    return make_officer()


def suggest(actor: User, **changes: Any) -> ScreeningThreshold:
    return threshold_propose(
        **{
            "actor": actor,
            "list_code": "",
            "risk_class": "",
            "threshold": HIGH,
            "base_version": 0,
            "reason": "Too many hits on names alone",
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"threshold": Decimal("0.79")}, InvalidInput),
        ({"threshold": Decimal("NaN")}, InvalidInput),
        ({"threshold": Decimal("0.8501")}, InvalidInput),
        ({"list_code": "NONE"}, InvalidInput),
        ({"risk_class": "ODD"}, InvalidInput),
        ({"reason": " "}, InvalidInput),
        ({"base_version": 7}, Conflict),
    ],
    ids=["floor", "nan", "places", "list", "class", "reason", "stale"],
)
def test_threshold_that_is_not_acceptable_is_not_proposed(
    officer: User, changes: dict[str, Any], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        suggest(officer, **changes)
    with pytest.raises(NotPermitted):
        suggest(make_client())

    assert not ScreeningThreshold.objects.exists()


def test_threshold_is_activated_by_another_officer_as_it_was_proposed(
    officer: User, second: User
) -> None:
    proposal = suggest(officer)
    with pytest.raises(Conflict):
        suggest(second)
    for actor, threshold, code in (
        (officer, HIGH, "four_eyes"),
        (second, Decimal("0.9"), "other_payload"),
    ):
        with pytest.raises(DomainError) as refusal:
            threshold_activate(actor=actor, threshold_id=proposal.id, threshold=threshold)
        assert refusal.value.code == code
    assert thresholds_in_force().of("ANY", "LOW") == Decimal("0.85")

    threshold_activate(actor=second, threshold_id=proposal.id, threshold=HIGH)

    assert thresholds_in_force().of("ANY", "LOW") == HIGH
    with pytest.raises(Conflict):
        threshold_activate(actor=second, threshold_id=proposal.id, threshold=HIGH)
    narrower = suggest(officer, risk_class="HIGH", threshold=Decimal("0.9"))
    threshold_activate(actor=second, threshold_id=narrower.id, threshold=Decimal("0.9"))
    assert thresholds_in_force().of("ANY", "HIGH") == Decimal("0.9")
    declined = suggest(officer, base_version=1, threshold=Decimal("0.8"))
    threshold_decline(actor=officer, threshold_id=declined.id)
    assert thresholds_in_force().of("ANY", "LOW") == HIGH


def test_database_refuses_one_officer_other_terms_and_a_version_that_was_overtaken(
    officer: User, second: User
) -> None:
    rows = ScreeningThreshold.objects.filter(id=suggest(officer).id)
    for changes in (
        {"status": "ACTIVE", "decided_by": officer},
        {"status": "ACTIVE", "decided_by": second, "threshold": Decimal("0.8")},
        {"status": "RETIRED", "decided_by": second},
        {"threshold": Decimal("0.8")},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**changes)
    stale = ScreeningThreshold.objects.create(
        list_code="X",
        risk_class="",
        version=1,
        base_version=4,
        threshold=HIGH,
        reason="x",
        proposed_by=officer,
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        ScreeningThreshold.objects.filter(id=stale.id).update(status="ACTIVE", decided_by=second)
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.delete()
    stale.pk, stale.list_code, stale.status, stale.decided_by = uuid4(), "Y", "ACTIVE", second
    with pytest.raises(DatabaseError), transaction.atomic():
        stale.save(force_insert=True)

    assert rows.get().status == "PROPOSED"


def test_replay_tells_what_would_be_raised_and_lost_and_activation_does_it(
    officer: User, second: User
) -> None:
    with_list()
    submitted(given_names="Viktor", family_name="Brantof", date_of_birth="1990-05-05")
    submitted(**LISTED)
    score = max(hit.score for hit in ScreeningHit.objects.all())
    assert score < HIGH

    lost = suggest(officer, list_code="SAMPLE", threshold=HIGH)
    assert (lost.replay["lost"], lost.replay["raised"]) == (ScreeningHit.objects.count(), 0)
    assert lost.replay["clients_lost"] == ScreeningHit.objects.count()
    threshold_activate(actor=second, threshold_id=lost.id, threshold=HIGH)
    assert set(ScreenedClient.objects.values_list("matcher_version", flat=True)) == {""}
    clients_rescreen()

    assert {*ScreeningHit.objects.values_list("status", flat=True)} == {"SUPERSEDED"}
