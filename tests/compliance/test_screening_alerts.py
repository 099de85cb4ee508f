"""A screening alert and its hits: neither contradicts the other, and two officers close both."""

from typing import Any

import pytest
from django.urls import reverse

from apps.audit.services import outbox_deliver
from apps.compliance.models import Alert, KycRecord, ScreeningHit
from apps.compliance.selectors.screening_alerts import hits_outcome
from apps.compliance.services.alerts import alert_confirm, alert_propose
from apps.compliance.services.kyc_decisions import kyc_confirm_decision, kyc_propose_decision
from apps.compliance.services.work_locks import work_lock_take
from apps.core.errors import NotPermitted, Refused
from apps.users.models import User
from tests.compliance.alert_factories import make_officer
from tests.compliance.factories import diligence_complete, hit_decide
from tests.compliance.test_alert_admin import page, signed_in
from tests.compliance.test_services_screening import LISTED, propose, submitted, with_list

pytestmark = pytest.mark.django_db


@pytest.fixture
def record() -> KycRecord:
    with_list()
    return submitted(**LISTED)


@pytest.fixture
def officer() -> User:
    return make_officer()


@pytest.fixture
def second() -> User:
    return make_officer()


def dispose(actor: User, disposition: str = "FALSE_POSITIVE") -> None:
    hit = ScreeningHit.objects.get()
    hit_decide(actor, hit, disposition)


def propose_alert(actor: User, disposition: str, reason_code: str) -> Alert:
    alert_id = Alert.objects.get().id
    return alert_propose(
        actor=actor, alert_id=alert_id, disposition=disposition, reason_code=reason_code, note="x"
    )


def confirm(record: KycRecord, actor: User) -> None:
    record.refresh_from_db()
    kyc_confirm_decision(
        actor=actor,
        decision_id=record.decisions.get(status="PROPOSED").id,
        evidence_version=record.evidence_version,
    )


def test_kyc_decision_of_two_officers_closes_the_alert_as_its_hits_were_decided(
    record: KycRecord, officer: User, second: User
) -> None:
    dispose(officer)
    record.refresh_from_db()
    # Whoever has the alert's page open does not hold up the decision on the record.
    work_lock_take(actor=officer, page_id=Alert.objects.get().id)
    assert propose(record, officer).status == "PROPOSED"
    assert Alert.objects.get().status == "OPEN"
    with pytest.raises(NotPermitted):
        confirm(record, officer)

    confirm(record, second)
    outbox_deliver(context="compliance")

    alert = Alert.objects.get()
    assert (alert.status, alert.disposition) == ("CLOSED", "FALSE_POSITIVE")
    assert (alert.reason_code, alert.proposed_by, alert.confirmed_by) == (
        "HITS_DECIDED",
        officer,
        second,
    )
    hit = ScreeningHit.objects.get()
    assert (hit.status, hit.disposed_by) == ("FALSE_POSITIVE", officer)
    record.refresh_from_db()
    assert record.status == "APPROVED"


def test_kyc_rejection_with_an_undecided_hit_leaves_the_alert_open(
    record: KycRecord, officer: User, second: User
) -> None:
    propose(record, officer, "REJECT")
    confirm(record, second)

    assert Alert.objects.get().status == "OPEN"
    assert ScreeningHit.objects.get().status == "OPEN"


def test_request_for_information_takes_one_officer_and_leaves_the_alert(
    record: KycRecord, officer: User
) -> None:
    dispose(officer)
    record.refresh_from_db()

    assert propose(record, officer, "REQUEST_INFORMATION").status == "FINAL"

    assert Alert.objects.get().status == "OPEN"


def test_kyc_decision_replaces_a_proposal_that_stood_on_the_alert(
    record: KycRecord, officer: User, second: User
) -> None:
    dispose(officer, "TRUE_MATCH")
    propose_alert(second, "TRUE_MATCH", "HITS_DECIDED")
    record.refresh_from_db()
    propose(record, officer, "REJECT")
    confirm(record, second)

    alert = Alert.objects.get()
    assert (alert.status, alert.disposition) == ("CLOSED", "TRUE_MATCH")
    assert (alert.proposed_by, alert.confirmed_by) == (officer, second)


@pytest.mark.parametrize(
    ("disposed", "asked", "code"),
    [
        ("FALSE_POSITIVE", ("TRUE_MATCH", "IDENTIFIERS_MATCH"), "hits_contradicted"),
        ("TRUE_MATCH", ("FALSE_POSITIVE", "NAME_ONLY"), "hits_contradicted"),
        ("", ("FALSE_POSITIVE", "HITS_DECIDED"), "hits_undecided"),
    ],
)
def test_alert_that_contradicts_its_hits_is_refused(
    record: KycRecord, officer: User, disposed: str, asked: tuple[str, str], code: str
) -> None:
    if disposed:
        dispose(officer, disposed)

    with pytest.raises(Refused) as refusal:
        propose_alert(officer, *asked)

    assert refusal.value.code == code
    assert Alert.objects.get().status == "OPEN"


def test_alert_proposal_overtaken_by_a_hit_cannot_be_confirmed(
    record: KycRecord, officer: User, second: User
) -> None:
    alert = propose_alert(officer, "FALSE_POSITIVE", "NAME_ONLY")
    dispose(second, "TRUE_MATCH")

    with pytest.raises(Refused):
        alert_confirm(actor=second, alert_id=alert.id)

    alert.refresh_from_db()
    assert alert.status == "PROPOSED"


def test_alert_decided_on_its_own_page_decides_open_hits_and_then_one_officer_suffices(
    record: KycRecord, officer: User, second: User
) -> None:
    alert = propose_alert(officer, "FALSE_POSITIVE", "NAME_ONLY")
    alert_confirm(actor=second, alert_id=alert.id)
    outbox_deliver(context="compliance")
    assert ScreeningHit.objects.get().status == "FALSE_POSITIVE"
    record.refresh_from_db()

    if record.risk_rating == "HIGH":
        diligence_complete(record, officer)
    asked: dict[str, Any] = {"outcome": "APPROVE", "reason_code": "VERIFIED"}
    decision = kyc_propose_decision(
        actor=officer,
        record_id=record.id,
        evidence_version=record.evidence_version,
        **asked,
    )

    assert (decision.status == "FINAL") is (record.risk_rating != "HIGH")


def test_hits_that_are_all_superseded_add_up_to_a_false_positive(record: KycRecord) -> None:
    alert = Alert.objects.get()
    assert hits_outcome(alert).undecided == 1
    ScreeningHit.objects.update(status="SUPERSEDED")
    assert hits_outcome(alert).disposition == "FALSE_POSITIVE"


def test_alert_page_says_what_remains_links_to_the_hits_and_prefills(
    record: KycRecord, officer: User
) -> None:
    client = signed_in(officer)
    alert = Alert.objects.get()
    address = reverse("admin:compliance_kycrecord_change", args=[record.id])
    before = client.get(page(alert)).content.decode()
    assert "1 of 1 hits undecided" in before
    assert f"{address}#hit-{ScreeningHit.objects.get().id}" in before
    assert "HITS_DECIDED" not in before

    dispose(officer)

    after = client.get(page(alert)).content.decode()
    assert 'value="FALSE_POSITIVE:HITS_DECIDED" selected' in after
    assert "TRUE_MATCH:" not in after
    assert "takes two officers" in client.get(address).content.decode()
