"""Passwords that are known from breaches, looked up without asking anybody."""

import gzip
import hashlib
import mmap
import re
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

HASH_LENGTH = 40
# What people put around a known password to make it look like another.
PADDING = re.compile(r"^[\W\d_]+|[\W\d_]+$")
REPEATED = re.compile(r"(.+?)\1+")
SHORTEST_CORE = 6


@lru_cache(maxsize=1)
def _packaged() -> frozenset[str]:
    """Return some 40,000 passwords: Django's list (BSD) and that of zxcvbn (MIT), both packaged."""
    path = Path(password_validation.__file__).parent / "common-passwords.txt.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        common = {line.strip() for line in lines}
    return frozenset(common | set(FREQUENCY_LISTS["passwords"]))


def password_is_known(password: str) -> bool:
    """Tell whether the password, in any case, padded or repeated, is on a packaged list."""
    lowered = password.lower()
    core = PADDING.sub("", lowered)
    if repeated := REPEATED.fullmatch(core):
        core = repeated[1]
    known = _packaged()
    return lowered in known or (len(core) >= SHORTEST_CORE and core in known)


def password_is_in_file(password: str, path: str) -> bool:
    """Search a file of lines `SHA1-IN-HEX:COUNT`, sorted by hash, by halving.

    That is the format in which the Pwned Passwords corpus can be downloaded whole; a file of
    tens of gigabytes takes some forty reads.
    """
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    with (
        Path(path).open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text,
    ):
        low, high = 0, len(text)
        while low < high:
            start = text.rfind(b"\n", 0, (low + high) // 2) + 1
            found = text[start : start + HASH_LENGTH].upper()
            if found == wanted:
                return True
            end = text.find(b"\n", start)
            if found < wanted:
                low = len(text) if end < 0 else end + 1
            else:
                high = start
    return False


class BreachedPasswordValidator:
    """Refuses known passwords: packaged lists, and BREACHED_PASSWORDS_FILE where there is one."""

    def validate(self, password: str, user: object = None) -> None:
        path = settings.BREACHED_PASSWORDS_FILE
        if password_is_known(password) or (path and password_is_in_file(password, path)):
            raise ValidationError(
                "This password is known from breaches of other sites. Choose another.",
                code="password_breached",
            )

    def get_help_text(self) -> str:
        return "Your password must not be one that is known from breaches of other sites."
