"""The firm's own list: a CSV that people write, and entries that officers add one by one."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any

from apps.compliance.providers import BrokenList, ListedEntity, ListedIdentifier, ListedName
from apps.compliance.providers.files import ListFiles
from apps.compliance.providers.terms import (
    IDENTIFIER_KINDS,
    MAX_NAME,
    country_code,
    country_codes,
    dates_of,
    gender_of,
    names_of,
    texts_of,
)

OWN = "OWN"
KINDS = ("PERSON", "ORGANISATION", "VESSEL", "AIRCRAFT")
# `;` stands between several values of one cell; identifiers are KIND:number:country.
COLUMNS = (
    *("uid", "kind", "name", "aliases", "weak_aliases", "birth_dates", "nationalities"),
    *("countries", "gender", "identifiers", "programmes", "remarks"),
)
UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MAX_VALUES = 50
MAX_REMARKS = 2000


class OwnCsv(ListFiles):
    format = "OWN_CSV"
    default_code = OWN

    def __init__(self, path: Path) -> None:
        super().__init__(path)

    def entities(self) -> Iterator[ListedEntity]:
        name = self.paths[0].name
        with self.text(self.paths[0]) as file:
            rows = csv.DictReader(file, strict=True)
            try:
                if set(rows.fieldnames or ()) != set(COLUMNS):
                    raise BrokenList(f"The columns are: {', '.join(COLUMNS)}.", file=name)
                for row in rows:
                    if None in row or None in row.values():
                        raise BrokenList(
                            f"Line {rows.line_num} has too few or too many cells.", file=name
                        )
                    if any("\x00" in cell for cell in row.values()):
                        raise BrokenList(f"Line {rows.line_num} is malformed.", file=name)
                    yield entity_of(row)
            except csv.Error as error:
                raise BrokenList(f"{name} cannot be read.", file=name) from error


class OwnEntries:
    """Entries that are at hand; the list as it shall be."""

    format = "OWN"
    default_code = OWN
    share_read = 1.0

    def __init__(self, entities: Iterable[ListedEntity]) -> None:
        self._entities = sorted(entities, key=lambda entity: entity.uid)

    def issued(self) -> date | None:
        return None

    def checksum(self) -> str:
        return sha256(dumps([one.content_hash for one in self._entities]).encode()).hexdigest()

    def entities(self) -> Iterator[ListedEntity]:
        yield from self._entities


def entity_of(cells: Mapping[str, str]) -> ListedEntity:
    """Return the entry that the cells (by COLUMNS) describe; raises BrokenList, which says why."""
    values = {name: _values(cells, name) for name in COLUMNS}
    uid, kind = cells.get("uid", "").strip(), cells.get("kind", "").strip().upper()
    if not UID.fullmatch(uid):
        raise BrokenList("An entry needs an id of letters, digits, dots and hyphens.", field="uid")
    if kind not in KINDS:
        raise BrokenList(f"{uid}: the kind is one of {', '.join(KINDS)}.", field="kind")
    names = [(cells.get("name", ""), "PRIMARY", False)]
    names += [(text, "ALIAS", False) for text in values["aliases"]]
    names += [(text, "ALIAS", True) for text in values["weak_aliases"]]
    if not any(letter.isalnum() for letter in names[0][0]):
        raise BrokenList(f"{uid}: a name is needed.", field="name")
    if any(len(text) > MAX_NAME for text, _, _ in names):
        raise BrokenList(f"{uid}: a name has at most {MAX_NAME} characters.", field="name")
    nationalities = _countries(uid, values, "nationalities")
    return ListedEntity(
        uid=uid,
        kind=kind,
        names=names_of(names),
        programmes=texts_of(text[:200] for text in values["programmes"]),
        birth_dates=_births(uid, values["birth_dates"]),
        nationalities=nationalities,
        countries=tuple(sorted({*nationalities, *_countries(uid, values, "countries")})),
        gender=gender_of(cells.get("gender", "")),
        identifiers=tuple(_identifier(uid, text) for text in values["identifiers"]),
        remarks=" ".join(cells.get("remarks", "").split())[:MAX_REMARKS],
    )


def cells_of(entity: ListedEntity) -> dict[str, str]:
    """Return the entry as the cells that `entity_of` reads."""
    primary, *others = entity.names
    return {
        "uid": entity.uid,
        "kind": entity.kind,
        "name": primary.name,
        "aliases": "; ".join(one.name for one in others if not one.is_weak),
        "weak_aliases": "; ".join(one.name for one in others if one.is_weak),
        "birth_dates": "; ".join(entity.birth_dates),
        "nationalities": "; ".join(entity.nationalities),
        "countries": "; ".join(entity.countries),
        "gender": entity.gender,
        "identifiers": "; ".join(
            ":".join(filter(None, (one.kind, one.value, one.country))) for one in entity.identifiers
        ),
        "programmes": "; ".join(entity.programmes),
        "remarks": entity.remarks,
    }


def entity_as_json(entity: ListedEntity) -> dict[str, Any]:
    return asdict(entity)


def entity_from_json(data: Mapping[str, Any]) -> ListedEntity:
    """Return what `entity_as_json` gave, as it came back from the database."""
    plain: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
    }
    plain["names"] = tuple(ListedName(**name) for name in data["names"])
    plain["identifiers"] = tuple(ListedIdentifier(**one) for one in data["identifiers"])
    return ListedEntity(**plain)


def _values(cells: Mapping[str, str], name: str) -> list[str]:
    found = [text for part in cells.get(name, "").split(";") if (text := " ".join(part.split()))]
    if len(found) > MAX_VALUES:
        raise BrokenList(f"At most {MAX_VALUES} values fit one cell.", field=name)
    return found


def _births(uid: str, texts: list[str]) -> tuple[str, ...]:
    found: set[str] = set()
    for text in texts:
        dates = dates_of(text)
        if not dates:
            raise BrokenList(
                f"{uid}: {text} is no date (YYYY-MM-DD, or a year).", field="birth_dates"
            )
        found |= {*dates}
    return tuple(sorted(found))


def _countries(uid: str, values: Mapping[str, list[str]], name: str) -> tuple[str, ...]:
    for text in values[name]:
        if not country_code(text):
            raise BrokenList(f"{uid}: {text} is no country.", field=name)
    return country_codes(values[name])


def _identifier(uid: str, text: str) -> ListedIdentifier:
    kind, _, rest = text.partition(":")
    value, _, country = rest.partition(":")
    if kind.strip().upper() not in IDENTIFIER_KINDS or not value.strip():
        words = ", ".join(IDENTIFIER_KINDS)
        raise BrokenList(
            f"{uid}: an identifier is KIND:number:country; {words}.", field="identifiers"
        )
    return ListedIdentifier(kind.strip().upper(), value.strip(), country_code(country.strip()))
