"""The Ed25519 key that signs checkpoints, in a file that only this user can read."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.infrastructure.providers.key_file import folder_of, key_read, key_write

PRIVATE_NAME = "audit-ed25519.key"
PUBLIC_NAME = "audit-ed25519.pub"


def signing_key() -> Ed25519PrivateKey:
    """Return the private key; only the embedded default makes a missing one.

    Raises ImproperlyConfigured when it is missing, readable by others, or not 32 bytes.
    """
    path = folder_of(settings.AUDIT_KEY_URL) / PRIVATE_NAME
    if not path.exists():
        if not settings.EMBEDDED:
            raise ImproperlyConfigured(f"{path} is missing: run manage.py audit_key once.")
        signing_key_create()
    return Ed25519PrivateKey.from_private_bytes(key_read(path))


def signing_key_create() -> Path:
    """Create the key if it is missing, with its public half beside it (hex); return that file."""
    folder = folder_of(settings.AUDIT_KEY_URL)
    path, public = folder / PRIVATE_NAME, folder / PUBLIC_NAME
    if key_write(path, Ed25519PrivateKey.generate().private_bytes_raw()):
        key = Ed25519PrivateKey.from_private_bytes(key_read(path)).public_key()
        public.write_text(key.public_bytes_raw().hex() + "\n")
    return public


def public_key() -> bytes:
    """Return the raw 32 bytes that anybody may have."""
    return signing_key().public_key().public_bytes_raw()
