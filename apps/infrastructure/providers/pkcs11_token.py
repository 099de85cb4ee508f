"""Key-encryption keys in an HSM: they are made there, cannot be read, and wrap inside."""

import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote

import pkcs11
from django.core.exceptions import ImproperlyConfigured
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import (
    ArgumentsBad,
    DataInvalid,
    DataLenRange,
    EncryptedDataInvalid,
    EncryptedDataLenRange,
    GeneralError,
    NoSuchKey,
    PKCS11Error,
)

from apps.infrastructure.providers.key_encryption import KeyRefused, KeyServiceDown

T = TypeVar("T")
NONCE_BYTES = 12
TAG_BITS = 128
# In place of the process that opened the session.
UNUSED, STALE = 0, -1
WRAPPED_BYTES = NONCE_BYTES + 32 + TAG_BITS // 8
ANSWERS_NO = (
    *(ArgumentsBad, DataInvalid, DataLenRange, EncryptedDataInvalid, EncryptedDataLenRange),
    *(GeneralError, NoSuchKey),
)


class TokenKeys:
    """An RFC 7512 address: `pkcs11:token=NAME;object=NAME?module-path=FILE&pin-source=file:FILE`.

    The key-encryption keys are labelled `<object>-0001` and on.  One session a process, opened on
    first use and so after fork; a token's session serves one thread at a time.
    """

    def __init__(self, url: str) -> None:
        path, _, query = url.removeprefix("pkcs11:").partition("?")
        named = dict(part.partition("=")[::2] for part in path.split(";"))
        options = {name: values[0] for name, values in parse_qs(query).items()}
        try:
            self.token, self.object = unquote(named["token"]), unquote(named["object"])
            self.module, pin_source = options["module-path"], options["pin-source"]
        except KeyError as error:
            raise ImproperlyConfigured(f"KMS_URL lacks {error.args[0]}.") from error
        self.pin_file = Path(pin_source.removeprefix("file://").removeprefix("file:"))
        self.prefix = f"pkcs11:{self.token}:"
        self._lock = threading.Lock()
        self._session: Any = None
        self._pid = UNUSED

    def prepare(self) -> None:
        if not self._run(self._labels):
            self._run(lambda session: self._make(session, 1))

    def current(self) -> str:
        return self.prefix + self._run(self._newest)

    def rotate(self) -> str:
        def make(session: Any) -> str:
            labels = self._labels(session)
            return self._make(session, int(labels[-1].rpartition("-")[2]) + 1 if labels else 1)

        return self.prefix + self._run(make)

    def wrap(self, key: bytes, *, label: str) -> tuple[str, bytes]:
        nonce = secrets.token_bytes(NONCE_BYTES)

        def seal(session: Any) -> tuple[str, bytes]:
            name = self._newest(session)
            return self.prefix + name, nonce + self._key(session, name).encrypt(
                key, mechanism=Mechanism.AES_GCM, mechanism_param=_gcm(nonce, label)
            )

        return self._run(seal)

    def unwrap(self, wrapped: bytes, *, kek_id: str, label: str) -> bytes:
        if len(wrapped) != WRAPPED_BYTES:
            raise KeyRefused("This is not a wrapped key.")
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]

        def unseal(session: Any) -> bytes:
            return bytes(
                self._key(session, kek_id.removeprefix(self.prefix)).decrypt(
                    sealed, mechanism=Mechanism.AES_GCM, mechanism_param=_gcm(nonce, label)
                )
            )

        return self._run(unseal)

    def _run(self, ask: Callable[[Any], T]) -> T:
        with self._lock:
            try:
                return ask(self._open())
            except ANSWERS_NO as error:
                raise KeyRefused("The token refused the key.") from error
            except (PKCS11Error, OSError) as error:
                # A lost session or token: the next call starts the library again.
                self._session, self._pid = None, STALE
                raise KeyServiceDown(f"The token failed: {type(error).__name__}.") from error

    def _open(self) -> Any:
        library = pkcs11.lib(self.module)
        if self._pid not in (UNUSED, os.getpid()):
            # After a fork, too: a child must not use its parent's session or library state.
            library.reinitialize()
            self._session = None
        self._pid = os.getpid()
        if self._session is None:
            token = library.get_token(token_label=self.token)
            self._session = token.open(rw=True, user_pin=self.pin_file.read_text().strip())
        return self._session

    def _labels(self, session: Any) -> list[str]:
        keys = session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY})
        return sorted(key.label for key in keys if key.label.startswith(f"{self.object}-"))

    def _newest(self, session: Any) -> str:
        labels = self._labels(session)
        if not labels:
            raise ImproperlyConfigured("No key in the token: run manage.py keys_create once.")
        return labels[-1]

    def _key(self, session: Any, label: str) -> Any:
        return session.get_key(object_class=ObjectClass.SECRET_KEY, label=label)

    def _make(self, session: Any, number: int) -> str:
        label = f"{self.object}-{number:04}"
        session.generate_key(
            KeyType.AES,
            256,
            label=label,
            store=True,
            template={
                Attribute.SENSITIVE: True,
                Attribute.EXTRACTABLE: False,
                Attribute.ENCRYPT: True,
                Attribute.DECRYPT: True,
            },
        )
        return label


def _gcm(nonce: bytes, label: str) -> GCMParams:
    return GCMParams(nonce, label.encode(), TAG_BITS)
