"""The queue follows what waits; nobody gets the same, and one officer at a time decides."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.compliance.domain.kyc_reasons import OVERRIDE_REASONS
from apps.compliance.domain.work_items import (
    DECIDE,
    KIND_WORDS,
    SLA_HOURS,
    Priority,
    WorkKind,
    alert_priority,
    due_at,
    soon_at,
)
from apps.compliance.models import (
    Alert,
    KycRecord,
    ScreeningHit,
    WatchlistImport,
    WorkItem,
    WorkLock,
)
from apps.compliance.selectors.work_subjects import SOURCES
from apps.compliance.services import alerts as alert_services
from apps.compliance.services import work_items as services
from apps.compliance.services.due_diligence import diligence_do
from apps.compliance.services.kyc_decisions import (
    kyc_confirm_decision,
    kyc_propose_decision,
    kyc_withdraw_decision,
)
from apps.compliance.services.overrides import override_propose as rating_override_propose
from apps.compliance.services.watchlist_overrides import (
    override_propose as import_override_propose,
)
from apps.compliance.services.work_escalations import work_page_escalate
from apps.compliance.services.work_locks import (
    work_lock_release,
    work_lock_require,
    work_lock_take,
)
from apps.core.errors import Conflict, DomainError, InvalidInput, NotFound, NotPermitted
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance.alert_factories import make_alert, make_client, make_officer
from tests.compliance.factories import hit_decide, make_kyc
from tests.compliance.test_alerts import DECISION, in_threads
from tests.users.factories import make_user
from tests.users.world import make_lists, make_screening


def item_of(subject_id: UUID) -> WorkItem:
    services.work_items_sync()
    return WorkItem.objects.get(subject_id=subject_id, closed_at=None)


def make_hit(client: User, status: str = "IN_REVIEW") -> tuple[KycRecord, ScreeningHit]:
    record = make_kyc(client, status)
    make_lists(client)
    _, hit_id = make_screening(client, record)
    return record, ScreeningHit.objects.get(id=hit_id)


def test_every_kind_of_work_has_its_words_its_right_its_clock_and_its_source() -> None:
    assert set(WorkKind) == {*KIND_WORDS} == {*DECIDE} == {*SLA_HOURS} == {*SOURCES}
    for hours in SLA_HOURS.values():
        in_order = [hours[priority] for priority in sorted(hours)]
        assert all(sooner <= later for sooner, later in pairwise(in_order))


def test_deadline_counts_business_hours_only() -> None:
    friday_16 = datetime(2026, 10, 30, 20, tzinfo=UTC)  # 16:00 in New York, an hour before closing
    assert due_at(WorkKind.HIT, Priority.URGENT, friday_16) == datetime(2026, 11, 2, 17, tzinfo=UTC)
    assert soon_at(friday_16) == datetime(2026, 11, 2, 15, tzinfo=UTC)


def test_listed_name_is_never_as_little_urgent_as_the_rest() -> None:
    assert alert_priority("SCREENING", "LOW") == Priority.HIGH
    assert alert_priority("MONITORING", "") == Priority.NORMAL
    assert alert_priority("MONITORING", "PROHIBITED") == Priority.URGENT


@pytest.mark.django_db
def test_queue_follows_every_kind_of_subject() -> None:
    client = make_client()
    record, hit = make_hit(client)
    alert = make_alert(client)

    services.work_items_sync()
    services.work_items_sync()

    found = {
        (item.kind, item.client_id, item.proposed_by_id is not None)
        for item in WorkItem.objects.open()
    }
    assert found == {
        ("KYC", client.pk, False),
        ("HIT", client.pk, False),
        ("ALERT", client.pk, False),
        ("CASE", client.pk, False),
        ("THRESHOLD", None, True),
        ("OWN_LIST", None, True),
    }
    item = item_of(hit.id)
    assert (item.page_id, item.stream, item.topic) == (record.id, record.stream, "X")
    assert item_of(alert.id).due_at == alert.due_at

    ScreeningHit.objects.filter(id=hit.id).update(status="SUPERSEDED")
    services.work_items_sync()
    item.refresh_from_db()
    assert item.closed_at is not None


@pytest.mark.django_db
def test_item_of_a_client_whose_rating_rose_is_more_urgent_and_due_sooner() -> None:
    record = make_kyc(make_client(), "IN_REVIEW", "LOW")
    before = item_of(record.id)

    KycRecord.objects.filter(id=record.id).update(risk_rating="PROHIBITED")

    after = item_of(record.id)
    assert after.id == before.id
    assert (before.priority, after.priority) == (Priority.NORMAL, Priority.URGENT)
    assert after.due_at < before.due_at


@pytest.mark.django_db
def test_proposal_leaves_its_proposer_waits_for_another_and_returns_when_sent_back() -> None:
    first, second = make_officer(), make_officer()
    record = make_kyc(make_client(), "IN_REVIEW", "HIGH")
    services.work_item_assign(actor=first, item_id=item_of(record.id).id, assignee_id=first.pk)
    terms: dict[str, Any] = {
        "outcome": "REJECT",
        "reason_code": "UNVERIFIABLE",
        "evidence_version": 0,
    }
    decision = kyc_propose_decision(actor=first, record_id=record.id, **terms)

    item = item_of(record.id)
    assert (item.assignee, item.proposed_by) == (None, first)
    assert item.summary.startswith("Reject: ")
    assert list(WorkItem.objects.awaiting_second(first)) == []
    assert list(WorkItem.objects.awaiting_second(second)) == [item]
    assert services.work_take_next(actor=first) is None
    with pytest.raises(InvalidInput):
        services.work_item_assign(actor=first, item_id=item.id, assignee_id=first.pk)

    kyc_withdraw_decision(actor=second, decision_id=decision.id)
    item = item_of(record.id)
    assert (item.assignee, item.proposed_by) == (first, None)

    decision = kyc_propose_decision(actor=first, record_id=record.id, **terms)
    assert services.work_item_sync(kind=WorkKind.KYC, subject_id=record.id) == item
    taken = services.work_take_next(actor=second)
    assert taken == item
    kyc_confirm_decision(actor=second, decision_id=decision.id, evidence_version=0)
    assert services.work_item_sync(kind=WorkKind.KYC, subject_id=record.id) is None


@pytest.mark.django_db
def test_next_is_by_priority_then_deadline_and_brings_what_is_on_the_same_page() -> None:
    officer = make_officer()
    routine = make_alert()
    record, hit = make_hit(make_client())
    ScreeningHit.objects.filter(id=hit.id).update(score=Decimal("0.95"))
    listed = make_alert(kind="SCREENING", scenario_code="WATCHLIST")
    services.work_items_sync()
    WorkItem.objects.filter(kind__in=("CASE", "THRESHOLD", "OWN_LIST")).delete()

    taken = [services.work_take_next(actor=officer) for _ in range(4)]

    assert [item.subject_id if item else None for item in taken] == [
        hit.id,
        listed.id,
        routine.id,
        None,
    ]
    mine = WorkItem.objects.filter(assignee=officer).values_list("subject_id", flat=True)
    assert set(mine) == {hit.id, record.id, listed.id, routine.id}
    event = AuditEvent.objects.stream(routine.stream).last()
    assert event is not None
    assert (event.name, event.payload["assignee_id"]) == (
        "compliance.work.assigned",
        str(officer.pk),
    )


@pytest.mark.django_db
def test_next_gives_nobody_what_is_about_them_or_what_they_may_not_decide() -> None:
    officer = make_officer()
    make_alert(officer)
    services.work_items_sync()

    assert services.work_take_next(actor=officer) is None
    for actor in (make_officer(Role.AUDITOR), make_officer(Role.OPERATIONS), make_client()):
        with pytest.raises(NotPermitted):
            services.work_take_next(actor=actor)
    assert not WorkItem.objects.exclude(assignee=None).exists()


@pytest.mark.django_db
def test_assign_to_others_needs_a_supervisor_and_somebody_who_may_decide() -> None:
    officer, other = make_officer(), make_officer()
    supervisor = make_officer(Role.COMPLIANCE_SUPERVISOR)
    item = item_of(make_alert().id)

    def give(actor: User, assignee: UUID | None) -> WorkItem:
        return services.work_item_assign(actor=actor, item_id=item.id, assignee_id=assignee)

    with pytest.raises(NotPermitted):
        give(officer, other.pk)
    for nobody in (make_client().pk, make_officer(Role.AUDITOR).pk, uuid4()):
        with pytest.raises(InvalidInput):
            give(supervisor, nobody)
    assert give(supervisor, officer.pk).assignee == officer
    give(supervisor, officer.pk)
    with pytest.raises(NotPermitted):
        give(other, other.pk)
    with pytest.raises(NotPermitted):
        give(other, None)
    give(officer, None)
    assert AuditEvent.objects.filter(name="compliance.work.assigned").count() == 2
    WorkItem.objects.filter(id=item.id).update(closed_at=timezone.now())
    with pytest.raises(Conflict):
        give(officer, officer.pk)
    with pytest.raises(NotFound):
        services.work_item_assign(actor=officer, item_id=uuid4(), assignee_id=officer.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("whose", ["proposed_by", "client"])
def test_item_in_the_wrong_hands_is_refused_by_the_database(whose: str) -> None:
    officer = make_officer()
    item = item_of(make_alert().id)
    change = {whose: officer, "assignee": officer}
    if whose == "proposed_by":
        change["proposed_at"] = timezone.now()  # type: ignore[assignment]
    with pytest.raises(IntegrityError, match="work_item"), transaction.atomic():
        WorkItem.objects.filter(id=item.id).update(**change)


@pytest.mark.django_db(transaction=True)
def test_fifty_officers_who_press_next_at_once_get_fifty_pages() -> None:
    for _ in range(12):
        make_alert()
    services.work_items_sync()
    officers = [make_officer() for _ in range(10)]

    def press(officer: User) -> Callable[[], object]:
        return lambda: [services.work_take_next(actor=officer) for _ in range(5)]

    results = in_threads(*(press(officer) for officer in officers))

    taken = [item for result in results if isinstance(result, list) for item in result if item]
    assert len(taken) == len({item.subject_id for item in taken}) == 12


@pytest.mark.django_db
def test_lock_holds_until_it_ends_and_is_enforced_where_decisions_are_taken() -> None:
    first, second = make_officer(), make_officer()
    record, hit = make_hit(make_client())
    lock = work_lock_take(actor=first, page_id=record.id)
    assert timezone.now() < lock.until <= timezone.now() + timedelta(minutes=5)

    assert work_lock_take(actor=second, page_id=record.id).officer == first
    before = KycRecord.objects.filter(id=record.id).values().get()
    refused: list[Callable[[], object]] = [
        lambda: hit_decide(second, hit),
        lambda: kyc_propose_decision(
            actor=second,
            record_id=record.id,
            outcome="REJECT",
            reason_code="OUTSIDE_APPETITE",
            evidence_version=record.evidence_version,
        ),
        lambda: work_lock_require(actor=second, page_id=record.id),
    ]
    for attempt in refused:
        with pytest.raises(DomainError) as refusal:
            attempt()
        assert refusal.value.code == "work_locked"
    assert KycRecord.objects.filter(id=record.id).values().get() == before

    work_lock_release(actor=second, page_id=record.id)
    assert work_lock_take(actor=second, page_id=record.id).officer == first
    WorkLock.objects.update(until=timezone.now())
    assert work_lock_take(actor=second, page_id=record.id).officer == second
    with pytest.raises(Conflict):
        hit_decide(first, hit)
    hit_decide(second, hit)
    work_lock_release(actor=second, page_id=record.id)
    assert work_lock_take(actor=first, page_id=record.id).officer == first
    own = item_of(make_alert(second).id)
    with pytest.raises(NotPermitted):
        work_lock_take(actor=second, page_id=own.page_id)


@pytest.mark.django_db(transaction=True)
def test_two_officers_who_open_a_page_at_once_are_one_that_holds_it() -> None:
    page_id, officers = uuid4(), [make_officer() for _ in range(6)]

    def opened(officer: User) -> Callable[[], object]:
        return lambda: work_lock_take(actor=officer, page_id=page_id)

    locks = in_threads(*(opened(officer) for officer in officers))

    assert len({lock.officer_id for lock in locks if isinstance(lock, WorkLock)}) == 1
    assert len(locks) == 6


@pytest.mark.django_db
def test_proposed_alert_is_free_for_the_second_officer_at_once() -> None:
    first, second = make_officer(), make_officer()
    alert = make_alert()
    work_lock_take(actor=first, page_id=alert.id)
    alert_services.alert_propose(actor=first, alert_id=alert.id, **DECISION)
    assert alert_services.alert_confirm(actor=second, alert_id=alert.id).status == "CLOSED"
    assert Alert.objects.get().confirmed_by == second


@pytest.mark.django_db
def test_page_that_an_officer_escalates_is_a_supervisors_from_then_on() -> None:
    officer, other = make_officer(), make_officer()
    supervisor = make_user(Role.COMPLIANCE_SUPERVISOR)
    alert = make_alert(make_client())
    item = item_of(alert.id)
    services.work_item_assign(actor=officer, item_id=item.id, assignee_id=officer.pk)
    asked: dict[str, Any] = {"page_id": item.page_id, "reason": "Qxreason: the client is a judge"}
    with pytest.raises(NotPermitted):
        work_page_escalate(actor=make_client(), **asked)
    with pytest.raises(InvalidInput):
        work_page_escalate(actor=officer, **{**asked, "reason": " "})
    work_lock_take(actor=other, page_id=item.page_id)
    with pytest.raises(Conflict):
        work_page_escalate(actor=officer, **asked)
    work_lock_release(actor=other, page_id=item.page_id)
    item.refresh_from_db()
    assert (item.assignee, item.escalated_at) == (officer, None)

    assert work_page_escalate(actor=officer, **asked) == 1

    item.refresh_from_db()
    assert (item.assignee, item.escalated_by, item.escalation) == (None, officer, asked["reason"])
    event = AuditEvent.objects.get(name="compliance.work.escalated")
    assert "Qxreason" not in str(event.payload)
    with pytest.raises(Conflict):
        work_page_escalate(actor=other, **asked)
    assert services.work_take_next(actor=other) is None
    with pytest.raises(NotPermitted):
        services.work_item_assign(actor=other, item_id=item.id, assignee_id=other.pk)
    with pytest.raises(NotPermitted):
        work_lock_take(actor=other, page_id=item.page_id)
    with pytest.raises(Conflict) as refusal:
        alert_services.alert_propose(actor=officer, alert_id=alert.id, **DECISION)
    assert refusal.value.code == "work_escalated"
    assert Alert.objects.get().status == "OPEN"
    assert services.page_opened(other, item.page_id, is_open=True)["barred"]
    taken = services.work_take_next(actor=supervisor)
    assert taken is not None
    assert taken.assignee == supervisor


@pytest.mark.django_db
def test_supervisor_answers_by_a_proposal_or_by_giving_the_item_to_an_officer() -> None:
    officer, other = make_officer(), make_officer()
    supervisor = make_user(Role.COMPLIANCE_SUPERVISOR)
    for name in ("proposed", "given"):
        alert = make_alert(make_client())
        item = item_of(alert.id)
        work_page_escalate(actor=officer, page_id=item.page_id, reason="Not alone")
        assert set(WorkItem.objects.escalated()) == {item}, name
        if name == "given":
            services.work_item_assign(actor=supervisor, item_id=item.id, assignee_id=other.pk)
            alert_services.alert_propose(actor=other, alert_id=alert.id, **DECISION)
        else:
            alert_services.alert_propose(actor=supervisor, alert_id=alert.id, **DECISION)
            item = item_of(alert.id)
        assert not WorkItem.objects.escalated().exists(), name
        assert alert_services.alert_confirm(actor=officer, alert_id=alert.id).status == "CLOSED"
    work = item_of(make_alert(make_client()).id)
    for _ in range(2):
        work_page_escalate(actor=officer, page_id=work.page_id, reason="Once more")
        services.work_item_assign(actor=supervisor, item_id=work.id, assignee_id=officer.pk)
    assert AuditEvent.objects.filter(name="compliance.work.escalated").count() == 4


@pytest.mark.django_db
def test_work_that_another_officer_has_open_is_refused_for_every_kind_of_proposal() -> None:
    officer, other = make_officer(), make_officer()
    record = make_kyc(make_client(), "IN_REVIEW", "HIGH")
    attempt = WatchlistImport.objects.create(
        list_code="UN",
        status="REFUSED",
        code="watchlist_shrunk",
        checksum="0" * 64,
        ended_at=timezone.now(),
    )
    for page_id in (record.id, attempt.id):
        work_lock_take(actor=other, page_id=page_id)
    terms: dict[str, Any] = {"record_id": record.id, "evidence_version": 0, "note": "x"}
    refused: list[Callable[[], Any]] = [
        lambda: rating_override_propose(
            actor=officer, rating="LOW", reason_code="x", inputs_hash="", **terms
        ),
        lambda: diligence_do(actor=officer, code="PURPOSE", **terms),
        lambda: import_override_propose(actor=officer, import_id=attempt.id, reason="x"),
    ]

    for act in refused:
        with pytest.raises(Conflict) as conflict:
            act()
        assert conflict.value.code == "work_locked"
    assert not record.overrides.exists()
    attempt.refresh_from_db()
    assert attempt.override_proposed_by is None


@pytest.mark.django_db
def test_rating_override_waits_in_the_queue_for_another_officer() -> None:
    officer, other = make_officer(), make_officer()
    record = make_kyc(make_client(), "IN_REVIEW", "HIGH")
    KycRecord.objects.filter(id=record.id).update(computed_rating="HIGH", risk_inputs_hash="x")
    made = rating_override_propose(
        actor=officer,
        record_id=record.id,
        rating="MEDIUM",
        reason_code=next(iter(OVERRIDE_REASONS)),
        note="x",
        inputs_hash="x",
        evidence_version=0,
    )

    item = item_of(made.id)
    assert (item.kind, item.page_id, item.proposed_by) == ("OVERRIDE", record.id, officer)
    assert item.due_at > item.opened_at
    assert item in WorkItem.objects.awaiting_second(other)
