"""What a list change touches is found through the delta, and the delta finds what all would."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.audit.models import AuditEvent
from apps.audit.services import outbox_deliver
from apps.compliance.domain.matching import MATCHER_VERSION, Subject
from apps.compliance.models import (
    Alert,
    KycRecord,
    KycStep,
    OperationsAlert,
    ScreenedClient,
    ScreeningHit,
    ScreeningRun,
)
from apps.compliance.providers.own import OwnEntries, entity_of
from apps.compliance.selectors.screening import (
    candidates_of,
    subject_as_json,
    subject_from_json,
    versions_in_force,
)
from apps.compliance.services import rescreening
from apps.compliance.services.rescreening import clients_check, clients_rescreen, night_begun
from apps.compliance.services.screening import pairs_found, screening_run
from apps.compliance.services.watchlists import provider_import
from apps.notifications.models import Notification
from apps.users.domain.roles import Role
from tests.compliance.factories import fill_kyc, hit_decide, make_kyc, put_kyc
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db
NAMES = (
    *("Viktor Brantov", "Viktor Brantau", "Victor Brandt", "Leila Kardashian", "Leyla Qardashian"),
    *("Ignacio Solvanez", "Dmitri Marchenkov", "Dmitry Marchenkoff", "Ada Lovelace"),
)
BIRTHS = ("", "1970-01-30", "1970", "1985")


def listed(**entries: str) -> None:
    """Bring the list to these names by id; `name|birth date` where there is one."""
    cells = (
        {
            "uid": uid,
            "kind": "PERSON",
            "name": text.split("|")[0],
            "birth_dates": text[text.find("|") + 1 :],
        }
        if "|" in text
        else {"uid": uid, "kind": "PERSON", "name": text}
        for uid, text in entries.items()
    )
    provider_import(
        actor=None, provider=OwnEntries(map(entity_of, cells)), list_code="OWN", is_vetted=True
    )


def screened(name: str, born: str = "1970-01-30", status: str = "APPROVED") -> KycRecord:
    """Return a client of the firm who was screened as that person with the lists in force."""
    record = make_kyc(make_user(), status=status)
    subject = Subject("PERSON", (name,), (born,) if born else (), ("GB",))
    ScreenedClient.objects.create(
        record=record,
        subject=subject_as_json(subject),
        list_versions={},
        matcher_version=MATCHER_VERSION,
        checked_at=timezone.now(),
    )
    return record


@pytest.fixture(autouse=True)
def _answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients who answered nothing be rated."""
    for module in ("screening", "hits"):
        monkeypatch.setattr(f"apps.compliance.services.{module}.record_rate", lambda _: None)


def statuses(record: KycRecord) -> list[str]:
    hits = ScreeningHit.objects.filter(record=record).order_by("created_at")
    return [str(hit.status) for hit in hits]


def test_list_change_screens_whom_it_can_touch_and_only_marks_the_others() -> None:
    listed(a="Nobody Inparticular")
    touched, others = screened("Viktor Brantov"), [screened("Ada Lovelace") for _ in range(3)]
    assert clients_rescreen() == 4
    assert clients_rescreen() == 0

    listed(a="Nobody Inparticular", b="Victor Brantov")

    assert clients_rescreen() == 4
    assert clients_rescreen() == 0
    assert statuses(touched) == ["OPEN"]
    touched.refresh_from_db()
    assert touched.status == "UNDER_REVIEW"
    assert ScreeningRun.objects.filter(record__in=others).count() == 0
    event = AuditEvent.objects.filter(name="compliance.clients.rescreened").latest("sequence")
    assert event.payload["touched"] == [str(touched.id)]
    assert event.payload["client_count"] == 4


def test_list_change_costs_the_same_queries_for_many_untouched_clients() -> None:
    listed(a="Viktor Brantov")

    def queries(count: int) -> int:
        for number in range(count):
            screened(f"Ada Lovelace {number}")
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert clients_rescreen() == count
        return len(captured)

    queries(1)
    assert queries(12) <= queries(2)


def test_entry_removed_closes_its_undecided_hit_and_keeps_which_run_did() -> None:
    listed(a="Viktor Brantov")
    record = screened("Viktor Brantov")
    clients_rescreen()
    assert statuses(record) == ["OPEN"]

    listed(b="Leila Kardashian")
    clients_rescreen()

    hit = ScreeningHit.objects.get(record=record)
    assert hit.status == "SUPERSEDED"
    assert hit.superseded_in is not None
    assert hit.superseded_in.trigger == "LIST_CHANGE"
    event = AuditEvent.objects.get(name="compliance.hits.superseded")
    assert event.payload["hit_ids"] == [str(hit.id)]


def test_entry_changed_replaces_its_hit_and_back_again_raises_it_again() -> None:
    listed(a="Viktor Brantov")
    record = screened("Viktor Brantov")
    clients_rescreen()
    listed(a="Viktor Brantov|1970-01-30")
    clients_rescreen()
    assert statuses(record) == ["SUPERSEDED", "OPEN"]

    listed(a="Viktor Brantov")
    clients_rescreen()

    assert statuses(record) == ["SUPERSEDED", "SUPERSEDED", "OPEN"]
    assert Alert.objects.get().evidence.count() == 3


def test_true_match_whose_entry_left_the_list_stays_and_is_told() -> None:
    listed(a="Viktor Brantov")
    record = screened("Viktor Brantov")
    clients_rescreen()
    hit = ScreeningHit.objects.get()
    officer = make_user(Role.COMPLIANCE_OFFICER)
    hit_decide(officer, hit, "TRUE_MATCH")

    listed(b="Leila Kardashian")
    clients_rescreen()

    record.refresh_from_db()
    assert (statuses(record), record.status) == (["TRUE_MATCH"], "SUSPENDED")
    alert = Alert.objects.get(scenario_code="DELISTED")
    assert alert.evidence.get().facts["entry"] == "a"


