import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.core.management import call_command
from django.db import connection, models
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from apps.infrastructure import keys
from apps.infrastructure.encryption import (
    HEADER_BYTES,
    DecryptionError,
    EncryptedTextField,
    blind_index,
    decrypt_bytes,
    encrypt_bytes,
)


class Secret(models.Model):
    text = EncryptedTextField(null=True)

    objects: ClassVar[models.Manager["Secret"]] = models.Manager()

    class Meta:
        app_label = "infrastructure"
        managed = False
        db_table = "test_secret"

    def __str__(self) -> str:
        return str(self.pk)


@given(st.binary(max_size=300))
def test_decrypt_in_the_same_context_returns_the_data(data: bytes) -> None:
    token = encrypt_bytes(data, context="t.c:1")

    assert decrypt_bytes(token, context="t.c:1") == data
    assert len(token) == HEADER_BYTES + len(data) + 16


def test_encrypt_twice_gives_two_ciphertexts() -> None:
    assert encrypt_bytes(b"x", context="t.c") != encrypt_bytes(b"x", context="t.c")


def test_encrypt_without_context_is_refused() -> None:
    with pytest.raises(ValueError, match="context"):
        encrypt_bytes(b"x", context="")


def test_decrypt_in_another_context_fails() -> None:
    token = encrypt_bytes(b"secret", context="t.c:1")

    with pytest.raises(DecryptionError):
        decrypt_bytes(token, context="t.c:2")


def test_decrypt_with_any_byte_changed_fails() -> None:
    token = encrypt_bytes(b"secret", context="t.c")
    for position in range(len(token)):
        altered = bytearray(token)
        altered[position] ^= 1
        with pytest.raises(DecryptionError):
            decrypt_bytes(bytes(altered), context="t.c")


def test_decrypt_of_a_stump_fails() -> None:
    with pytest.raises(DecryptionError):
        decrypt_bytes(b"\x01short", context="t.c")


def test_keys_on_first_use_are_made_for_this_user_only(settings: Settings, tmp_path: Path) -> None:
    settings.KMS_URL = f"file://{tmp_path}/keys"
    token = encrypt_bytes(b"x", context="t.c")

    files = sorted((tmp_path / "keys").iterdir())
    assert [file.name for file in files] == ["data-0001.key", "index.key"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    keys.load.cache_clear()
    assert decrypt_bytes(token, context="t.c") == b"x"


def test_decrypt_after_a_new_data_key_still_reads_the_old(
    settings: Settings, tmp_path: Path
) -> None:
    settings.KMS_URL = f"file://{tmp_path}"
    old = encrypt_bytes(b"old", context="t.c")
    new_key = tmp_path / "data-0002.key"
    new_key.touch(mode=0o600)
    new_key.write_bytes(bytes(range(32)))
    keys.load.cache_clear()
    new = encrypt_bytes(b"new", context="t.c")

    assert old[1:9] != new[1:9] == keys.key_id_of(bytes(range(32)))
    assert decrypt_bytes(old, context="t.c") == b"old"

    new_key.unlink()
    keys.load.cache_clear()
    with pytest.raises(DecryptionError, match="not on the ring"):
        decrypt_bytes(new, context="t.c")


def test_keys_outside_the_embedded_default_are_never_made_by_use(
    settings: Settings, tmp_path: Path
) -> None:
    settings.KMS_URL = f"file://{tmp_path}"
    settings.EMBEDDED = False

    with pytest.raises(ImproperlyConfigured, match="keys_create"):
        encrypt_bytes(b"x", context="t.c")
    assert list(tmp_path.iterdir()) == []

    call_command("keys_create", stdout=None)
    assert decrypt_bytes(encrypt_bytes(b"x", context="t.c"), context="t.c") == b"x"


@pytest.mark.parametrize(("mode", "content"), [(0o644, bytes(32)), (0o600, b"short")])
def test_keys_that_others_can_read_or_of_wrong_length_are_refused(
    settings: Settings, tmp_path: Path, mode: int, content: bytes
) -> None:
    settings.KMS_URL = f"file://{tmp_path}"
    (tmp_path / "data-0001.key").write_bytes(content)
    (tmp_path / "data-0001.key").chmod(mode)

    with pytest.raises(ImproperlyConfigured):
        encrypt_bytes(b"x", context="t.c")


def test_keys_of_an_unknown_scheme_are_refused(settings: Settings) -> None:
    settings.KMS_URL = "vault://here"

    with pytest.raises(ImproperlyConfigured, match="KMS_URL"):
        keys.ring()


def test_blind_index_is_equal_for_equal_values_of_one_purpose_only() -> None:
    assert blind_index("a@b.example", "users.email") == blind_index("a@b.example", "users.email")
    assert blind_index("a@b.example", "users.email") != blind_index("a@b.example", "kyc.email")
    assert len(blind_index("", "x")) == 64


@pytest.fixture
def _secret_table(db: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE test_secret (id bigserial PRIMARY KEY, text bytea)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE test_secret")


def _stored(pk: Any) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM test_secret WHERE id = %s", [pk])
        return bytes(cursor.fetchone()[0])


@pytest.mark.usefixtures("_secret_table")
def test_encrypted_field_holds_ciphertext_and_returns_text() -> None:
    row = Secret.objects.create(text="Zoë")
    empty = Secret.objects.create(text=None)

    assert "Zoë".encode() not in _stored(row.pk)
    assert Secret.objects.get(pk=row.pk).text == "Zoë"
    assert list(Secret.objects.filter(text__isnull=True)) == [empty]


@pytest.mark.usefixtures("_secret_table")
def test_encrypted_field_with_a_foreign_ciphertext_fails_to_read() -> None:
    row = Secret.objects.create(text="x")
    with connection.cursor() as cursor:
        foreign = encrypt_bytes(b"y", context="other.text")
        cursor.execute("UPDATE test_secret SET text = %s WHERE id = %s", [foreign, row.pk])

    with pytest.raises(DecryptionError):
        Secret.objects.get(pk=row.pk)


def test_encrypted_field_cannot_be_searched() -> None:
    with pytest.raises(FieldError, match="blind index"):
        Secret.objects.filter(text="x")
