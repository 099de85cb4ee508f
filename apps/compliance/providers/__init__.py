"""Publishers of lists, each behind the same protocol."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from json import dumps
from typing import Protocol

from apps.core.errors import Refused


class BrokenList(Refused):
    """The file is cut short, malformed or not the list: what is in force stays in force."""

    code = "watchlist_broken"


@dataclass(frozen=True)
class ListedName:
    name: str
    is_primary: bool = False
    is_weak: bool = False


@dataclass(frozen=True)
class ListedEntity:
    """One entry in the terms of every list; dates are ISO days or years, countries alpha-2."""

    uid: str
    kind: str
    names: tuple[ListedName, ...]
    programmes: tuple[str, ...]
    birth_dates: tuple[str, ...]
    countries: tuple[str, ...]
    remarks: str

    @property
    def content_hash(self) -> str:
        return sha256(dumps(asdict(self), sort_keys=True).encode()).hexdigest()


class WatchlistProvider(Protocol):
    def checksum(self) -> str:
        """Return SHA-256 (hex) over the files; raises BrokenList when one is absent."""
        ...

    def entities(self) -> Iterator[ListedEntity]:
        """Yield each entry once; raises BrokenList."""
        ...