def test_cleared_pair_stays_cleared_while_neither_side_changes() -> None:
    listed(a="Viktor Brantov")
    record = screened("Viktor Brantov")
    clients_rescreen()
    officer = make_user(Role.COMPLIANCE_OFFICER)
    hit = ScreeningHit.objects.get()
    hit_decide(officer, hit)

    listed(a="Viktor Brantov", b="Victor Brantov")
    clients_rescreen()

    assert statuses(record) == ["FALSE_POSITIVE", "OPEN"]


def test_rescreening_cut_off_between_clients_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    listed(a="Viktor Brantov")
    records = [screened("Viktor Brantov") for _ in range(3)]
    real: Callable[..., Any] = screening_run
    calls: list[Any] = []

    def cut(**asked: Any) -> Any:
        calls.append(asked["record_id"])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(**asked)

    monkeypatch.setattr(rescreening, "screening_run", cut)
    with pytest.raises(KeyboardInterrupt):
        clients_rescreen()
    clients_rescreen()

    assert sorted(statuses(record) for record in records) == [["OPEN"]] * 3


def test_client_who_cannot_be_screened_stops_nobody_and_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed(a="Viktor Brantov")
    poison, other = sorted((screened("Viktor Brantov") for _ in range(2)), key=lambda one: one.id)
    real: Callable[..., Any] = screening_run

    def run(**asked: Any) -> Any:
        if asked["record_id"] == poison.id:
            raise ValueError("broken")
        return real(**asked)

    monkeypatch.setattr(rescreening, "screening_run", run)
    clients_rescreen()

    assert (statuses(poison), statuses(other)) == ([], ["OPEN"])
    assert OperationsAlert.objects.get().kind == "RESCREENING_FAILED"
    monkeypatch.undo()
    for module in ("screening", "hits"):
        monkeypatch.setattr(f"apps.compliance.services.{module}.record_rate", lambda _: None)
    clients_rescreen()
    assert statuses(poison) == ["OPEN"]


def test_nightly_check_finds_what_nobody_was_told_of_mends_it_and_alerts() -> None:
    operations = make_user(Role.OPERATIONS)
    listed(a="Viktor Brantov")
    record, fine = screened("Viktor Brantov"), screened("Ada Lovelace")
    # As if the delta had missed both.
    ScreenedClient.objects.update(
        list_versions=versions_in_force(), checked_at=timezone.now() - timedelta(days=2)
    )

    assert clients_check(since=night_begun()) == 2
    assert clients_check(since=night_begun()) == 0

    assert (statuses(record), statuses(fine)) == (["OPEN"], [])
    assert ScreeningRun.objects.get().trigger == "NIGHTLY"
    alert = OperationsAlert.objects.get()
    assert alert.facts["records"] == [str(record.id)]
    outbox_deliver(context="notifications")
    assert Notification.objects.get(user=operations).body_code == "operations_alert"


def test_nightly_check_that_agrees_alerts_nobody() -> None:
    listed(a="Viktor Brantov")
    screened("Viktor Brantov")
    clients_rescreen()
    ScreenedClient.objects.update(checked_at=timezone.now() - timedelta(days=2))

    assert clients_check(since=night_begun()) == 1
    assert not OperationsAlert.objects.exists()


def test_matcher_of_another_version_screens_everybody_in_full() -> None:
    listed(a="Viktor Brantov")
    record = screened("Viktor Brantov")
    ScreenedClient.objects.update(list_versions=versions_in_force(), matcher_version="older")

    assert clients_rescreen() == 1

    assert statuses(record) == ["OPEN"]
    assert ScreenedClient.objects.get().matcher_version == MATCHER_VERSION


def test_answers_changed_after_approval_are_screened_at_once() -> None:
    client = make_user()
    record = fill_kyc(client)
    put_kyc(record, "APPROVED", risk_rating="LOW")
    listed(a="Viktor Brantov")
    screening_run(record_id=record.id, trigger="CLIENT_CHANGE")
    assert statuses(record) == []
    step = KycStep.objects.get(record=record, step="personal")
    step.answers = step.answers.replace("Ada", "Viktor").replace("Lovelace", "Brantov")
    step.version += 1
    step.save()

    run = rescreening.client_screen(record_id=record.id)

    assert run is not None
    assert (run.trigger, statuses(record)) == ("CLIENT_CHANGE", ["OPEN"])
    assert rescreening.client_screen(record_id=record.id) is None


entry = st.one_of(
    st.none(), st.tuples(st.sampled_from(NAMES), st.sampled_from(BIRTHS)).map("|".join)
)
change = st.fixed_dictionaries(dict.fromkeys("abcd", entry))


class DeltaEqualsFull(TestCase):
    """After any changes of a list the delta left everybody as a full screening would."""

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(changes=st.lists(change, min_size=2, max_size=4))
    def test_delta_of_any_changes_finds_what_a_full_screening_finds(
        self, changes: list[dict[str, str | None]]
    ) -> None:
        records = [screened(name) for name in NAMES[:6:2]]
        for after in changes:
            listed(**{uid: text.rstrip("|") for uid, text in after.items() if text})
            clients_rescreen()
        for record in records:
            subject = subject_from_json(ScreenedClient.objects.get(record=record).subject)
            full = pairs_found(subject, candidates_of(subject), record.risk_rating)
            open_hits = ScreeningHit.objects.filter(record=record, status="OPEN")
            assert set(open_hits.values_list("pair_hash", flat=True)) == set(full)
