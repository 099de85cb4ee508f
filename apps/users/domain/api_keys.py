"""What an API key looks like: a prefix that scanners know, 190 random bits, and a checksum."""

import re
import secrets
import string
import zlib

PREFIXES = {"LIVE": "sk_live_", "PAPER": "sk_test_"}
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 32  # of 62 symbols: 190 bits
CHECK_LENGTH = 6
HINT_LENGTH = 4
KEY = re.compile(rf"(sk_live_|sk_test_)[0-9A-Za-z]{{{RANDOM_LENGTH + CHECK_LENGTH}}}", re.ASCII)


def _check(text: str) -> str:
    """Return CRC-32 in base 62: what a scanner can verify without asking us."""
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(CHECK_LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        digits = ALPHABET[rest] + digits
    return digits


def key_make(mode: str) -> str:
    """Return a new key for the mode (LIVE or PAPER), from the system's random source."""
    text = PREFIXES[mode] + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return text + _check(text)


def is_key(text: str) -> bool:
    """Tell whether the text could be a key: its form and its checksum are right."""
    return bool(KEY.fullmatch(text)) and _check(text[:-CHECK_LENGTH]) == text[-CHECK_LENGTH:]


def key_hint(text: str) -> str:
    """Return as much of the key as its owner needs to tell it from others."""
    return text[: len(PREFIXES["LIVE"]) + HINT_LENGTH]
