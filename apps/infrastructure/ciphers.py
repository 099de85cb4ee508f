"""What a ciphertext looks like, and the keyed digests that find a value without showing it."""

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag

from apps.infrastructure.keys import (
    INDEX_CLASS,
    KEY_ID_BYTES,
    DecryptionError,
    current_key,
    key_by_id,
)

VERSION = b"\x01"
NONCE_BYTES = 12
NONCE_FROM = len(VERSION) + KEY_ID_BYTES
HEADER_BYTES = NONCE_FROM + NONCE_BYTES
INDEX_BITS = 128


def encrypt_bytes(data: bytes, *, context: str, data_class: str = "personal") -> bytes:
    """Return version (1 byte), key id (8), nonce (12), then the AES-256-GCM ciphertext and tag.

    `context` says where the value lives (`table.column:row`); it is authenticated, so that a value
    copied elsewhere does not decrypt.  Nonces are random: a key must encrypt fewer than 2**32
    values (NIST SP 800-38D, 8.3).  Raises Unavailable when the key service does not answer.
    """
    if not context:
        raise ValueError("An encrypted value needs a context.")
    key = current_key(data_class)
    header = VERSION + key.header_id
    nonce = secrets.token_bytes(NONCE_BYTES)
    return header + nonce + key.cipher.encrypt(nonce, data, header + context.encode())


def decrypt_bytes(token: bytes, *, context: str) -> bytes:
    """Return what was encrypted in the same context.  Raises DecryptionError, or Unavailable."""
    if len(token) < HEADER_BYTES or not token.startswith(VERSION):
        raise DecryptionError("This is not a ciphertext of a known version.")
    header, nonce = token[:NONCE_FROM], token[NONCE_FROM:HEADER_BYTES]
    cipher = key_by_id(header[len(VERSION) :]).cipher
    try:
        return cipher.decrypt(nonce, token[HEADER_BYTES:], header + context.encode())
    except InvalidTag as error:
        raise DecryptionError("The ciphertext is altered or not from here.") from error


def key_id_of(token: bytes) -> bytes:
    """Return the id of the key that a ciphertext names."""
    return token[len(VERSION) : NONCE_FROM]


def blind_index(value: str, purpose: str, *, bits: int = INDEX_BITS) -> str:
    """Return the first `bits` of HMAC-SHA-256 in hex: equal for equal values of one purpose.

    The caller normalises (case, spaces).  Two purposes never share digits, so that indexes of two
    columns cannot be joined.  128 bits are as good as an identity.  A column of people's data takes
    fewer, so that different people share an index: whoever reads the table cannot tell who is the
    same person or count a name, and a look-up decrypts the few rows found and compares.
    """
    purpose_key = hmac.digest(current_key(INDEX_CLASS).raw, purpose.encode(), hashlib.sha256)
    return hmac.digest(purpose_key, value.encode(), hashlib.sha256).hex()[: bits // 4]
