"""The trail is verified, and every change behind the application's back is seen and named."""

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from apps.audit import services
from apps.audit.domain.checkpoints import proof_document_verify
from apps.audit.domain.merkle import inclusion_proof, proof_verify, root_of
from apps.audit.domain.seal import seal, seal_of
from apps.audit.models import AuditEvent, Checkpoint
from apps.audit.providers import signing
from apps.audit.selectors import event_proof, stream_events, trail_verify
from apps.audit.services import checkpoint_write, emit
from apps.audit.tasks import write_checkpoint
from apps.core.errors import NotFound, Unavailable
from apps.core.events import DomainEvent

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, kw_only=True)
class Counted(DomainEvent):
    name: ClassVar[str] = "audit.test.counted"

    number: int


@pytest.fixture(autouse=True)
def _keys(settings: Settings, tmp_path: Path) -> None:
    settings.AUDIT_KEY_URL = f"file://{tmp_path}/keys"
    settings.EMBEDDED = True


@pytest.fixture
def trail() -> None:
    """Two streams of three events, signed; then one event that is not signed yet."""
    for stream in ("a-1", "b-1"):
        for number in range(3):
            emit(Counted(stream=stream, number=number, correlation_id="c"), actor=None)
    checkpoint_write()
    emit(Counted(stream="b-1", number=3), actor=None)


