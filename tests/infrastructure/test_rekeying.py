import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.core.errors import Conflict
from apps.infrastructure import keys, rekeying
from apps.infrastructure.ciphers import key_id_of
from apps.infrastructure.encryption import DecryptionError, EncryptedField, encrypted_fields
from apps.infrastructure.keys import INDEX_CLASS, current_key
from apps.infrastructure.models import DataKey
from apps.infrastructure.providers.key_encryption import provider
from apps.users.models import User
from tests.users.factories import make_user

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick(
    transactional_db: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.KMS_URL = f"file://{tmp_path}/keys"
    monkeypatch.setattr(keys, "VERSION_SECONDS", 0.3)
    monkeypatch.setattr(rekeying, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(rekeying, "PAUSE_SECONDS", 0.02)
    with connection.cursor() as cursor:  # keys of other tests, which outlive their transactions
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DELETE FROM infrastructure_datakey")
        cursor.execute("SET session_replication_role = DEFAULT")


def users_make(count: int) -> list[User]:
    return User.objects.bulk_create(
        User(email=f"u{number}@test.example", display_name=f"Name {number}")
        for number in range(count)
    )


def tokens() -> list[bytes]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT display_name FROM users_user")
        return [bytes(token) for (token,) in cursor.fetchall()]


def ignored(progress: rekeying.Progress) -> None:
    """Report nothing."""


def assert_all_new() -> None:
    keys.forget()
    for field in encrypted_fields():
        assert rekeying._old_count(field) == 0
    assert {key_id_of(token) for token in tokens()} <= {current_key("identity").header_id}
    old = DataKey.objects.exclude(data_class=INDEX_CLASS).exclude(retired_at=None)
    assert old.filter(data_class="identity").count() >= 1
    kek_id = keys.provider().current()
    assert not DataKey.objects.exclude(kek_id=kek_id).exists()


def test_asvs_v11_2_2_keys_rotate_under_write_load_loses_nothing() -> None:
    expected: dict[UUID, str] = {user.pk: user.display_name for user in users_make(300)}
    stop = threading.Event()

    def write(seed: int) -> dict[UUID, str]:
        mine: dict[UUID, str] = {}
        round_number = 0
        owned = [pk for index, pk in enumerate(expected) if index % 3 == seed]
        while not stop.is_set():
            round_number += 1
            user = User.objects.get(pk=owned[round_number * 7 % len(owned)])
            assert user.display_name == mine.get(user.pk, expected[user.pk])
            user.display_name = mine[user.pk] = f"{seed} wrote {round_number}"
            user.save(update_fields=["display_name", "display_name_index"])
            email = f"new{seed}-{round_number}@test.example"
            mine[User.objects.create(email=email, display_name=email).pk] = email
        connection.close()
        return mine

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, seed) for seed in range(3)]
        try:
            count = rekeying.keys_rotate(report=ignored, rows=40)
        finally:
            stop.set()
        for writer in writers:
            assert writer.result()
            expected |= writer.result()

    assert count >= 250
    keys.forget()
    assert {user.pk: user.display_name for user in User.objects.all()} == expected
    assert_all_new()


def test_keys_rotate_killed_by_the_system_is_finished_by_the_next_run(settings: Settings) -> None:
    expected = {user.pk: user.display_name for user in users_make(600)}
    before = current_key("identity").header_id
    database = connection.settings_dict
    url = f"postgres://{database['USER']}@/{database['HOST']}/{database['NAME']}"
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DATABASE_OWNER_URL": url,
        "KMS_URL": settings.KMS_URL,
    }
    slow = (
        "import django; django.setup(); from apps.infrastructure import rekeying;"
        "rekeying.keys_rotate(report=lambda progress: None, rows=1)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", slow],
        cwd=ROOT,
        env={**environment, "DJANGO_SETTINGS_MODULE": "stratford.settings"},
    )
    deadline = time.monotonic() + 60
    while all(key_id_of(token) == before for token in tokens()):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    left = sum(key_id_of(token) == before for token in tokens())

    assert 0 < left < 600
    keys.forget()
    assert {user.pk: user.display_name for user in User.objects.all()} == expected
    assert rekeying.keys_rotate(report=ignored) >= left
    assert DataKey.objects.filter(data_class="identity").count() == 2
    assert {user.pk: user.display_name for user in User.objects.all()} == expected
    assert_all_new()


