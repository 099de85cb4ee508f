"""OFAC's SDN list in its CSV form: sdn.csv, alt.csv and add.csv, joined by the entry's number.

Source: US Treasury, "SDN data specification": no header, 12 / 5 / 6 columns, `-0-` is null, the
last row is the character 0x1A.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path

from rigour.territories import lookup_territory

from apps.compliance.providers import BrokenList, ListedEntity, ListedName

COLUMNS = {"sdn.csv": 12, "alt.csv": 5, "add.csv": 6}
NULL = "-0-"
END_OF_FILE = "\x1a"
KINDS = {"individual": "PERSON", "vessel": "VESSEL", "aircraft": "AIRCRAFT"}
BIRTH = re.compile(r"\bDOB (?:circa )?([^;.]*)")
FULL_DATE = re.compile(r"\b\d{1,2} [A-Z][a-z]{2} \d{4}\b")
YEAR = re.compile(r"\b(1[89]\d\d|20\d\d)\b")
COUNTRY = re.compile(r"\b(?:nationality|citizen) ([^;.]+)")
WEAK_ALIAS = re.compile(r"a\.k\.a\. '([^']+)'")
MAX_FIELD = 4000


class OfacFolder:
    """The three files in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def checksum(self) -> str:
        digests = []
        for name in COLUMNS:
            try:
                with (self.folder / name).open("rb") as file:
                    digests.append(file_digest(file, "sha256").hexdigest())
            except OSError as error:
                raise BrokenList(f"{name} cannot be read.", file=name) from error
        return sha256("".join(digests).encode()).hexdigest()

    def entities(self) -> Iterator[ListedEntity]:
        aliases: dict[str, list[str]] = defaultdict(list)
        for uid, _, _, name, _ in self._rows("alt.csv"):
            aliases[uid].append(name)
        places: dict[str, set[str]] = defaultdict(set)
        for uid, _, _, _, country, _ in self._rows("add.csv"):
            places[uid] |= _countries([country])
        for row in self._rows("sdn.csv"):
            yield _entity(row, aliases.pop(row[0], []), places.pop(row[0], set()))
        if aliases:
            raise BrokenList("alt.csv names entries that sdn.csv does not have.", file="alt.csv")

    def _rows(self, name: str) -> Iterator[list[str]]:
        """Yield the rows, null as empty text; the last row must be the end mark."""
        try:
            with (self.folder / name).open(encoding="utf-8", errors="strict", newline="") as file:
                ended = False
                for number, row in enumerate(csv.reader(file, strict=True), start=1):
                    if ended:
                        raise BrokenList("Rows follow the end mark.", file=name, row=str(number))
                    if row[:1] == [END_OF_FILE]:
                        ended = True
                        continue
                    yield _checked(row, name, number)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise BrokenList(f"{name} cannot be read.", file=name) from error
        if not ended:
            raise BrokenList(f"{name} is cut short: its end mark is missing.", file=name)


def _checked(row: list[str], name: str, number: int) -> list[str]:
    values = ["" if value.strip() == NULL else value.strip() for value in row]
    if len(values) != COLUMNS[name] or not values[0].isdecimal():
        raise BrokenList(f"Row {number} of {name} is malformed.", file=name, row=str(number))
    if any(len(value) > MAX_FIELD or "\x00" in value for value in values):
        raise BrokenList(f"Row {number} of {name} is malformed.", file=name, row=str(number))
    return values


def _entity(row: list[str], aliases: list[str], places: set[str]) -> ListedEntity:
    uid, name, kind, programmes, *_, remarks = row
    if not name:
        raise BrokenList("An entry has no name.", file="sdn.csv", uid=uid)
    kind = KINDS.get(kind, "ORGANISATION")
    weak = WEAK_ALIAS.findall(remarks)
    names = {_natural(name, kind): ListedName(_natural(name, kind), is_primary=True)}
    for alias in (_natural(alias, kind) for alias in aliases if alias):
        names.setdefault(alias, ListedName(alias))
    for alias in (_natural(alias, kind) for alias in weak):
        names.setdefault(alias, ListedName(alias, is_weak=True))
    return ListedEntity(
        uid=uid,
        kind=kind,
        names=tuple(names.values()),
        programmes=tuple(re.findall(r"[A-Z0-9][A-Z0-9-]*", programmes)),
        birth_dates=_birth_dates(remarks),
        countries=tuple(sorted(places | _countries(COUNTRY.findall(remarks)))),
        remarks=remarks,
    )


def _natural(name: str, kind: str) -> str:
    """Turn `FAMILY, Given` into `Given FAMILY`; a company's comma stays."""
    if kind != "PERSON" or "," not in name:
        return name
    family, _, given = name.partition(",")
    return f"{given.strip()} {family.strip()}".strip()


def _birth_dates(remarks: str) -> tuple[str, ...]:
    found: set[str] = set()
    for text in BIRTH.findall(remarks):
        if full := FULL_DATE.search(text):
            day = datetime.strptime(full.group(), "%d %b %Y")  # noqa: DTZ007 - a day has no zone
            found.add(day.date().isoformat())
        else:
            found |= {*YEAR.findall(text)}
    return tuple(sorted(found))


def _countries(names: list[str]) -> set[str]:
    territories = (lookup_territory(name) for name in names if name)
    return {territory.code[:2].upper() for territory in territories if territory is not None}
