"""Key-encryption keys in a folder, in files that only this user can read: the embedded default."""

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.infrastructure.providers.key_encryption import KeyRefused

KEY_BYTES = 32
NONCE_BYTES = 12
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + 16


def folder_of(url: str) -> Path:
    """Return the folder that a file:// address names.  Raises ImproperlyConfigured."""
    parts = urlsplit(url)
    if parts.scheme != "file" or not parts.path:
        raise ImproperlyConfigured("The keys' address must be file:///a/folder.")
    return Path(parts.path)


def key_write(path: Path, key: bytes) -> bool:
    """Write the key so that nobody sees half of it; False when the name was taken already.

    It is on the disk when this returns: what it wraps is committed soon after, and a power failure
    must not take the key alone.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    with draft.open("wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link either takes the name or fails.
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    _folder_sync(path.parent)
    return True


def _folder_sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def key_read(path: Path) -> bytes:
    """Return the 32 bytes.  Raises ImproperlyConfigured when others can read them."""
    if path.stat().st_mode & 0o077:
        raise ImproperlyConfigured(f"{path} must not be readable by others (chmod 600).")
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ImproperlyConfigured(f"{path} is not a key of {KEY_BYTES} bytes.")
    return key


class FileKeys:
    """`kek-0001.key` and on; the last by name wraps, all unwrap."""

    prefix = "file:"

    def __init__(self, url: str) -> None:
        self.folder = folder_of(url)

    def prepare(self) -> None:
        if not self._names():
            key_write(self.folder / "kek-0001.key", secrets.token_bytes(KEY_BYTES))

    def current(self) -> str:
        if settings.EMBEDDED:
            # Elsewhere keys are made on purpose: no replica invents one of its own.
            self.prepare()
        names = self._names()
        if not names:
            raise ImproperlyConfigured(f"No key in {self.folder}: run manage.py keys_create once.")
        return self.prefix + names[-1]

    def rotate(self) -> str:
        self.prepare()
        number = int(self._names()[-1].rpartition("-")[2])
        while not key_write(
            self.folder / f"kek-{(number := number + 1):04}.key", secrets.token_bytes(KEY_BYTES)
        ):
            pass
        return self.current()

    def wrap(self, key: bytes, *, label: str) -> tuple[str, bytes]:
        kek_id = self.current()
        nonce = secrets.token_bytes(NONCE_BYTES)
        return kek_id, nonce + self._cipher(kek_id).encrypt(nonce, key, label.encode())

    def unwrap(self, wrapped: bytes, *, kek_id: str, label: str) -> bytes:
        if len(wrapped) != WRAPPED_BYTES:
            raise KeyRefused("This is not a wrapped key.")
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return self._cipher(kek_id).decrypt(nonce, sealed, label.encode())
        except InvalidTag as error:
            raise KeyRefused("The wrapped key is altered or not from here.") from error

    def _names(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("kek-*.key"))

    def _cipher(self, kek_id: str) -> AESGCM:
        name = kek_id.removeprefix(self.prefix)
        if name not in self._names():
            raise KeyRefused("This key-encryption key is not in the folder.")
        return AESGCM(key_read(self.folder / f"{name}.key"))
