"""OFAC's SDN and consolidated lists in their CSV form: entries, aliases, addresses, comments.

Source: US Treasury, "SDN data specification": no header, 12 / 5 / 6 columns, `-0-` is null, the
last row is the character 0x1A.  What has no column of its own stands in the remarks, in the words
of https://ofac.treasury.gov/sdn-list/ (DOB, POB, nationality, Passport ... No.).
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path

from apps.compliance.providers import BrokenList, ListedEntity, ListedIdentifier
from apps.compliance.providers.files import ListFiles
from apps.compliance.providers.terms import (
    country_code,
    country_codes,
    gender_of,
    identifier_kind,
    identifiers_of,
    names_of,
    natural_order,
    texts_of,
    years_between,
)

# List code → entries, aliases, addresses, and the rest of long remarks (which may be absent).
FILES = {
    "OFAC-SDN": ("sdn.csv", "alt.csv", "add.csv", "sdn_comments.csv"),
    "OFAC-CONS": ("cons_prim.csv", "cons_alt.csv", "cons_add.csv", "cons_comments.csv"),
}
COLUMNS = (12, 5, 6, 2)
NULL = "-0-"
END_OF_FILE = "\x1a"
KINDS = {"individual": "PERSON", "vessel": "VESSEL", "aircraft": "AIRCRAFT"}
ALIAS_KINDS = {"fka": "FORMER"}
BIRTH = re.compile(r"\bDOB (?:circa )?([^;.]*)")
BIRTH_PLACE = re.compile(r"\bPOB ([^;]+)")
FULL_DATE = re.compile(r"\b\d{1,2} [A-Z][a-z]{2} \d{4}\b")
SPAN = re.compile(r"\b(\d{4}) to (?:\d{1,2} )?(?:[A-Z][a-z]{2} )?(\d{4})\b")
YEAR = re.compile(r"\b(1[89]\d\d|20\d\d)\b")
COUNTRY = re.compile(r"\b(?:nationality|citizen) ([^;.]+)")
GENDER = re.compile(r"\bGender (\w+)")
WEAK_ALIAS = re.compile(r"a\.k\.a\. '([^']+)'")
NUMBER = re.compile(
    r"(?:alt\. )?(?P<word>Passport|MMSI|SWIFT/BIC|Registration ID|Digital Currency Address - \w+"
    r"|Vessel Registration Identification(?: IMO)?"
    r"|[A-Z][^;()]{0,60}?(?:No\.|Number|ID #|#)(?: \(MSN\))?) "
    r"(?P<value>[^\s();]*\d[^();]*?|[A-Z]{8,11})"
    r"(?: \((?P<country>[^)]*)\))?(?: (?:issued|expires) .*)?\.?"
)
MAX_NUMBER = 200
NO_DOCUMENT = re.compile(r"phone|fax|order", re.IGNORECASE)
MAX_FIELD = 4000


class OfacCsv(ListFiles):
    """The files of one list in one folder."""

    format = "OFAC_CSV"

    def __init__(self, folder: Path, list_code: str) -> None:
        self.default_code = list_code
        entries, aliases, addresses, comments = (folder / name for name in FILES[list_code])
        present = (comments,) if comments.exists() else ()
        super().__init__(entries, aliases, addresses, *present)

    def entities(self) -> Iterator[ListedEntity]:
        entries, *others = self.paths
        aliases: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for uid, _, kind, name, _ in self._rows(others[0], COLUMNS[1]):
            aliases[uid].append((name, ALIAS_KINDS.get(kind.lower(), "ALIAS")))
        places: dict[str, list[list[str]]] = defaultdict(list)
        for uid, _, *address in self._rows(others[1], COLUMNS[2]):
            places[uid].append(address[:3])
        more: dict[str, list[str]] = defaultdict(list)
        for uid, comment in chain.from_iterable(
            self._rows(path, COLUMNS[3]) for path in others[2:]
        ):
            more[uid].append(comment)
        for row in self._rows(entries, COLUMNS[0]):
            row[-1] = " ".join([row[-1], *more.pop(row[0], [])]).strip()
            yield _entity(row, aliases.pop(row[0], []), places.pop(row[0], []))
        if aliases:
            name = others[0].name
            raise BrokenList(f"{name} names entries that {entries.name} does not have.", file=name)

    def _rows(self, path: Path, columns: int) -> Iterator[list[str]]:
        """Yield the rows, null as empty text; the last row must be the end mark."""
        ended = False
        with self.text(path, "utf-8") as file:
            try:
                for number, row in enumerate(csv.reader(file, strict=True), start=1):
                    if ended:
                        raise BrokenList(
                            "Rows follow the end mark.", file=path.name, row=str(number)
                        )
                    if row[:1] == [END_OF_FILE]:
                        ended = True
                        continue
                    yield _checked(row, columns, path.name, number)
            except csv.Error as error:
                raise BrokenList(f"{path.name} cannot be read.", file=path.name) from error
        if not ended:
            raise BrokenList(f"{path.name} is cut short: its end mark is missing.", file=path.name)


def _checked(row: list[str], columns: int, name: str, number: int) -> list[str]:
    values = ["" if value.strip() == NULL else value.strip() for value in row]
    if len(values) != columns or not values[0].isdecimal():
        raise BrokenList(f"Row {number} of {name} is malformed.", file=name, row=str(number))
    if any(len(value) > MAX_FIELD or "\x00" in value for value in values):
        raise BrokenList(f"Row {number} of {name} is malformed.", file=name, row=str(number))
    return values


def _entity(
    row: list[str], aliases: list[tuple[str, str]], places: list[list[str]]
) -> ListedEntity:
    uid, name, kind, programmes, _, call_sign, _, _, _, flag, _, remarks = row
    if not name:
        raise BrokenList("An entry has no name.", uid=uid)
    kind = KINDS.get(kind, "ORGANISATION")
    nationalities = country_codes(COUNTRY.findall(remarks))
    countries = country_codes([flag, *(place[-1] for place in places)])
    return ListedEntity(
        uid=uid,
        kind=kind,
        names=names_of(
            [
                (natural_order(name, kind), "PRIMARY", False),
                *((natural_order(alias, kind), alias_kind, False) for alias, alias_kind in aliases),
                *(
                    (natural_order(alias, kind), "ALIAS", True)
                    for alias in WEAK_ALIAS.findall(remarks)
                ),
            ]
        ),
        programmes=tuple(re.findall(r"[A-Z0-9][A-Z0-9-]*", programmes)),
        birth_dates=_birth_dates(remarks),
        birth_places=texts_of(place.rstrip(".") for place in BIRTH_PLACE.findall(remarks)),
        nationalities=nationalities if kind == "PERSON" else (),
        countries=tuple(sorted({*countries, *nationalities})),
        addresses=texts_of(", ".join(filter(None, place)) for place in places),
        gender=gender_of("".join(GENDER.findall(remarks)[:1])),
        identifiers=_identifiers(remarks, call_sign),
        remarks=remarks,
    )


def _birth_dates(remarks: str) -> tuple[str, ...]:
    found: set[str] = set()
    for text in BIRTH.findall(remarks):
        if span := SPAN.search(text):
            found |= {*years_between(*span.groups())}
        elif full := FULL_DATE.search(text):
            day = datetime.strptime(full.group(), "%d %b %Y")  # noqa: DTZ007 - a day has no zone
            found.add(day.date().isoformat())
        else:
            found |= {*YEAR.findall(text)}
    return tuple(sorted(found))


def _identifiers(remarks: str, call_sign: str) -> tuple[ListedIdentifier, ...]:
    found = [ListedIdentifier("CALL_SIGN", call_sign)]
    for part in remarks.split("; "):
        hit = NUMBER.fullmatch(part.strip()) if len(part) <= MAX_NUMBER else None
        if hit and not NO_DOCUMENT.search(hit["word"]):
            kind = identifier_kind(hit["word"])
            value = hit["value"].strip().removeprefix("IMO ")
            found.append(ListedIdentifier(kind, value, country_code(hit["country"] or "")))
    return identifiers_of(found)
