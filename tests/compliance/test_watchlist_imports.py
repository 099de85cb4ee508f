"""Sources that are fetched, files that shrank, imports that were cut off."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.compliance.models import (
    OperationsAlert,
    WatchlistEntity,
    WatchlistImport,
    WatchlistName,
    WatchlistSource,
    WatchlistVersion,
)
from apps.compliance.providers.own import OwnEntries, entity_of
from apps.compliance.selectors.watchlists import import_progress, version_diff, version_uids
from apps.compliance.services import watchlist_sources, watchlists
from apps.compliance.services.operations_alerts import operations_alert_acknowledge
from apps.compliance.services.watchlist_overrides import override_confirm, override_propose
from apps.compliance.services.watchlist_sources import (
    source_activate,
    source_deactivate,
    source_refresh,
    source_save,
    sources_due,
)
from apps.compliance.services.watchlists import provider_import, watchlist_import
from apps.core.errors import Conflict, DomainError, InvalidInput, NotPermitted, Refused
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance.test_providers import FORMATS, LISTS
from tests.infrastructure.outbound_server import Receiver, receiving
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer() -> User:
    return make_user(Role.COMPLIANCE_OFFICER)


@pytest.fixture
def second() -> User:
    return make_user(Role.COMPLIANCE_OFFICER)


def people(count: int) -> OwnEntries:
    return OwnEntries(
        entity_of({"uid": f"p{n}", "kind": "PERSON", "name": f"Person {n}"}) for n in range(count)
    )


@pytest.mark.parametrize("name", FORMATS)
def test_import_of_every_format_makes_a_version_and_again_is_a_no_op(name: str) -> None:
    code = FORMATS[name][1] or "OFAC-SDN"

    version = watchlist_import(actor=None, path=LISTS / name, list_code=code)

    assert (version.list_code, version.format) == (code, FORMATS[name][0])
    assert (version.entity_count, version.added_count) == (2, 2)
    assert watchlist_import(actor=None, path=LISTS / name, list_code=code) == version
    newest, first = WatchlistImport.objects.all()
    assert (newest.status, first.status) == ("UNCHANGED", "IMPORTED")
    assert import_progress(first.id) == 100


def test_import_without_a_code_where_the_file_tells_none_asks_for_it() -> None:
    with pytest.raises(InvalidInput):
        watchlist_import(actor=None, path=LISTS / "sdn_advanced.xml")

    assert not WatchlistImport.objects.exists()


def test_import_by_newer_code_reads_the_same_file_again_and_keeps_the_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = watchlist_import(actor=None, path=LISTS / "un.xml")
    monkeypatch.setattr(watchlists, "READER_VERSION", "newer")

    again = watchlist_import(actor=None, path=LISTS / "un.xml")

    assert (again.id, again.reader) == (first.id, "newer")
    assert WatchlistVersion.objects.count() == 1


def test_change_is_shown_side_by_side(tmp_path: Path) -> None:
    watchlist_import(actor=None, path=LISTS / "un.xml")
    text = (LISTS / "un.xml").read_text().replace("1970-01-30", "1971-01-30")
    (tmp_path / "un.xml").write_text(text.replace("KPe.900", "KPe.901"))

    version = watchlist_import(actor=None, path=tmp_path / "un.xml")

    assert version_uids(version) == ["KPi.900", "KPe.900", "KPe.901"]
    changed, removed, added = version_diff(version, version_uids(version))
    assert [change.what for change in (changed, removed, added)] == ["CHANGED", "REMOVED", "ADDED"]
    (field,) = changed.fields
    assert (field.name, set(field.before) ^ set(field.after)) == (
        "birth_dates",
        {"1970-01-30", "1971-01-30"},
    )


def test_import_cut_off_changes_nothing_and_the_next_one_says_so() -> None:
    first = provider_import(actor=None, provider=people(3), list_code="OWN")

    class Cut(OwnEntries):
        def entities(self) -> Iterator[Any]:
            yield from list(super().entities())[:2]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        provider_import(actor=None, provider=Cut(people(5).entities()), list_code="OWN")
    assert WatchlistEntity.objects.filter(removed_in=None).count() == 3
    # What a killed process leaves: an attempt that runs for ever.
    left = WatchlistImport.objects.create(list_code="OWN")
    version = provider_import(actor=None, provider=people(5), list_code="OWN")

    left.refresh_from_db()
    assert (left.status, left.code) == ("ABORTED", "cut_off")
    assert (version.version, version.added_count) == (first.version + 1, 2)


def test_list_that_lost_too_much_comes_in_when_two_people_say_so(
    officer: User, second: User
) -> None:
    provider_import(actor=None, provider=people(300), list_code="OWN")
    small = people(200)
    with pytest.raises(Refused) as refusal:
        provider_import(actor=None, provider=small, list_code="OWN")
    assert refusal.value.code == "watchlist_shrunk"
    assert refusal.value.facts["limit"] == "30"
    attempt = WatchlistImport.objects.get(status="REFUSED")
    with pytest.raises(Conflict):
        override_confirm(actor=second, import_id=attempt.id)
    override_propose(actor=officer, import_id=attempt.id, reason="A country was delisted")
    with pytest.raises(NotPermitted) as denied:
        override_confirm(actor=officer, import_id=attempt.id)
    assert denied.value.code == "same_person"
    with pytest.raises(Refused):
        provider_import(actor=None, provider=small, list_code="OWN")

    override_confirm(actor=second, import_id=attempt.id)

    with pytest.raises(Refused):
        provider_import(actor=None, provider=people(150), list_code="OWN")
    assert provider_import(actor=None, provider=small, list_code="OWN").removed_count == 100


def test_older_file_comes_in_when_two_people_say_so(
    tmp_path: Path, officer: User, second: User
) -> None:
    (tmp_path / "un.xml").write_text((LISTS / "un.xml").read_text().replace("1970-01-30", "1970"))
    first = watchlist_import(actor=None, path=tmp_path / "un.xml")
    newer = watchlist_import(actor=None, path=LISTS / "un.xml")
    older = (LISTS / "un.xml").read_text().replace('"2026-11-20', '"2026-11-19')
    (tmp_path / "older.xml").write_text(older.replace("1970-01-30", "1971"))

    for path in (tmp_path / "un.xml", tmp_path / "older.xml"):
        with pytest.raises(Refused) as refusal:
            watchlist_import(actor=None, path=path)
        assert refusal.value.code == "watchlist_older"
        attempt = WatchlistImport.objects.filter(status="REFUSED")[0]
        override_propose(actor=officer, import_id=attempt.id, reason="They took it back")
        override_confirm(actor=second, import_id=attempt.id)

    assert OperationsAlert.objects.get().kind == "IMPORT_REFUSED"
    again = watchlist_import(actor=None, path=tmp_path / "un.xml")
    assert [one.version for one in (first, newer, again)] == [1, 2, 3]
    # Both words were given when version 2 was in force.
    with pytest.raises(Refused):
        watchlist_import(actor=None, path=tmp_path / "older.xml")


def test_file_without_an_entry_is_refused_even_as_the_first(tmp_path: Path) -> None:
    (tmp_path / "eu.xml").write_text("<export><x/></export>")

    with pytest.raises(Refused) as refusal:
        watchlist_import(actor=None, path=tmp_path / "eu.xml")

    assert refusal.value.code == "watchlist_broken"
    assert not WatchlistVersion.objects.exists()


def test_list_is_one_however_its_code_is_typed() -> None:
    version = watchlist_import(actor=None, path=LISTS / "un.xml", list_code=" un ")

    assert version.list_code == "UN"
    with pytest.raises(InvalidInput):
        watchlist_import(actor=None, path=LISTS / "un.xml", list_code="U N")
    assert WatchlistImport.objects.count() == 1


def test_database_keeps_what_a_list_said_and_who_let_a_file_in(officer: User, second: User) -> None:
    provider_import(actor=None, provider=people(3), list_code="OWN")
    provider_import(actor=None, provider=people(2), list_code="OWN", is_vetted=True)
    attempt = WatchlistImport.objects.create(
        list_code="UN", code="watchlist_shrunk", checksum="0" * 64
    )
    override_propose(actor=officer, import_id=attempt.id, reason="x")

    ended = WatchlistEntity.objects.exclude(removed_in=None)
    attempts = WatchlistImport.objects.filter(id=attempt.id)
    for change in (
        lambda: ended.update(removed_in=None),
        lambda: WatchlistEntity.objects.update(kind="VESSEL"),
        lambda: WatchlistName.objects.update(name="Nobody"),
        WatchlistName.objects.all().delete,
        lambda: attempts.update(checksum="1" * 64),
        lambda: attempts.update(override_proposed_by=second),
        attempts.delete,
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    override_confirm(actor=second, import_id=attempt.id)
    with pytest.raises(DatabaseError), transaction.atomic():
        attempts.update(override_confirmed_by=None)


def test_override_of_a_broken_file_or_by_others_is_refused(officer: User, tmp_path: Path) -> None:
    (tmp_path / "un.xml").write_text("<CONSOLIDATED_LIST>")
    with pytest.raises(Refused):
        watchlist_import(actor=None, path=tmp_path / "un.xml")
    attempt = WatchlistImport.objects.get()
    assert attempt.code == "watchlist_broken"

    with pytest.raises(Conflict):
        override_propose(actor=officer, import_id=attempt.id, reason="x")
    with pytest.raises(NotPermitted):
        override_propose(actor=make_user(Role.OPERATIONS), import_id=attempt.id, reason="x")
    with pytest.raises(IntegrityError), transaction.atomic():
        WatchlistImport.objects.update(
            override_proposed_by=officer, override_confirmed_by=officer, override_reason="x"
        )


def test_refused_file_raises_one_alert_until_somebody_has_seen_it(tmp_path: Path) -> None:
    watchlist_import(actor=None, path=LISTS / "un.xml")
    (tmp_path / "un.xml").write_text((LISTS / "un.xml").read_text()[:900])
    for _ in range(2):
        with pytest.raises(Refused):
            watchlist_import(actor=None, path=tmp_path / "un.xml")

    alert = OperationsAlert.objects.get()
    assert (alert.kind, alert.subject, alert.occurrences) == ("IMPORT_REFUSED", "UN", 2)
    assert AuditEvent.objects.filter(name="compliance.operations.alerted").count() == 1
    with pytest.raises(NotPermitted):
        operations_alert_acknowledge(actor=make_user(), alert_id=alert.id)
    operations_alert_acknowledge(actor=make_user(Role.OPERATIONS), alert_id=alert.id)
    with pytest.raises(Conflict):
        operations_alert_acknowledge(actor=make_user(Role.OPERATIONS), alert_id=alert.id)
    assert WatchlistEntity.objects.filter(removed_in=None).count() == 2


def source_at(url: str, **fields: Any) -> WatchlistSource:
    """Return a source that is on; plain http is for the server of a test only."""
    people_of = {"changed_by": make_user(), "activated_by": make_user()}
    return WatchlistSource.objects.create(
        list_code="UN", url=url, is_active=True, **people_of, **fields
    )


def test_source_is_fetched_and_asked_for_changes_only(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTBOUND_INSIDE = ["127.0.0.0/8"]
    content = (LISTS / "un.xml").read_bytes()
    with receiving(Receiver(statuses=[200, 304], headers={"ETag": '"1"'}, answer=content)) as site:
        source = source_at(site.url(path="/un.xml"))
        assert sources_due() == [source.id]
        assert source_refresh(source_id=source.id) == "IMPORTED"
        assert sources_due() == []
        site.answer = b""
        assert source_refresh(source_id=source.id) == "NOT_MODIFIED"
        # Newer reading code has not read the file yet.
        monkeypatch.setattr(watchlist_sources, "READER_VERSION", "newer")
        assert source_refresh(source_id=source.id) == "NOT_MODIFIED"

    assert site.received[1][1]["If-None-Match"] == '"1"'
    assert "If-None-Match" not in site.received[2][1]
    source.refresh_from_db()
    assert (source.outcome, source.etag) == ("NOT_MODIFIED", '"1"')
    WatchlistSource.objects.update(checked_at=timezone.now() - timedelta(hours=7))
    assert sources_due() == [source.id]


@pytest.mark.parametrize(
    ("answer", "status", "outcome", "kind"),
    [
        (b"<CONSOLIDATED_LIST>", 200, "watchlist_broken", "IMPORT_REFUSED"),
        (b"gone", 404, "FETCH_FAILED", "FETCH_FAILED"),
        (b"moved", 302, "FETCH_FAILED", "FETCH_FAILED"),
    ],
    ids=["broken", "absent", "moved nowhere"],
)
def test_source_that_fails_alerts_and_is_asked_again_in_full(
    settings: Settings, answer: bytes, status: int, outcome: str, kind: str
) -> None:
    settings.OUTBOUND_INSIDE = ["127.0.0.0/8"]
    receiver = Receiver(statuses=[status], headers={"ETag": '"1"'}, answer=answer)
    with receiving(receiver) as site:
        source = source_at(site.url())
        assert source_refresh(source_id=source.id) == outcome

    source.refresh_from_db()
    assert (source.outcome, source.etag) == (outcome, "")
    assert OperationsAlert.objects.get().kind == kind


def test_source_that_points_inside_is_not_asked() -> None:
    with receiving(Receiver()) as site:
        source = source_at(site.url())
        assert source_refresh(source_id=source.id) == "FETCH_FAILED"

    assert site.received == []
    assert OperationsAlert.objects.get().kind == "FETCH_FAILED"


def test_source_is_on_when_another_person_turned_it_on(officer: User, second: User) -> None:
    asked: dict[str, Any] = {"list_code": "un", "url": "https://lists.example/un.xml"}
    source = source_save(actor=officer, interval_hours=6, **asked)
    assert not source.is_active
    with pytest.raises(NotPermitted) as refusal:
        source_activate(actor=officer, source_id=source.id)
    assert refusal.value.code == "same_person"
    assert source_activate(actor=second, source_id=source.id).is_active

    source_save(actor=second, interval_hours=12, **asked)

    source.refresh_from_db()
    assert (source.is_active, source.changed_by, source.interval_hours) == (False, second, 12)
    assert not source_deactivate(actor=officer, source_id=source.id).is_active
    with pytest.raises(IntegrityError), transaction.atomic():
        WatchlistSource.objects.update(is_active=True, activated_by=second)


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://lists.example/un.xml"},
        {"url": "ftp://lists.example/un.xml"},
        {"url": "https://me@lists.example/"},
        {"list_code": "a b"},
        {"list_code": ""},
        {"interval_hours": 0},
    ],
    ids=["plain", "another scheme", "with a user", "spaces", "no code", "no pause"],
)
def test_source_that_makes_no_sense_is_refused(officer: User, changes: dict[str, Any]) -> None:
    asked = {"list_code": "UN", "url": "https://lists.example/un.xml", "interval_hours": 6}

    with pytest.raises(DomainError):
        source_save(actor=officer, **{**asked, **changes})

    assert not WatchlistSource.objects.exists()
