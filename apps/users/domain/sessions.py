"""How long a sign-in lasts, and how its device and place read."""

from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address

import icu
from iptocc import country_code
from ua_parser import parse

USER_AGENT_LENGTH = 200
# Where a portal session notes how its user proved who they are (RFC 8176).
METHODS_KEY = "methods"


def idle_end(
    *, signed_in_at: datetime, last_used_at: datetime, idle_seconds: int, absolute_seconds: int
) -> datetime:
    """Return when the session ends unless it is used: the idle limit, never past the absolute."""
    return min(
        last_used_at + timedelta(seconds=idle_seconds),
        signed_in_at + timedelta(seconds=absolute_seconds),
    )


@lru_cache(maxsize=512)
def device_words(user_agent: str) -> str:
    """Return "Firefox on Linux" from a User-Agent header; what the header says may be a lie."""
    if not user_agent:
        return "Unknown device"
    found = parse(user_agent[:USER_AGENT_LENGTH])
    program = found.user_agent.family if found.user_agent else ""
    system = found.os.family if found.os else ""
    words = " on ".join(part for part in (program, system) if part)
    return words or "Unknown device"


def country_of(address: str) -> str:
    """Return the ISO 3166 code of the country in whose registry the address's network is.

    That is where the network's holder is registered (RIR data in the package `iptocc`), mostly but
    not always where the device is.  "" for private, unknown and malformed addresses.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    mapped = getattr(parsed, "ipv4_mapped", None)
    return country_code(str(mapped or parsed)) or ""


def place_words(address: str) -> str:
    """Return "Ireland", "This machine or network" or "Unknown place" for an address."""
    code = country_of(address)
    if code:
        return str(icu.Locale("und", code).getDisplayCountry(icu.Locale.getEnglish()))
    try:
        is_near = ip_address(address).is_private
    except ValueError:
        is_near = False
    return "This machine or network" if is_near else "Unknown place"
