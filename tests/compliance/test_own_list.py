"""The firm's own list changes by two officers, and by nobody alone."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from apps.audit.models import AuditEvent
from apps.compliance.models import OwnListChange, WatchlistEntity, WatchlistVersion
from apps.compliance.providers import BrokenList
from apps.compliance.selectors.own_list import own_entries, own_version, proposal_diff
from apps.compliance.services.own_list import (
    entry_propose_end,
    entry_propose_put,
    list_propose_replace,
    own_list_confirm,
    own_list_decline,
)
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance.test_providers import LISTS
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db
CELLS = {"uid": "own-9", "kind": "PERSON", "name": "Viktor Brantov", "birth_dates": "1970"}


@pytest.fixture
def officer() -> User:
    return make_user(Role.COMPLIANCE_OFFICER)


@pytest.fixture
def second() -> User:
    return make_user(Role.COMPLIANCE_OFFICER)


def put(officer: User, **changes: str) -> OwnListChange:
    return entry_propose_put(actor=officer, cells={**CELLS, **changes}, reason="A fraud of 2025")


def test_entry_is_in_force_when_another_officer_confirms(officer: User, second: User) -> None:
    change = put(officer)
    assert own_version() == 0
    with pytest.raises(NotPermitted) as refusal:
        own_list_confirm(actor=officer, change_id=change.id)
    assert refusal.value.code == "same_officer"
    assert not WatchlistEntity.objects.exists()

    own_list_confirm(actor=second, change_id=change.id)

    assert own_version() == 1
    assert own_entries()["own-9"].birth_dates == ("1970",)
    payloads = str(AuditEvent.objects.values_list("payload", flat=True))
    assert "Brantov" not in payloads
    with pytest.raises(Conflict):
        own_list_confirm(actor=second, change_id=change.id)


def test_entry_is_edited_and_ended_and_what_it_said_stays(officer: User, second: User) -> None:
    own_list_confirm(actor=second, change_id=put(officer).id)
    edit = put(officer, birth_dates="1971")
    assert [field.name for field in proposal_diff(edit)[0].fields] == ["birth_dates"]
    own_list_confirm(actor=second, change_id=edit.id)
    end = entry_propose_end(actor=second, uid="own-9", reason="He proved who he is")

    own_list_confirm(actor=officer, change_id=end.id)

    assert own_entries() == {}
    rows = WatchlistEntity.objects.filter(uid="own-9").order_by("id")
    assert [row.birth_dates for row in rows] == [["1970"], ["1971"]]
    assert WatchlistVersion.objects.filter(list_code="OWN").count() == 3


def test_whole_list_is_replaced_by_csv_even_when_it_loses_most(officer: User, second: User) -> None:
    content = (LISTS / "own.csv").read_bytes()
    own_list_confirm(
        actor=second,
        change_id=list_propose_replace(actor=officer, content=content, reason="Yearly").id,
    )
    assert set(own_entries()) == {"own-1", "own-2"}
    lines = content.splitlines(keepends=True)

    change = list_propose_replace(
        actor=officer, content=b"".join(lines[:2]).replace(b"own-1", b"own-7"), reason="Yearly"
    )
    assert {(one.uid, one.what) for one in proposal_diff(change)} == {
        ("own-7", "ADDED"),
        ("own-1", "REMOVED"),
        ("own-2", "REMOVED"),
    }
    own_list_confirm(actor=second, change_id=change.id)

    assert set(own_entries()) == {"own-7"}


def test_proposal_on_a_list_that_changed_since_is_refused(officer: User, second: User) -> None:
    first, late = put(officer), put(officer, uid="own-8")
    own_list_confirm(actor=second, change_id=first.id)

    with pytest.raises(Conflict) as conflict:
        own_list_confirm(actor=second, change_id=late.id)

    assert conflict.value.code == "stale_list"
    assert set(own_entries()) == {"own-9"}


def test_payload_that_is_not_what_was_proposed_is_refused(officer: User, second: User) -> None:
    change = put(officer)
    change.payload[0]["uid"] = "own-666"
    with pytest.raises(IntegrityError), transaction.atomic():
        OwnListChange.objects.filter(id=change.id).update(payload=change.payload)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
    OwnListChange.objects.filter(id=change.id).update(payload=change.payload)

    with pytest.raises(Conflict) as conflict:
        own_list_confirm(actor=second, change_id=change.id)

    assert conflict.value.code == "payload_changed"
    assert own_entries() == {}


def test_declined_proposal_changes_nothing_and_stays(officer: User, second: User) -> None:
    change = own_list_decline(actor=second, change_id=put(officer).id)

    assert (change.status, own_version()) == ("DECLINED", 0)
    with pytest.raises(Conflict):
        own_list_decline(actor=officer, change_id=change.id)


def test_database_refuses_one_officer_for_two(officer: User) -> None:
    change = put(officer)

    with pytest.raises(IntegrityError), transaction.atomic():
        OwnListChange.objects.filter(id=change.id).update(
            status="DONE", decided_by=officer, decided_at=change.created_at
        )


@pytest.mark.parametrize(
    "reason", ["", "  ", "x" * 1001, "a\x00"], ids=["empty", "blank", "long", "zero"]
)
def test_proposal_without_a_reason_is_refused(officer: User, reason: str) -> None:
    with pytest.raises(InvalidInput):
        entry_propose_put(actor=officer, cells=CELLS, reason=reason)

    assert not OwnListChange.objects.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a,b\n",
        b"\xff\xfe",
        b"uid,kind,name\n1,PERSON,A\n",
        b"\x00" * 100,
        (LISTS / "own.csv").read_bytes().replace(b"Invented", b"Inv\x00nted"),
    ],
    ids=["empty", "other columns", "no text", "too few columns", "zeros", "a zero"],
)
def test_csv_that_is_no_list_is_refused(officer: User, content: bytes) -> None:
    with pytest.raises((BrokenList, InvalidInput)):
        list_propose_replace(actor=officer, content=content, reason="Yearly")

    assert not OwnListChange.objects.exists()


@pytest.mark.parametrize("role", [Role.CLIENT, Role.OPERATIONS, Role.AUDITOR])
def test_own_list_is_for_officers(officer: User, role: Role) -> None:
    change, other = put(officer), make_user(role)
    calls: list[Any] = [
        lambda: put(other),
        lambda: entry_propose_end(actor=other, uid="own-9", reason="x"),
        lambda: list_propose_replace(actor=other, content=b"", reason="x"),
        lambda: own_list_confirm(actor=other, change_id=change.id),
        lambda: own_list_decline(actor=other, change_id=change.id),
    ]
    for call in calls:
        with pytest.raises(NotPermitted):
            call()

    change.refresh_from_db()
    assert (change.status, OwnListChange.objects.count()) == ("PROPOSED", 1)


def test_entry_that_is_not_there_cannot_be_ended(officer: User) -> None:
    with pytest.raises(NotFound):
        entry_propose_end(actor=officer, uid="own-9", reason="x")
