"""The live venue's address and keys: from the environment alone, none by default."""

from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

# Which of the broker's environments a host is; elsewhere ALPACA_ACCOUNT alone says it.
HOSTS = {"paper-api.alpaca.markets": "PAPER", "api.alpaca.markets": "LIVE"}
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def alpaca(env: environ.Env, *, is_embedded: bool) -> dict[str, Any]:
    """Return what ALPACA_URL, _KEY_ID, _SECRET_KEY and _ACCOUNT say; empty without ALPACA_URL.

    ALPACA_ACCOUNT is PAPER or LIVE and names the broker's environment that the keys belong to: a
    slip of the address alone never turns play money into real.  Seconds throughout: `connect` and
    `answer` bound one call, `settle` is how long a request whose answer was lost may still arrive
    at the venue, `overlap` how far back fills are read again.

    Raises ImproperlyConfigured.
    """
    url = str(env.str("ALPACA_URL", default="")).rstrip("/")
    if not url:
        return {}
    account = str(env.str("ALPACA_ACCOUNT", default=""))
    keys = {"key_id": "ALPACA_KEY_ID", "secret_key": "ALPACA_SECRET_KEY"}
    given = {name: str(env.str(variable, default="")) for name, variable in keys.items()}
    parts = urlsplit(url)
    is_local = is_embedded and parts.scheme == "http" and parts.hostname in LOOPBACK
    if not (parts.hostname and (parts.scheme == "https" or is_local)) or "@" in parts.netloc:
        raise ImproperlyConfigured("ALPACA_URL is not an https address.")
    if account not in {"PAPER", "LIVE"}:
        raise ImproperlyConfigured("ALPACA_ACCOUNT is PAPER or LIVE.")
    if HOSTS.get(parts.hostname, account) != account:
        raise ImproperlyConfigured("ALPACA_ACCOUNT and ALPACA_URL name different environments.")
    if not all(given.values()):
        raise ImproperlyConfigured("ALPACA_KEY_ID and ALPACA_SECRET_KEY are both needed.")
    seconds = {"connect": 3.0, "answer": 8.0, "settle": 30.0, "overlap": 300.0}
    return {"url": url, "account": account, **given, **seconds}
