"""Names on demand: kept, bounded, the same file once, and nobody's name in the log."""

from typing import Any

import pytest
from django.db import connection

from apps.audit.models import AuditEvent
from apps.compliance.domain.search_terms import MAX_ROWS, SearchTerms, terms_clean, terms_of_file
from apps.compliance.models import OperationsAlert, ScreeningSearch, ScreeningSearchRow
from apps.compliance.selectors.screening_searches import search_export, search_rows
from apps.compliance.services.screening_searches import file_search, name_search, searches_run
from apps.core.errors import DomainError, InvalidInput, NotPermitted
from tests.compliance.alert_factories import make_client, make_officer
from tests.compliance.test_services_screening import with_list

FILE = (
    "Client ID;Full name".replace(";", ",")
    + ",DOB,Nationality\r\n1,Viktor Brantov,1970-01-30,BY\r\n2,=cmd,,\r\n,,,\r\n"
)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"name\n",
        b"who\nAda\n",
        b"name,full name\nAda,Ada\n",
        b"\xff\xfe\x00",
        b'name\n"Ada\n',
        b"name\nAda,1,2\n",
        b"name,dob\nAda,1.1.1970\n",
        b"name,country\nAda,Atlantis\n",
        b"name\nA\x00da\n",
        b"name\n...\n",
        b"name\n" + b"Ada\n" * (MAX_ROWS + 1),
        b"name\n" + b"x" * 4_000_001,
    ],
    ids=[
        *("empty", "header", "no-name", "twice", "encoding", "quote", "cells", "date", "country"),
        *("nul", "dots", "rows", "bytes"),
    ],
)
def test_file_that_is_not_acceptable_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        terms_of_file(content)


def test_terms_of_a_file_are_read_by_their_headings() -> None:
    first, second = terms_of_file(FILE.encode())

    assert (first.name, first.reference, first.country) == ("Viktor Brantov", "1", "BY")
    assert {subject.kind for subject in first.subjects} >= {"PERSON", "VESSEL"}
    assert second.name == "=cmd"


@pytest.mark.parametrize("given", [{"name": "\ud800"}, {"name": "Ada", "kind": "ODD"}], ids=str)
def test_terms_that_cannot_be_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(DomainError):
        terms_clean(given)


@pytest.mark.django_db
def test_name_search_keeps_what_was_found_and_no_name_in_the_log() -> None:
    with_list()
    officer = make_officer()

    search = name_search(
        actor=officer, purpose="Payee of a wire", given={"name": "Viktor Brantof", "kind": "PERSON"}
    )

    assert (search.status, search.hit_count) == ("DONE", 1)
    (row,) = search_rows(search, only_hits=False, limit=10)
    best = row["results"][0]
    assert (best["listed_name"], best["is_hit"]) == ("Viktor BRANTOV", True)
    assert best["features"][0]["words"]
    logged = str(list(AuditEvent.objects.values_list("payload", flat=True)))
    assert "Brantof" not in logged
    assert "Payee" not in logged


@pytest.mark.django_db
def test_name_search_by_who_may_not_keeps_nothing() -> None:
    with pytest.raises(NotPermitted):
        name_search(actor=make_client(), purpose="x", given={"name": "Ada"})

    assert not ScreeningSearch.objects.exists()


@pytest.mark.django_db
def test_file_search_runs_once_goes_on_where_it_was_cut_off_and_exports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_list()
    officer = make_officer()
    monkeypatch.setattr("apps.compliance.services.screening_searches.CHUNK", 1)
    asked: dict[str, Any] = {"actor": officer, "purpose": "Remediation", "content": FILE.encode()}
    search = file_search(**asked)
    assert file_search(**asked).id == search.id
    assert ScreeningSearchRow.objects.count() == 2

    assert searches_run() == 2
    assert searches_run() == 0

    search.refresh_from_db()
    assert (search.status, search.done_count, search.hit_count) == ("DONE", 2, 1)
    rows = list(search_export(search))
    assert rows[0][:2] == ("1", "Viktor Brantov")
    assert rows[0][5] == "hit"
    assert rows[-1][5] == "nothing found"


@pytest.mark.django_db
def test_search_that_keeps_failing_ends_is_told_and_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_list()
    officer = make_officer()
    monkeypatch.setattr("apps.compliance.services.screening_searches.CHUNK", 1)
    poison = FILE.replace("=cmd", "Poisoned Row")
    asked: dict[str, Any] = {"actor": officer, "purpose": "Case of Ada Qxname"}
    first = file_search(**asked, content=poison.encode())
    second = file_search(**asked, content=FILE.encode())

    def results(terms: SearchTerms) -> list[dict[str, Any]]:
        if terms.name == "Poisoned Row":
            raise ValueError("Poisoned Row")
        return []

    monkeypatch.setattr("apps.compliance.services.screening_searches._results", results)
    assert [searches_run() for _ in range(4)] == [3, 0, 0, 0]

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.failure_code) == ("FAILED", "comparison_failed")
    assert (first.done_count, first.failures, second.status) == (1, 3, "DONE")
    assert [row[5] for row in search_export(first)] == ["nothing found", "not compared"]
    alert = OperationsAlert.objects.get()
    assert (alert.kind, alert.subject, alert.occurrences) == ("SEARCH_FAILED", str(first.id), 3)
    event = AuditEvent.objects.get(name="compliance.search.failed")
    assert "Poisoned" not in f"{event.payload} {alert.facts} {alert.message}"
    again = file_search(**asked, content=poison.encode())
    assert (again.id != first.id, again.status) == (True, "RUNNING")
    with connection.cursor() as cursor:
        cursor.execute("SELECT purpose FROM compliance_screeningsearch")
        assert all(b"Qxname" not in bytes(purpose) for (purpose,) in cursor.fetchall())
    first.refresh_from_db()
    assert first.purpose == asked["purpose"]