def test_keys_rotate_shows_its_progress_and_says_how_much(
    capsys: pytest.CaptureFixture[str],
) -> None:
    users_make(7)
    call_command("keys_rotate")
    shown = capsys.readouterr().out

    assert "users_user.display_name" in shown
    assert "7/7" in shown
    assert "7 values are under new keys." in shown


def test_keys_rotate_twice_at_once_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    make_user()

    def second(progress: rekeying.Progress) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(attempt).result()

    def attempt() -> None:
        try:
            with pytest.raises(CommandError, match="Another rotation"):
                call_command("keys_rotate")
        finally:
            connection.close()

    rekeying.keys_rotate(report=second)
    with pytest.raises(Conflict), rekeying._alone(), ThreadPoolExecutor(1) as pool:
        pool.submit(_enter).result()


def _enter() -> None:
    try:
        with rekeying._alone():
            pass
    finally:
        connection.close()


def test_keys_rotate_with_a_value_it_cannot_read_stops_and_keeps_the_old_keys() -> None:
    users_make(3)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE users_user SET display_name = set_byte(display_name, 30,"
            " get_byte(display_name, 30) # 1) WHERE email = %s",
            ["u1@test.example"],
        )

    with pytest.raises(DecryptionError):
        rekeying.keys_rotate(report=ignored)
    assert not DataKey.objects.exclude(retired_at=None).exists()


def test_keys_move_from_one_provider_to_another(settings: Settings, tmp_path: Path) -> None:
    """The folder stands for any provider: a key-encryption key is found by its prefix."""
    users_make(3)
    settings.KMS_PREVIOUS_URL = settings.KMS_URL
    old, new = provider(settings.KMS_URL), provider(f"file://{tmp_path}/new")
    new.prefix = "new:"
    settings.KMS_URL = f"file://{tmp_path}/new"
    keys.forget()
    rekeying.keys_rotate(report=ignored)
    settings.KMS_PREVIOUS_URL = ""
    keys.forget()

    assert User.objects.get(email="u1@test.example").display_name == "Name 1"
    assert all(row.kek_id.startswith("new:") for row in DataKey.objects.all())
    assert old.prefix == "file:"


def test_new_versions_are_young_when_they_are_seen_however_slow_the_provider_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The wait for other processes counts from `created_at`."""
    make_user()
    drafted, drafted_at = keys.drafted, timezone.now()

    def slowly(data_class: str, version: int) -> DataKey:
        nonlocal drafted_at
        time.sleep(0.02)
        row = drafted(data_class, version)
        drafted_at = timezone.now()
        return row

    monkeypatch.setattr(keys, "drafted", slowly)
    rekeying._begin()

    newest = DataKey.objects.filter(data_class="identity").latest("version")
    assert newest.created_at >= drafted_at


def test_append_only_row_can_be_encrypted_again_and_not_changed() -> None:
    guarded = {"compliance_alertevidence": "facts", "compliance_alertnote": "text"}
    found = {field.model._meta.db_table: field.column for field in encrypted_fields()}

    assert guarded.items() <= found.items()


@pytest.fixture
def fields() -> Iterator[EncryptedField]:
    return encrypted_fields()


def test_every_encrypted_field_is_found_by_looking_at_the_models(
    fields: Iterator[EncryptedField],
) -> None:
    found = {f"{field.model._meta.label}.{field.name}" for field in fields}

    assert {
        *("users.User.display_name", "compliance.KycStep.answers"),
        *("compliance.KycDocument.content", "infrastructure.IdempotencyRecord.body"),
        *("notifications.Notification.body", "compliance.AlertEvidence.facts"),
    } <= found
    assert all(not isinstance(field, models.CharField) for field in encrypted_fields())
