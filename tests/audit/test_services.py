from dataclasses import dataclass
from typing import ClassVar

import pytest
from django.db import DatabaseError, connection, transaction

from apps.audit.domain.seal import seal_of
from apps.audit.models import AuditEvent
from apps.audit.services import emit
from apps.core.events import DomainEvent

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, kw_only=True)
class Noted(DomainEvent):
    name: ClassVar[str] = "audit.test.noted"

    note: str


def test_emit_twice_on_one_stream_chains_the_second_to_the_first() -> None:
    emit(Noted(stream="s-1", note="a"), actor=None)
    emit(Noted(stream="s-1", note="b"), actor=None)

    first, second = AuditEvent.objects.stream("s-1")
    assert (first.version, second.version) == (1, 2)
    assert second.previous_hash == first.hash == seal_of(first)
    assert second.hash == seal_of(second)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_auditevent SET name = ''", "DELETE FROM audit_auditevent"]
)
def test_audit_event_changed_by_sql_is_refused(statement: str) -> None:
    emit(Noted(stream="s-1", note="a"), actor=None)

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert AuditEvent.objects.count() == 1
