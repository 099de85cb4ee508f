import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import ClassVar

import pytest
from django.db import connection, transaction

from apps.audit import services
from apps.audit.models import AuditEvent, OutboxMessage
from apps.core.commands import command
from apps.core.errors import Conflict
from apps.core.events import DomainEvent, subscribe

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, kw_only=True)
class Happened(DomainEvent):
    name: ClassVar[str] = "audit.test.happened"

    number: int


@dataclass(frozen=True, kw_only=True)
class Another(DomainEvent):
    name: ClassVar[str] = "audit.test.another"


@dataclass(frozen=True, kw_only=True)
class Renamed(DomainEvent):
    name: ClassVar[str] = "audit.test.renamed"

    count: int


heard: list[tuple[str, int]] = []
broken: set[str] = set()


@subscribe(Happened)
def hear(event: Happened) -> None:
    """Write a row, then fail where the test asks for it: the row must be undone with the rest."""
    AuditEvent.objects.create(
        event_id=event.event_id.replace(event.event_id[:4], "ffff"),
        stream=f"copy-{event.stream}",
        version=event.version,
        name="copy",
        payload={},
        occurred_at=event.occurred_at,
        hash="",
    )
    if event.stream in broken:
        raise RuntimeError(event.stream)
    heard.append((event.stream, event.number))


@subscribe(Another)
def hear_another(event: Another) -> None:
    heard.append((event.stream, 0))


@pytest.fixture(autouse=True)
def _silence() -> None:
    heard.clear()
    broken.clear()


@command
def happen(stream: str, number: int) -> None:
    services.emit(Happened(stream=stream, number=number), actor=None)


def deliver() -> int:
    return services.outbox_deliver(context="audit")


def test_outbox_deliver_calls_the_handler_once_and_in_order() -> None:
    for number in range(3):
        happen("s", number)

    assert deliver() == 3
    assert deliver() == 0
    assert heard == [("s", 0), ("s", 1), ("s", 2)]


def test_outbox_deliver_rebuilds_the_event_as_it_was_emitted() -> None:
    with transaction.atomic():
        row = services.emit(Happened(stream="s", number=7), actor=None)

    event = services.rebuild(AuditEvent.objects.get(pk=row.pk))

    assert (event.name, event.version, event.payload) == ("audit.test.happened", 1, {"number": 7})
    assert event.occurred_at == row.occurred_at


def test_outbox_deliver_with_a_failing_handler_blocks_only_its_stream() -> None:
    broken.add("bad")
    for stream in ("bad", "good", "bad"):
        happen(stream, 1)

    assert deliver() == 1

    assert heard == [("good", 1)]
    assert not AuditEvent.objects.filter(stream="copy-bad").exists()
    first, second = OutboxMessage.objects.pending().order_by("id")
    assert (first.attempts, first.last_error, second.attempts) == (1, "RuntimeError", 0)


@pytest.mark.parametrize("change", ["no handler", "no event", "other fields"])
def test_outbox_deliver_of_what_the_code_no_longer_knows_blocks_only_its_stream(
    change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen("old", 1)
    if change == "no handler":
        OutboxMessage.objects.update(handler="apps.audit.gone.hear")
    elif change == "no event":
        monkeypatch.delitem(DomainEvent.types, Happened.name)
    else:
        monkeypatch.setitem(DomainEvent.types, Happened.name, Renamed)

    with transaction.atomic():
        services.emit(Another(stream="new"), actor=None)

    assert deliver() == 1
    assert heard == [("new", 0)]
    waiting = OutboxMessage.objects.pending().get()
    assert (waiting.stream, waiting.attempts) == ("old", 1)


def test_outbox_deliver_after_the_handler_was_mended_catches_up() -> None:
    broken.add("bad")
    happen("bad", 1)
    happen("bad", 2)
    deliver()
    broken.clear()
    OutboxMessage.objects.update(next_attempt_at="2026-01-01T00:00:00Z")

    assert deliver() == 2
    assert heard == [("bad", 1), ("bad", 2)]


def test_emit_in_a_command_that_fails_leaves_no_event_and_no_message() -> None:
    @command
    def fail() -> None:
        services.emit(Happened(stream="s", number=1), actor=None)
        raise Conflict("No.")

    with pytest.raises(Conflict):
        fail()

    assert not AuditEvent.objects.exists()
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_emit_outside_a_command_is_a_bug() -> None:
    with pytest.raises(RuntimeError, match="command"):
        services.emit(Happened(stream="s", number=1), actor=None)


@pytest.mark.django_db(transaction=True)
def test_emit_by_twenty_writers_of_one_stream_leaves_one_unbroken_chain() -> None:
    def write(number: int) -> None:
        happen("s", number)
        connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    events = list(AuditEvent.objects.stream("s"))
    assert [event.version for event in events] == list(range(1, 21))
    assert [event.previous_hash for event in events] == ["", *(e.hash for e in events[:-1])]


@pytest.mark.django_db(transaction=True)
def test_outbox_deliver_by_four_workers_at_once_delivers_each_once() -> None:
    for number in range(40):
        happen(f"s-{number % 8}", number)

    def work() -> None:
        deliver()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    deliver()

    assert sorted(number for _, number in heard) == list(range(40))
    for stream in {stream for stream, _ in heard}:
        numbers = [number for other, number in heard if other == stream]
        assert numbers == sorted(numbers)


def test_outbox_sweep_nudges_each_context_with_pending_messages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nudged: list[str] = []
    monkeypatch.setattr(services, "nudge", nudged.append)
    happen("s", 1)

    services.outbox_sweep()

    assert nudged == ["audit"]


def test_nudge_without_a_broker_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("celery.app.base.Celery.send_task", refuse)

    services.nudge("audit")


def test_nudge_with_a_broker_that_is_gone_takes_no_time() -> None:
    code = (
        "import django; django.setup(); import time; from apps.audit.services import nudge;"
        "start = time.monotonic(); nudge('audit'); nudge('audit'); print(time.monotonic() - start)"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "stratford.settings",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }

    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert ended.stderr.count("outbox_nudge_failed") == 2
    assert float(ended.stdout) < 2
