"""Publishers of lists, each format behind the same protocol."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from json import dumps
from typing import Protocol

from apps.core.errors import Refused

# Newer than the one that a version in force was read by: the same file is read again.
READER_VERSION = "2026-11.1"


class BrokenList(Refused):
    """The file is cut short, malformed or not the list: what is in force stays in force."""

    code = "watchlist_broken"


@dataclass(frozen=True, slots=True)
class ListedName:
    """`kind` is PRIMARY, ALIAS or FORMER; `script` an ISO 15924 code, empty where it is unknown."""

    name: str
    kind: str = "ALIAS"
    is_weak: bool = False
    script: str = ""


@dataclass(frozen=True, slots=True)
class ListedIdentifier:
    """`kind` is one of terms.IDENTIFIER_KINDS; `country` is alpha-2 or empty."""

    kind: str
    value: str
    country: str = ""


@dataclass(frozen=True, slots=True)
class ListedEntity:
    """One entry in the terms of every list.

    `kind` is PERSON, ORGANISATION, VESSEL or AIRCRAFT; birth dates are ISO days, months or years,
    countries alpha-2: `nationalities` those of a person, `countries` every one that ties the entry
    to a place.  `gender` is F, M or empty.
    """

    uid: str
    kind: str
    names: tuple[ListedName, ...]
    programmes: tuple[str, ...] = ()
    birth_dates: tuple[str, ...] = ()
    birth_places: tuple[str, ...] = ()
    nationalities: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    gender: str = ""
    identifiers: tuple[ListedIdentifier, ...] = ()
    remarks: str = ""

    @property
    def content_hash(self) -> str:
        """Return SHA-256 (hex) over everything the entry says; the order of the file counts not."""
        content = (
            *(self.uid, self.kind, self.gender, self.remarks),
            sorted((one.name, one.kind, one.is_weak, one.script) for one in self.names),
            sorted((one.kind, one.value, one.country) for one in self.identifiers),
            *map(sorted, (self.programmes, self.birth_dates, self.birth_places)),
            *map(sorted, (self.nationalities, self.countries, self.addresses)),
        )
        return sha256(dumps(content).encode()).hexdigest()


class WatchlistProvider(Protocol):
    """One list in one format, read from files on this machine."""

    @property
    def format(self) -> str: ...

    @property
    def default_code(self) -> str:
        """Return what the list is called when nobody says otherwise; "" if files do not tell."""
        ...

    @property
    def share_read(self) -> float:
        """Return how much of the files was read by now, 0 to 1."""
        ...

    def issued(self) -> date | None:
        """Return the day on which the publisher says it issued the list, where it says so."""
        ...

    def checksum(self) -> str:
        """Return SHA-256 (hex) over the files; raises BrokenList when one is absent."""
        ...

    def entities(self) -> Iterator[ListedEntity]:
        """Yield each entry once; raises BrokenList."""
        ...
