import uuid
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from django.apps import apps
from django.core.exceptions import FieldError
from django.db import connection, models, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.infrastructure.ciphers import HEADER_BYTES
from apps.infrastructure.encryption import (
    DecryptionError,
    EncryptedJSONField,
    EncryptedTextField,
    blind_index,
    decrypt_bytes,
    encrypt_bytes,
)

pytestmark = pytest.mark.django_db


class Secret(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    text = EncryptedTextField(data_class="test", null=True)
    facts = EncryptedJSONField(data_class="test", null=True)

    objects: ClassVar[models.Manager["Secret"]] = models.Manager()

    class Meta:
        app_label = "infrastructure"
        managed = False
        db_table = "test_secret"

    def __str__(self) -> str:
        return str(self.pk)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


def test_blind_index_is_equal_for_equal_values_of_one_purpose_only() -> None:
    assert blind_index("a@b.example", "users.email") == blind_index("a@b.example", "users.email")
    assert blind_index("a@b.example", "users.email") != blind_index("a@b.example", "kyc.email")


def test_blind_index_is_cut_to_the_bits_asked_for() -> None:
    whole = blind_index("ada", "x", bits=256)

    assert len(blind_index("ada", "x")) == 32
    assert whole.startswith(blind_index("ada", "x", bits=16))
    assert len({blind_index(str(number), "x", bits=8) for number in range(1000)}) <= 256


@pytest.fixture
def _secret_table() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE test_secret (id uuid PRIMARY KEY, text bytea, facts bytea)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE test_secret")


def _stored(pk: Any) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM test_secret WHERE id = %s", [pk])
        return bytes(cursor.fetchone()[0])


def _overwrite(row: Secret, token: bytes) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE test_secret SET text = %s WHERE id = %s", [token, row.pk])


@pytest.mark.usefixtures("_secret_table")
def test_encrypted_field_holds_ciphertext_and_returns_the_value() -> None:
    row = Secret.objects.create(text="Zoë", facts={"born": ["1815"]})
    empty = Secret.objects.create(text=None)

    assert "Zoë".encode() not in _stored(row.pk)
    read = Secret.objects.get(pk=row.pk)
    assert (read.text, read.facts) == ("Zoë", {"born": ["1815"]})
    assert list(Secret.objects.filter(text__isnull=True)) == [empty]
    assert Secret.objects.get(pk=empty.pk).text is None


@pytest.mark.usefixtures("_secret_table")
def test_encrypted_field_of_many_rows_binds_each_to_its_own() -> None:
    rows = Secret.objects.bulk_create([Secret(text=f"t{number}") for number in range(5)])

    assert {row.text for row in Secret.objects.all()} == {f"t{number}" for number in range(5)}
    _overwrite(rows[0], _stored(rows[1].pk))
    with pytest.raises(DecryptionError):
        _ = Secret.objects.get(pk=rows[0].pk).text


@pytest.mark.usefixtures("_secret_table")
def test_asvs_v11_3_3_flipped_bit_swapped_row_column_or_table_fails_closed() -> None:
    row, other = Secret.objects.create(text="x"), Secret.objects.create(text="y", facts="y")
    token = _stored(row.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT facts FROM test_secret WHERE id = %s", [other.pk])
        column = bytes(cursor.fetchone()[0])
    foreign = [
        token[:-1] + bytes([token[-1] ^ 1]),
        _stored(other.pk),
        column,
        encrypt_bytes(b"y", context=f"other.text:{row.pk}", data_class="test"),
        b"plain text",
    ]
    for planted in foreign:
        _overwrite(row, planted)
        with pytest.raises(DecryptionError):
            _ = Secret.objects.get(pk=row.pk).text


@pytest.mark.usefixtures("_secret_table")
def test_encrypted_field_of_a_copied_instance_is_read_before_it_moves() -> None:
    row = Secret.objects.create(text="x")
    copied = Secret.objects.get(pk=row.pk)
    copied.pk = uuid.uuid4()

    with pytest.raises(DecryptionError), transaction.atomic():
        copied.save(force_insert=True)
    assert Secret.objects.count() == 1


@pytest.mark.usefixtures("_secret_table")
def test_encrypted_field_without_a_row_is_never_written() -> None:
    row = Secret.objects.create(text="x")

    for write in (
        lambda: Secret.objects.update(text="y"),
        lambda: Secret.objects.bulk_update([row], ["text"]),
    ):
        with pytest.raises(FieldError, match="save the instance"), transaction.atomic():
            write()
    assert Secret.objects.get(pk=row.pk).text == "x"
    assert Secret.objects.update(text=None) == 1


@pytest.mark.usefixtures("_secret_table")
def test_encrypted_field_in_values_stays_sealed() -> None:
    Secret.objects.create(text="x")

    assert repr(Secret.objects.values_list("text", flat=True)[0]) == "<sealed>"


def test_encrypted_field_cannot_be_searched() -> None:
    with pytest.raises(FieldError, match="blind index"):
        Secret.objects.filter(text="x")


def test_encrypted_field_on_a_row_the_database_numbers_is_an_error() -> None:
    class Numbered(models.Model):
        text = EncryptedTextField()

        class Meta:
            app_label = "infrastructure"
            managed = False

        def __str__(self) -> str:
            return ""

    assert [error.id for error in Numbered.check()] == ["infrastructure.E006"]
    apps.all_models["infrastructure"].pop("numbered")
    apps.clear_cache()
