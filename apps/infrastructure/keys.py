"""The keys that protect personal data at rest, in files that only this user can read."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

KEY_BYTES = 32
KEY_ID_BYTES = 8
FIRST_DATA_KEY = "data-0001.key"
INDEX_KEY = "index.key"


def key_id_of(key: bytes) -> bytes:
    """Return the public name of a key: a digest that tells nothing about it."""
    return hashlib.sha256(b"stratford key id" + key).digest()[:KEY_ID_BYTES]


@dataclass(frozen=True, repr=False)
class KeyRing:
    """The data key in use, every data key by its id, and the key of the blind indexes."""

    current: bytes
    by_id: dict[bytes, bytes]
    index: bytes


def keys_folder() -> Path:
    """Return the folder that KMS_URL names.  Raises ImproperlyConfigured for other schemes."""
    url = urlsplit(settings.KMS_URL)
    if url.scheme != "file" or not url.path:
        raise ImproperlyConfigured("KMS_URL must be file:///a/folder.")
    return Path(url.path)


def keys_create(folder: Path) -> None:
    """Create the keys that are missing; existing ones stay.  Safe to run many times at once."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (FIRST_DATA_KEY, INDEX_KEY):
        if (folder / name).exists():
            continue
        draft = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_bytes(secrets.token_bytes(KEY_BYTES))
        try:
            # A link either takes the name or fails: a reader never sees half a key.
            os.link(draft, folder / name)
        except FileExistsError:
            continue
        finally:
            draft.unlink()


def _read(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise ImproperlyConfigured(f"{path} must not be readable by others (chmod 600).")
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ImproperlyConfigured(f"{path} is not a key of {KEY_BYTES} bytes.")
    return key


@lru_cache(maxsize=4)
def load(folder: Path) -> KeyRing:
    """Read the ring: `data-*.key` (the last by name encrypts, all decrypt) and `index.key`.

    Only the embedded default makes missing keys; elsewhere they are created on purpose, once, by
    `manage.py keys_create`.  Raises ImproperlyConfigured.
    """
    if settings.EMBEDDED:
        keys_create(folder)
    names = sorted(folder.glob("data-*.key"))
    if not names or not (folder / INDEX_KEY).exists():
        raise ImproperlyConfigured(f"No keys in {folder}: run manage.py keys_create once.")
    keys = [_read(path) for path in names]
    return KeyRing(
        current=keys[-1],
        by_id={key_id_of(key): key for key in keys},
        index=_read(folder / INDEX_KEY),
    )


def ring() -> KeyRing:
    """Return the configured key ring."""
    return load(keys_folder())
