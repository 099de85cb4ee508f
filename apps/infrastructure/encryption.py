"""Personal data at rest: AES-256-GCM by column, and blind indexes to find it again."""

import hashlib
import hmac
import secrets
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.exceptions import FieldError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.infrastructure import keys

SetT_contra = TypeVar("SetT_contra", contravariant=True)
GetT_co = TypeVar("GetT_co", covariant=True)
VERSION = b"\x01"
NONCE_BYTES = 12
HEADER_BYTES = len(VERSION) + keys.KEY_ID_BYTES + NONCE_BYTES


class DecryptionError(Exception):
    """The ciphertext was altered, moved to another place, or its key is missing."""


def _associated(header: bytes, context: str) -> bytes:
    return header + context.encode()


def encrypt_bytes(data: bytes, *, context: str) -> bytes:
    """Return version (1 byte), key id (8), nonce (12), then the AES-256-GCM ciphertext and tag.

    `context` says where the value lives (`table.column` or `table.column:row`); it is
    authenticated, so that a value copied elsewhere does not decrypt.
    """
    if not context:
        raise ValueError("An encrypted value needs a context.")
    key = keys.ring().current
    nonce = secrets.token_bytes(NONCE_BYTES)
    header = VERSION + keys.key_id_of(key)
    return header + nonce + AESGCM(key).encrypt(nonce, data, _associated(header, context))


def decrypt_bytes(token: bytes, *, context: str) -> bytes:
    """Return what was encrypted in the same context.  Raises DecryptionError."""
    if len(token) < HEADER_BYTES or not token.startswith(VERSION):
        raise DecryptionError("This is not a ciphertext of a known version.")
    header = token[: HEADER_BYTES - NONCE_BYTES]
    nonce = token[HEADER_BYTES - NONCE_BYTES : HEADER_BYTES]
    key = keys.ring().by_id.get(header[len(VERSION) :])
    if key is None:
        raise DecryptionError("The key of this ciphertext is not on the ring.")
    try:
        return AESGCM(key).decrypt(nonce, token[HEADER_BYTES:], _associated(header, context))
    except InvalidTag as error:
        raise DecryptionError("The ciphertext is altered or not from here.") from error


def blind_index(value: str, purpose: str) -> str:
    """Return 64 hex digits that are equal for equal values of one purpose (HMAC-SHA-256).

    The caller normalises (case, spaces).  Two purposes never share digits, so that indexes of
    two columns cannot be joined.
    """
    purpose_key = hmac.digest(keys.ring().index, purpose.encode(), hashlib.sha256)
    return hmac.new(purpose_key, value.encode(), hashlib.sha256).hexdigest()


class EncryptedTextField(models.TextField[SetT_contra, GetT_co]):
    """Text in Python, ciphertext (bytea) in the table, bound to its table and column.

    It can be tested for NULL and nothing else: to find a row, keep a `blind_index` beside it.
    """

    def get_internal_type(self) -> str:
        return "BinaryField"

    def _context(self) -> str:
        return f"{self.model._meta.db_table}.{self.column}"

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        text = value if prepared else self.get_prep_value(value)
        if text is None:
            return None
        return encrypt_bytes(str(text).encode(), context=self._context())

    def from_db_value(
        self, value: Any, expression: object, connection: BaseDatabaseWrapper
    ) -> str | None:
        if value is None:
            return None
        return decrypt_bytes(bytes(value), context=self._context()).decode()

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted and cannot be searched; use a blind index.")
        return super().get_lookup(lookup_name)
