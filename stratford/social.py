"""Identity providers at which clients may sign in: from the environment alone, none by default."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

FIELDS = frozenset({"name", "issuer", "client_id", "client_secret"})


def providers(text: str, *, allow_http: bool) -> dict[str, dict[str, str]]:
    """Read SOCIAL_PROVIDERS, a JSON object of OpenID Connect providers by a short id.

    `{"acme": {"name": "Acme ID", "issuer": "https://id.acme.example", "client_id": "…",
    "client_secret": "…"}}`.  Raises ImproperlyConfigured for anything else.
    """
    try:
        found: Any = json.loads(text or "{}")
    except ValueError as error:
        raise ImproperlyConfigured("SOCIAL_PROVIDERS is not JSON.") from error
    if not isinstance(found, dict):
        raise ImproperlyConfigured("SOCIAL_PROVIDERS is not a JSON object.")
    for key, provider in found.items():
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,29}", key):
            raise ImproperlyConfigured(f"SOCIAL_PROVIDERS: {key!r} is no short id.")
        if not isinstance(provider, dict) or set(provider) != FIELDS:
            raise ImproperlyConfigured(f"SOCIAL_PROVIDERS: {key} needs {sorted(FIELDS)}.")
        if not all(isinstance(value, str) and value for value in provider.values()):
            raise ImproperlyConfigured(f"SOCIAL_PROVIDERS: {key} has an empty field.")
        scheme = urlsplit(provider["issuer"]).scheme
        if scheme != "https" and not (allow_http and scheme == "http"):
            raise ImproperlyConfigured(f"SOCIAL_PROVIDERS: the issuer of {key} is not https.")
    return found