def tamper(statement: str, *parameters: str | int) -> None:
    """Change the tables behind the application's back."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, parameters)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


SET = "UPDATE audit_auditevent SET"


def broken() -> str:
    return str(trail_verify().broken)


@pytest.mark.usefixtures("trail")
def test_trail_that_nobody_touched_holds() -> None:
    result = trail_verify()
    assert result.broken is None
    assert (result.events, result.streams, result.checkpoints) == (7, 2, 1)
    assert result.unsigned_events == 1
    assert [row.version for row in stream_events("b-1")] == [1, 2, 3, 4]


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("event_id", "'00000000-0000-4000-8000-000000000000'"),
        ("version", "9"),
        ("name", "'audit.test.other'"),
        ("payload", """'{"number": 8}'"""),
        ("actor_id", "'00000000-0000-4000-8000-000000000000'"),
        ("occurred_at", "occurred_at + interval '1 microsecond'"),
        ("correlation_id", "'d'"),
        ("previous_hash", "repeat('0', 64)"),
        ("hash", "repeat('0', 64)"),
    ],
)
def test_trail_with_one_column_changed_names_the_event(column: str, value: str) -> None:
    where = "WHERE stream = 'a-1' AND version = 2"
    tamper(" ".join(["UPDATE audit_auditevent SET", column, "=", value, where]))
    assert broken().startswith("event a-1@")


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit_auditevent SET actor_id = gen_random_uuid() WHERE stream = 'a-1'",
        "DELETE FROM audit_auditevent WHERE stream = 'b-1' AND version = 1",
        "DELETE FROM audit_auditevent WHERE stream = 'a-1'",
        "UPDATE audit_checkpoint SET hash = repeat('0', 64)",
    ],
)
def test_asvs_v16_4_2_tampering_past_every_guard_fails_the_operators_check(tampering: str) -> None:
    call_command("audit_verify", stdout=io.StringIO())

    tamper(tampering)

    with pytest.raises((CommandError, SystemExit)):
        call_command("audit_verify", stdout=io.StringIO(), stderr=io.StringIO())


@pytest.mark.usefixtures("trail")
def test_trail_with_an_event_moved_to_another_stream_names_it() -> None:
    tamper("UPDATE audit_auditevent SET stream = 'z-1' WHERE stream = 'a-1' AND version = 3")
    assert broken().startswith("event z-1@3 audit.test.counted")


@pytest.mark.usefixtures("trail")
def test_trail_with_an_event_cut_out_names_the_next() -> None:
    tamper("DELETE FROM audit_auditevent WHERE stream = 'a-1' AND version = 2")
    assert broken().startswith("event a-1@3")
    assert "version 2 is missing" in broken()


@pytest.mark.usefixtures("trail")
def test_trail_with_its_tail_cut_names_the_checkpoint() -> None:
    tamper("DELETE FROM audit_auditevent WHERE stream = 'b-1' AND version >= 3")
    assert broken().startswith("checkpoint 1")
    assert "6 events and 5 are there" in broken()


@pytest.mark.usefixtures("trail")
def test_trail_cut_with_its_checkpoints_is_seen_by_the_anchor() -> None:
    anchor = Checkpoint.objects.get().hash
    assert trail_verify(anchor=anchor).broken is None
    tamper("DELETE FROM audit_checkpoint")
    assert trail_verify().broken is None
    assert "kept elsewhere" in str(trail_verify(anchor=anchor).broken)


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize("columns", [("payload",), ("payload", "hash", "previous_hash")])
def test_trail_with_two_events_swapped_names_the_first(columns: tuple[str, ...]) -> None:
    assignments = ", ".join(f"{name} = other.{name}" for name in columns)
    tamper(
        f"{SET} {assignments} FROM audit_auditevent other"
        " WHERE audit_auditevent.stream = 'a-1' AND other.stream = 'a-1'"
        " AND audit_auditevent.version IN (1, 2) AND other.version = 3 - audit_auditevent.version"
    )
    assert broken().startswith("event a-1@1")


@pytest.mark.usefixtures("trail")
def test_trail_rewritten_with_good_hashes_is_seen_by_the_checkpoint() -> None:
    row = stream_events("a-1")[2]
    row.payload = {"number": 99}
    tamper(
        "UPDATE audit_auditevent SET payload = %s, hash = %s WHERE sequence = %s",
        *('{"number": 99}', seal_of(row), row.sequence),
    )
    assert broken().startswith("checkpoint 1")
    assert "not those that were signed" in broken()


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize(
    "change",
    [
        "merkle_root = repeat('0', 64)",
        "event_count = 5",
        "previous_hash = repeat('0', 64)",
        "created_at = created_at + interval '1 second'",
        "hash = repeat('0', 64)",
        "signature = repeat('0', 128)",
        "last_sequence = last_sequence - 1",
    ],
)
def test_trail_with_a_changed_checkpoint_names_it(change: str) -> None:
    tamper(" ".join(["UPDATE audit_checkpoint SET", change]))
    assert broken().startswith("checkpoint 1")


@pytest.mark.usefixtures("trail")
def test_trail_with_a_checkpoint_cut_out_names_the_next() -> None:
    checkpoint_write()
    tamper("DELETE FROM audit_checkpoint WHERE number = 1")
    assert broken().startswith("checkpoint 2")


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize(
    "change", ["UPDATE audit_checkpoint SET number = 9", "DELETE FROM audit_checkpoint"]
)
def test_checkpoint_changed_by_sql_is_refused(change: str) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)


@pytest.mark.usefixtures("trail")
def test_checkpoints_follow_each_other_and_none_is_empty() -> None:
    write_checkpoint()
    assert checkpoint_write() is None
    first, second = Checkpoint.objects.order_by("number")
    assert second.previous_hash == first.hash
    assert second.first_sequence == first.last_sequence + 1
    assert second.event_count == 1


@pytest.mark.usefixtures("trail")
def test_audit_verify_prints_counts_and_fails_with_the_name_of_the_broken_event() -> None:
    out = io.StringIO()
    call_command("audit_verify", stdout=out)
    assert "7 events in 2 streams, 1 checkpoints" in out.getvalue()

    tamper("UPDATE audit_auditevent SET name = 'x' WHERE stream = 'b-1' AND version = 2")
    err = io.StringIO()
    with pytest.raises(SystemExit) as stop:
        call_command("audit_verify", stdout=out, stderr=err)
    assert stop.value.code == 1
    assert "BROKEN event b-1@2 x" in err.getvalue()


@pytest.mark.usefixtures("trail")
def test_audit_prove_is_checked_with_the_public_key_alone(tmp_path: Path) -> None:
    row = stream_events("b-1")[1]
    out = io.StringIO()
    call_command("audit_prove", str(row.event_id), stdout=out)
    file = tmp_path / "proof.json"
    file.write_text(out.getvalue())

    call_command("audit_prove", check=file, public_key=signing.public_key().hex(), stdout=out)
    assert "The proof holds." in out.getvalue()

    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    for key in (other, "zz", ""):
        with pytest.raises(CommandError):
            call_command("audit_prove", check=file, public_key=key)


@pytest.mark.usefixtures("trail")
def test_proof_with_any_part_changed_does_not_hold() -> None:
    document = json.loads(json.dumps(event_proof(stream_events("a-1")[0].event_id)))
    key = signing.public_key()
    assert proof_document_verify(document, key)

    def changed(path: tuple[Any, ...], value: Any) -> Any:
        copy = json.loads(json.dumps(document))
        place = copy
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        return copy

    forged = changed(("event", "image", 8), {"number": 7})
    assert not proof_document_verify(forged, key)
    forged["event"]["hash"] = seal(forged["event"]["image"])
    assert not proof_document_verify(forged, key)
    assert not proof_document_verify(changed(("checkpoint", "facts", "number"), 2), key)
    assert not proof_document_verify(changed(("proof", 0, 1), "00" * 32), key)
    assert not proof_document_verify({}, key)


@pytest.mark.usefixtures("trail")
def test_event_without_a_checkpoint_or_unknown_has_no_proof() -> None:
    with pytest.raises(NotFound, match="covers"):
        event_proof(stream_events("b-1")[3].event_id)
    with pytest.raises(CommandError, match="no such event"):
        call_command("audit_prove", str(uuid4()))
    with pytest.raises(CommandError, match="Name an event"):
        call_command("audit_prove")


HASHES = st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), min_size=1, max_size=40)


@given(HASHES, st.data())
def test_merkle_proof_of_every_leaf_leads_to_the_root(
    hashes: list[str], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(hashes) - 1))
    proof = inclusion_proof(hashes, index)
    assert proof_verify(hashes[index], proof, root_of(hashes))
    assert not proof_verify("00" * 32, proof, root_of(hashes)) or hashes[index] == "00" * 32


def test_merkle_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert root_of([]).startswith("e3b0c44298fc1c14")


def test_signing_key_is_made_once_and_refused_when_others_can_read_it(
    settings: Settings, tmp_path: Path
) -> None:
    out = io.StringIO()
    call_command("audit_key", stdout=out)
    first = signing.public_key()
    call_command("audit_key", stdout=out)
    assert signing.public_key() == first
    assert (tmp_path / "keys" / signing.PUBLIC_NAME).read_text().strip() == first.hex()

    key_file = tmp_path / "keys" / signing.PRIVATE_NAME
    key_file.chmod(0o644)
    with pytest.raises(ImproperlyConfigured, match="others"):
        signing.public_key()
    key_file.chmod(0o600)
    key_file.write_bytes(b"short")
    with pytest.raises(ImproperlyConfigured, match="32 bytes"):
        signing.public_key()
    key_file.unlink()
    settings.EMBEDDED = False
    with pytest.raises(ImproperlyConfigured, match="audit_key"):
        signing.public_key()


@pytest.fixture
def open_transaction() -> Iterator[None]:
    """Another connection that has taken a number for its event and not committed."""
    written, done = Event(), Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                emit(Counted(stream="slow-1", number=1), actor=None)
                written.set()
                done.wait(20)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(hold)
        assert written.wait(10)
        yield
        done.set()
        future.result()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("open_transaction")
def test_checkpoint_waits_for_open_events_rather_than_miss_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services, "CHECKPOINT_WAIT_MS", 100)
    with transaction.atomic():
        emit(Counted(stream="fast-1", number=1), actor=None)

    with pytest.raises(Unavailable):
        checkpoint_write()
    write_checkpoint()

    assert not Checkpoint.objects.exists()
    assert AuditEvent.objects.count() == 1
