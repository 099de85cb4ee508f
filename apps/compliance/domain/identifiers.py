"""Numbers of documents and registers in one writing, so that two of them can be compared."""

import re

from stdnum import bic, imo, lei

SEPARATORS = re.compile(r"[^0-9A-Z]")
LEAST_DIGITS = 4
CHECKED = {"LEI": lei, "BIC": bic, "IMO": imo}
# One document each: another number of the same kind and country is somebody else.
UNIQUE_KINDS = frozenset({"LEI", "IMO", "NATIONAL_ID", "TAX_ID"})


def identifier_normal(kind: str, value: str, country: str = "") -> str:
    """Return `KIND COUNTRY VALUE` in capitals without separators; "" for what identifies nobody.

    Too few digits, or one digit again and again, is no number of anybody.
    """
    text = SEPARATORS.sub("", value.upper())
    if kind in CHECKED and CHECKED[kind].is_valid(value):
        text = CHECKED[kind].compact(value).upper()
    digits = [letter for letter in text if letter.isdigit()]
    if len(text) > 64 or (kind != "BIC" and (len(digits) < LEAST_DIGITS or len(set(text)) == 1)):
        return ""
    return f"{kind} {country or '--'} {text}"


def identifiers_shared(ours: frozenset[str], theirs: frozenset[str]) -> tuple[str, str] | None:
    """Return the first two that are one number; a country or kind left open fits any."""
    for one in sorted(ours):
        for other in sorted(theirs):
            if _is_same(one.split(" "), other.split(" ")):
                return one, other
    return None


def identifiers_contradict(ours: frozenset[str], theirs: frozenset[str]) -> tuple[str, str] | None:
    """Return two numbers of a kind of which nobody has two, from one country, that differ."""
    for one in sorted(ours):
        kind, country, value = one.split(" ")
        for other in sorted(theirs):
            if kind in UNIQUE_KINDS and other.startswith(f"{kind} {country} ") and country != "--":
                return (one, other) if not other.endswith(f" {value}") else None
    return None


def identifier_value(identifier: str) -> str:
    """Return the number alone, by which it is looked up."""
    return identifier.rpartition(" ")[2]


def _is_same(one: list[str], other: list[str]) -> bool:
    return (
        one[2] == other[2]
        and (one[0] == other[0] or "OTHER" in {one[0], other[0]})
        and (one[1] == other[1] or "--" in {one[1], other[1]})
    )
