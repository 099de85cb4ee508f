"""Data keys: one a data class and version, wrapped in the database, in the clear only in memory.

A process keeps a key for KEY_SECONDS and asks every VERSION_SECONDS which one is current; so a new
version is in use everywhere after VERSION_SECONDS, and a key withdrawn at the provider is dead
after KEY_SECONDS.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import pybreaker
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import connections, router

from apps.core.errors import Unavailable
from apps.infrastructure.providers.key_encryption import (
    KeyEncryption,
    KeyRefused,
    KeyServiceDown,
    configured,
    owner_of,
)
from apps.infrastructure.resilience import breaker, retrying

if TYPE_CHECKING:
    from apps.infrastructure.models import DataKey

T = TypeVar("T")
KEY_BYTES = 32
KEY_ID_BYTES = 8
VERSION_SECONDS = 10.0
KEY_SECONDS = 300.0
# The class of the one key that never changes: an index under another key would find nothing.
INDEX_CLASS = "blind-index"


class DecryptionError(Exception):
    """The ciphertext was altered, moved to another place, or its key is missing."""


@dataclass(frozen=True, repr=False)
class Key:
    """One data key in the clear; `header_id` goes into the ciphertext."""

    header_id: bytes
    raw: bytes
    cipher: AESGCM
    use_until: float


_current: dict[str, tuple[Key, float]] = {}
_by_id: dict[bytes, Key] = {}


def forget() -> None:
    """Drop every key that this process holds in the clear."""
    _current.clear()
    _by_id.clear()


def current_key(data_class: str) -> Key:
    """Return the key that encrypts the class now; the first use of a class makes its key.

    Raises Unavailable when the key service does not answer.
    """
    held = _current.get(data_class)
    if held is not None and time.monotonic() < held[1]:
        return held[0]
    # From the question on: the provider may take its time, and a rotation meanwhile only waits for
    # VERSION_SECONDS.
    until = time.monotonic() + VERSION_SECONDS
    row = newest(data_class) or _create(data_class)
    key = _open(row)
    _current[data_class] = (key, min(until, key.use_until))
    return key


def key_by_id(key_id: bytes) -> Key:
    """Return the key of a ciphertext.  Raises DecryptionError without it, or Unavailable."""
    key = _by_id.get(key_id)
    if key is not None and time.monotonic() < key.use_until:
        return key
    row = _rows().objects.filter(key_id=key_id).first()
    if row is None:
        raise DecryptionError("The key of this ciphertext does not exist.")
    return _open(row)


def newest(data_class: str) -> "DataKey | None":
    """Return the row of the class's highest version."""
    return _rows().objects.filter(data_class=data_class).order_by("-version").first()


def drafted(data_class: str, version: int) -> "DataKey":
    """Return a new key's row, wrapped and not yet stored."""
    row = _rows()(data_class=data_class, version=version, key_id=secrets.token_bytes(KEY_ID_BYTES))
    raw = secrets.token_bytes(KEY_BYTES)
    row.kek_id, row.wrapped = asked(lambda: configured().wrap(raw, label=row.label))
    return row


def rewrapped(row: "DataKey") -> "DataKey":
    """Return the row with its key under the provider's current key-encryption key."""
    raw = _unwrap(row)
    row.kek_id, row.wrapped = asked(lambda: configured().wrap(raw, label=row.label))
    return row


def provider() -> KeyEncryption:
    """Return the provider that KMS_URL names."""
    return configured()


def asked(ask: Callable[[], T]) -> T:
    """Ask the provider through its circuit breaker, again where that may help.

    Raises Unavailable when it does not answer, DecryptionError when it refuses.
    """
    try:
        answer: T = retrying(KeyServiceDown)(lambda: breaker("keys").call(ask))()
    except KeyRefused as error:
        raise DecryptionError(error.message) from error
    except (KeyServiceDown, pybreaker.CircuitBreakerError) as error:
        raise Unavailable("The key service does not answer.", code="keys_unavailable") from error
    return answer


def _rows() -> "type[DataKey]":
    # The models use the encrypted fields, which use this module: only now is the table known.
    from apps.infrastructure.models import DataKey  # noqa: PLC0415

    return DataKey


def _unwrap(row: "DataKey") -> bytes:
    def unwrap() -> bytes:
        wrapped = bytes(row.wrapped)
        return owner_of(row.kek_id).unwrap(wrapped, kek_id=row.kek_id, label=row.label)

    return asked(unwrap)


def _open(row: "DataKey") -> Key:
    key_id, now = bytes(row.key_id), time.monotonic()
    key = _by_id.get(key_id)
    if key is None or now >= key.use_until:
        raw = _unwrap(row)
        key = Key(key_id, raw, AESGCM(raw), now + KEY_SECONDS)
        for stale in [other for other, held in list(_by_id.items()) if now >= held.use_until]:
            _by_id.pop(stale, None)
        _by_id[key_id] = key
    return key


def _create(data_class: str) -> "DataKey":
    """Store the class's first key in a transaction of its own, or return what another stored.

    The caller's transaction may yet be rolled back, and a value encrypted by then must not outlive
    its key; so this uses a second connection, and commits.
    """
    draft = drafted(data_class, 1)
    own = connections[router.db_for_write(_rows())].copy()
    # Not of the pool: its connections may all wait for this key.
    own.settings_dict["OPTIONS"].pop("pool", None)
    try:
        with own.cursor() as cursor:
            cursor.execute(
                "INSERT INTO infrastructure_datakey"
                " (data_class, version, key_id, wrapped, kek_id) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (data_class, version) DO NOTHING",
                [
                    *(draft.data_class, draft.version, bytes(draft.key_id), bytes(draft.wrapped)),
                    draft.kek_id,
                ],
            )
            cursor.execute(
                "SELECT key_id, wrapped, kek_id FROM infrastructure_datakey"
                " WHERE data_class = %s AND version = 1",
                [data_class],
            )
            draft.key_id, draft.wrapped, draft.kek_id = cursor.fetchone()
    finally:
        own.close()
    return draft
