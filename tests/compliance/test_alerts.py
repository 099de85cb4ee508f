"""Alerts: raised once, closed by two officers, nothing changed by who may not."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.compliance.domain.alerts import (
    REASONS,
    TRANSITIONS,
    AlertKind,
    AlertStatus,
    AlertTrigger,
    check_disposition,
    next_status,
)
from apps.compliance.models import Alert, AlertEvidence, AlertNote, WorkLock
from apps.compliance.services import alerts as services
from apps.compliance.services.work_locks import work_lock_take
from apps.core.errors import (
    Conflict,
    DomainError,
    IllegalTransition,
    InvalidInput,
    NotFound,
    NotPermitted,
    Refused,
)
from apps.users.models import User
from tests.compliance.alert_factories import make_alert, make_client, make_officer, make_proposed

pytestmark = pytest.mark.django_db


def names(alert: Alert) -> list[str]:
    return [row.name for row in AuditEvent.objects.stream(alert.stream)]


def snapshot(alert: Alert) -> list[object]:
    """Everything about the alerts that a refused command must leave as it was."""
    return [
        Alert.objects.filter(pk=alert.pk).values().get(),
        AuditEvent.objects.filter(name__startswith="compliance").count(),
        AlertEvidence.objects.count(),
        AlertNote.objects.count(),
    ]


PAIRS = [(status, trigger) for status in AlertStatus for trigger in AlertTrigger]


@pytest.mark.parametrize(("status", "trigger"), [p for p in PAIRS if p not in TRANSITIONS])
def test_alert_transition_outside_the_table_is_refused(
    status: AlertStatus, trigger: AlertTrigger
) -> None:
    with pytest.raises(IllegalTransition):
        next_status(status, trigger)


@pytest.mark.parametrize("kind", list(AlertKind))
def test_disposition_of_the_other_kind_is_refused(kind: AlertKind) -> None:
    (other,) = set(AlertKind) - {kind}
    for disposition, reasons in REASONS[other].items():
        with pytest.raises(Refused, match="disposition"):
            check_disposition(kind, disposition, reasons[0])


def test_alert_raise_first_time_opens_with_evidence_and_deadline() -> None:
    start = datetime(2026, 1, 5, tzinfo=UTC)
    alert = make_alert(
        parameters={"count": 3},
        explanation=[{"name": "deposits", "measured": "3", "threshold": "3"}],
        window=(start, start + timedelta(hours=24)),
        scenario_version=4,
    )

    alert.refresh_from_db()
    assert alert.status == Alert.Status.OPEN
    assert (alert.scenario_version, alert.score) == (4, Decimal("0.7500"))
    assert timedelta(hours=24) < alert.due_at - alert.created_at < timedelta(days=7)
    assert (alert.window_start, alert.window_end) == (start, start + timedelta(hours=24))
    assert [row.facts for row in alert.evidence.all()] == [{"amount": "9000.00"}]
    (event,) = AuditEvent.objects.stream(alert.stream)
    assert event.name == "compliance.alert.raised"
    assert event.payload["references"] == ["t-1"]


def test_alert_raise_same_evidence_again_changes_nothing() -> None:
    alert = make_alert()
    before = snapshot(alert)

    again = make_alert(Alert.objects.get().client)

    assert again.id == alert.id
    assert snapshot(alert) == before


def test_alert_raise_new_evidence_joins_the_open_alert() -> None:
    client = make_client()
    alert = make_alert(client)

    make_alert(client, score=Decimal("0.9"), evidence=[{"reference": "t-1"}, {"reference": "t-2"}])

    alert.refresh_from_db()
    assert Alert.objects.count() == 1
    assert alert.score == Decimal("0.9")
    assert [row.reference for row in alert.evidence.all()] == ["t-1", "t-2"]
    assert names(alert) == ["compliance.alert.raised", "compliance.alert.evidence_added"]


def test_alert_raise_other_scope_opens_another() -> None:
    client = make_client()
    make_alert(client, dedup_key="USD")
    make_alert(client, dedup_key="EUR")
    assert Alert.objects.count() == 2


def test_alert_raise_new_evidence_withdraws_the_proposal() -> None:
    alert = make_proposed(make_officer(), client=(client := make_client()))

    make_alert(client, evidence=[{"reference": "t-2"}])

    alert.refresh_from_db()
    assert (alert.status, alert.disposition, alert.proposed_by) == ("OPEN", "", None)
    last = AuditEvent.objects.stream(alert.stream).last()
    assert last is not None
    assert last.payload["proposal_withdrawn"] is True


def test_alert_raise_evidence_of_a_closed_alert_raises_nothing_but_new_evidence_does() -> None:
    client = make_client()
    alert = make_proposed(make_officer(), client=client)
    services.alert_confirm(actor=make_officer(), alert_id=alert.id)

    assert make_alert(client).id == alert.id
    assert Alert.objects.count() == 1

    newer = make_alert(client, evidence=[{"reference": "t-1"}, {"reference": "t-2"}])
    assert newer.id != alert.id
    assert newer.evidence.count() == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"evidence": []},
        {"evidence": [{"kind": "DEPOSIT"}]},
        {"score": Decimal("1.1")},
        {"score": Decimal("NaN")},
        {"score": 0.5},
    ],
)
def test_alert_raise_with_bad_input_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        make_alert(**fields)
    assert not Alert.objects.exists()
    assert not AuditEvent.objects.filter(name__startswith="compliance").exists()


def test_alert_closed_by_two_officers_keeps_both_and_the_reason() -> None:
    first, second = make_officer(), make_officer()
    alert = make_proposed(first)

    services.alert_confirm(actor=second, alert_id=alert.id)

    alert.refresh_from_db()
    assert (alert.status, alert.proposed_by, alert.confirmed_by) == ("CLOSED", first, second)
    assert names(alert)[-2:] == ["compliance.alert.proposed", "compliance.alert.decided"]
    event = AuditEvent.objects.stream(alert.stream).last()
    assert event is not None
    assert event.payload["reason_code"] == "ONE_OFF"
    assert "car" not in str(event.payload)


def test_alert_confirm_by_the_proposer_is_refused_and_changes_nothing() -> None:
    officer = make_officer()
    alert = make_proposed(officer)
    before = snapshot(alert)

    with pytest.raises(NotPermitted) as refusal:
        services.alert_confirm(actor=officer, alert_id=alert.id)

    assert refusal.value.code == "four_eyes"
    assert snapshot(alert) == before


def test_alert_same_officer_twice_is_refused_by_the_database_too() -> None:
    officer = make_officer()
    alert = make_proposed(officer)

    with pytest.raises(IntegrityError, match="four_eyes"), transaction.atomic():
        Alert.objects.filter(pk=alert.pk).update(
            status="CLOSED", confirmed_by=officer, decided_at=timezone.now()
        )


@pytest.mark.parametrize(
    "change",
    [
        {"status": "CLOSED"},
        {"status": "PROPOSED"},
        {"status": "ODD"},
        {"disposition": "TRUE_MATCH"},
        {"score": 2},
        {"kind": "ODD"},
    ],
)
def test_alert_row_that_breaks_a_rule_is_refused_by_the_database(change: dict[str, Any]) -> None:
    alert = make_alert()
    with pytest.raises(IntegrityError), transaction.atomic():
        Alert.objects.filter(pk=alert.pk).update(**change)


def test_second_open_alert_in_one_scope_is_refused_by_the_database() -> None:
    alert = make_alert()
    alert.pk = uuid4()
    with pytest.raises(IntegrityError, match="one_open_alert"), transaction.atomic():
        alert.save(force_insert=True)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE compliance_alertevidence SET reference = 'x'",
        "DELETE FROM compliance_alertevidence",
        "UPDATE compliance_alertnote SET text = 'x'",
        "DELETE FROM compliance_alert",
        "UPDATE compliance_alert SET note = 'x'",
    ],
)
def test_what_was_decided_is_not_changed_by_sql(statement: str) -> None:
    alert = make_proposed(make_officer())
    services.alert_confirm(actor=make_officer(), alert_id=alert.id)

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_alert_reject_proposal_reopens_it_and_keeps_both_notes() -> None:
    alert = make_proposed(make_officer())

    services.alert_reject_proposal(
        actor=make_officer(), alert_id=alert.id, note="Contract is missing."
    )

    alert.refresh_from_db()
    assert (alert.status, alert.reason_code, alert.note) == ("OPEN", "", "")
    assert alert.notes.count() == 2


def act(command: Callable[..., object], **extra: str) -> Callable[[User, Alert], object]:
    return lambda actor, alert: command(actor=actor, alert_id=alert.id, **extra)


DECISION = {"disposition": "NOT_SUSPICIOUS", "reason_code": "ONE_OFF", "note": "Seen."}
COMMANDS: dict[str, Callable[[User, Alert], object]] = {
    "propose": act(services.alert_propose, **DECISION),
    "confirm": act(services.alert_confirm),
    "reject": act(services.alert_reject_proposal, note="No."),
    "note": act(services.alert_note, note="Called."),
    "view": act(services.alert_view),
    "export": lambda actor, alert: services.alert_export_record(actor=actor, alert_ids=[alert.id]),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_alert_command_by_a_client_is_denied_and_changes_nothing(name: str) -> None:
    alert = make_alert()
    before = snapshot(alert)

    with pytest.raises(NotPermitted):
        COMMANDS[name](make_client(), alert)

    assert snapshot(alert) == before


@pytest.mark.parametrize("name", ["propose", "note"])
def test_alert_about_the_officer_is_not_theirs_to_decide(name: str) -> None:
    officer = make_officer()
    alert = make_alert(officer)
    before = snapshot(alert)
    with pytest.raises(NotPermitted, match="themselves"):
        COMMANDS[name](officer, alert)
    assert snapshot(alert) == before


@pytest.mark.parametrize("name", ["propose", "note"])
def test_alert_open_at_another_officer_is_locked_until_the_hold_expires(name: str) -> None:
    first, second = make_officer(), make_officer()
    alert = make_alert()
    work_lock_take(actor=first, page_id=alert.id)
    before = snapshot(alert)

    with pytest.raises(Conflict) as refusal:
        COMMANDS[name](second, alert)
    assert refusal.value.code == "work_locked"
    assert snapshot(alert) == before

    WorkLock.objects.filter(page_id=alert.pk).update(until=timezone.now())
    COMMANDS[name](second, alert)


@pytest.mark.parametrize("name", ["propose", "confirm", "reject", "note"])
def test_closed_alert_takes_no_command(name: str) -> None:
    alert = make_proposed(make_officer())
    services.alert_confirm(actor=make_officer(), alert_id=alert.id)
    with pytest.raises(Conflict):
        COMMANDS[name](make_officer(), alert)


@pytest.mark.parametrize(
    "change",
    [
        {"disposition": "TRUE_MATCH"},
        {"disposition": "ODD"},
        {"reason_code": "PATTERN_UNEXPLAINED"},
        {"note": "  "},
        {"note": "x" * 4001},
    ],
)
def test_alert_propose_with_bad_input_changes_nothing(change: dict[str, str]) -> None:
    alert = make_alert()
    before = snapshot(alert)
    with pytest.raises(InvalidInput if "note" in change else Refused):
        services.alert_propose(actor=make_officer(), alert_id=alert.id, **{**DECISION, **change})
    assert snapshot(alert) == before


def test_alert_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(NotFound):
        services.alert_confirm(actor=make_officer(), alert_id=uuid4())


def in_threads(*calls: Callable[[], object]) -> list[object]:
    def run(call: Callable[[], object]) -> object:
        try:
            return call()
        except DomainError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.django_db(transaction=True)
def test_two_officers_who_confirm_at_once_close_it_once() -> None:
    alert = make_proposed(make_officer())
    officers = [make_officer(), make_officer()]

    results = in_threads(
        *(
            lambda officer=officer: services.alert_confirm(actor=officer, alert_id=alert.id)
            for officer in officers
        )
    )

    assert sum(isinstance(result, Alert) for result in results) == 1
    assert sum(isinstance(result, IllegalTransition) for result in results) == 1
    assert names(alert).count("compliance.alert.decided") == 1


@pytest.mark.django_db(transaction=True)
def test_alert_raised_at_once_is_one_alert() -> None:
    client = make_client()

    results = in_threads(
        *(
            lambda number=number: make_alert(client, evidence=[{"reference": f"t-{number}"}])
            for number in range(6)
        )
    )

    assert len({result.id for result in results if isinstance(result, Alert)}) == 1
    assert AlertEvidence.objects.count() == 6
