"""One interface to whatever holds the key-encryption keys; KMS_URL chooses the provider."""

from functools import lru_cache
from typing import Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.core.errors import DomainError


class KeyServiceDown(Exception):
    """The provider did not answer; asking again may work."""


class KeyRefused(DomainError):
    """The provider answered no: an altered or foreign wrapped key, or a key it does not have."""

    code = "key_refused"


class KeyEncryption(Protocol):
    """Wraps data keys under key-encryption keys that stay with the provider.

    `label` says what the wrapped key is for and is authenticated with it.  A key-encryption key's
    id begins with `prefix`.  Every call may raise KeyServiceDown or KeyRefused.
    """

    prefix: str

    def prepare(self) -> None:
        """Create the first key-encryption key if there is none."""

    def current(self) -> str:
        """Return the id of the key-encryption key that wraps now."""

    def rotate(self) -> str:
        """Make a new key-encryption key and wrap with it from now on; return its id."""

    def wrap(self, key: bytes, *, label: str) -> tuple[str, bytes]:
        """Return the id of the key-encryption key used, and the wrapped key."""

    def unwrap(self, wrapped: bytes, *, kek_id: str, label: str) -> bytes:
        """Return the key."""


@lru_cache(maxsize=8)
def provider(url: str) -> KeyEncryption:
    """Return the provider of `file://`, `pkcs11:` or `aws-kms:`.  Raises ImproperlyConfigured.

    Imports are made here: only the provider in use needs its library.
    """
    scheme = url.partition(":")[0]
    match scheme:
        case "file":
            from apps.infrastructure.providers.key_file import FileKeys  # noqa: PLC0415

            return FileKeys(url)
        case "pkcs11":
            from apps.infrastructure.providers.pkcs11_token import TokenKeys  # noqa: PLC0415

            return TokenKeys(url)
        case "aws-kms":
            from apps.infrastructure.providers.aws_kms import AwsKeys  # noqa: PLC0415

            return AwsKeys(url)
    raise ImproperlyConfigured("KMS_URL must be file://…, pkcs11:… or aws-kms:….")


def configured() -> KeyEncryption:
    """Return the provider that wraps."""
    return provider(settings.KMS_URL)


def owner_of(kek_id: str) -> KeyEncryption:
    """Return the provider of that key-encryption key: KMS_URL's, or the one it took over from."""
    for url in (settings.KMS_URL, settings.KMS_PREVIOUS_URL):
        if url and kek_id.startswith(provider(url).prefix):
            return provider(url)
    raise KeyRefused("No configured provider has this key-encryption key.")
