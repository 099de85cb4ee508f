"""The Ed25519 key that signs checkpoints, in a file that only this user can read."""

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.infrastructure.keys import keys_folder

PRIVATE_NAME = "audit-ed25519.key"
PUBLIC_NAME = "audit-ed25519.pub"


def signing_key() -> Ed25519PrivateKey:
    """Return the private key; only the embedded default makes a missing one.

    Raises ImproperlyConfigured when it is missing, readable by others, or not 32 bytes.
    """
    path = keys_folder() / PRIVATE_NAME
    if not path.exists():
        if not settings.EMBEDDED:
            raise ImproperlyConfigured(f"{path} is missing: run manage.py audit_key once.")
        signing_key_create(path.parent)
    if path.stat().st_mode & 0o077:
        raise ImproperlyConfigured(f"{path} must not be readable by others (chmod 600).")
    raw = path.read_bytes()
    if len(raw) != 32:
        raise ImproperlyConfigured(f"{path} is not an Ed25519 key of 32 bytes.")
    return Ed25519PrivateKey.from_private_bytes(raw)


def signing_key_create(folder: Path) -> None:
    """Create the key if it is missing, and write its public half beside it (hex)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / PRIVATE_NAME
    draft = folder / f".{PRIVATE_NAME}.{os.getpid()}.{secrets.token_hex(4)}"
    draft.touch(mode=0o600)
    draft.write_bytes(Ed25519PrivateKey.generate().private_bytes_raw())
    try:
        # A link either takes the name or fails: a reader never sees half a key.
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    public = Ed25519PrivateKey.from_private_bytes(path.read_bytes()).public_key()
    (folder / PUBLIC_NAME).write_text(public.public_bytes_raw().hex() + "\n")


def public_key() -> bytes:
    """Return the raw 32 bytes that anybody may have."""
    return signing_key().public_key().public_bytes_raw()
