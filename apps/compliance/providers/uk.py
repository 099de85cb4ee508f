"""The UK's lists: the UK Sanctions List in XML, and OFSI's consolidated list of targets in CSV.

Source: https://www.gov.uk/government/publications/the-uk-sanctions-list and OFSI's "2022 format".
"""

import csv
import re
from collections.abc import Iterator
from datetime import date
from os import SEEK_END
from pathlib import Path
from typing import Any

from apps.compliance.providers import BrokenList, ListedEntity, ListedIdentifier
from apps.compliance.providers.files import ListFiles, local_name, value_of, values_of
from apps.compliance.providers.terms import (
    country_codes,
    dates_of,
    day_of,
    gender_of,
    identifiers_of,
    names_of,
    texts_of,
)

KINDS = {"individual": "PERSON", "entity": "ORGANISATION", "ship": "VESSEL"}
# Name 6 is the family name, or the whole name; the others come before it.
NAME_PARTS = ("1", "2", "3", "4", "5", "6")
OFSI_COLUMNS = {"Name 6", "Name 1", "Group Type", "Alias Type", "Alias Quality", "Group ID"}
# More than the first line of the file ever has.
MAX_HEADING = 200
NUMBERED = re.compile(r"\(\d+\)")
DETAILS = ("IndividualDetails", "Individual")
SHIP = ("ShipDetails", "Ship")


class UkXml(ListFiles):
    format = "UK_XML"
    default_code = "UK"

    def __init__(self, path: Path) -> None:
        super().__init__(path)

    def issued(self) -> date | None:
        found = next(self.elements(self.paths[0], "DateGenerated", "Designation"), None)
        if found is None or local_name(found) != "DateGenerated":
            return None
        return day_of(found.text or "")

    def entities(self) -> Iterator[ListedEntity]:
        for element in self.elements(self.paths[0], "Designation"):
            yield _designation(element)


def _designation(element: Any) -> ListedEntity:
    uid = value_of(element, "UniqueID")
    names = names_of(_designated(element))
    kind = KINDS.get(value_of(element, "IndividualEntityShip").lower())
    if not uid or not names or kind is None:
        raise BrokenList("An entry has no number, no name or no kind.", uid=uid)
    nationalities = country_codes(values_of(element, *DETAILS, "Nationalities", "Nationality"))
    flags = values_of(element, *SHIP, "CurrentBelievedFlagOfShips", "CurrentBelievedFlagOfShip")
    countries = country_codes(values_of(element, "Addresses", "Address", "AddressCountry") + flags)
    births = values_of(element, *DETAILS, "DOBs", "DOB")
    return ListedEntity(
        uid=uid,
        kind=kind,
        names=names,
        programmes=texts_of([value_of(element, "RegimeName")]),
        birth_dates=tuple(sorted({day for text in births for day in dates_of(text)})),
        birth_places=texts_of(
            f"{value_of(place, 'TownOfBirth')}, {value_of(place, 'CountryOfBirth')}".strip(", ")
            for place in element.iterfind(
                "{*}" + "/{*}".join((*DETAILS, "BirthDetails", "Location"))
            )
        ),
        nationalities=nationalities,
        countries=tuple(sorted({*countries, *nationalities})),
        addresses=texts_of(
            ", ".join(text for part in address if (text := (part.text or "").strip()))
            for address in element.iterfind("{*}Addresses/{*}Address")
        ),
        gender=gender_of("".join(values_of(element, *DETAILS, "Genders", "Gender")[:1])),
        identifiers=identifiers_of(_numbers(element)),
        remarks=" ".join(
            filter(
                None,
                (value_of(element, "OtherInformation"), value_of(element, "UKStatementofReasons")),
            )
        ),
    )


def _designated(element: Any) -> Iterator[tuple[str, str, bool]]:
    for name in element.iterfind("{*}Names/{*}Name"):
        text = " ".join(value_of(name, f"Name{part}") for part in NAME_PARTS)
        kind = _name_kind(value_of(name, "NameType"))
        yield text, kind, value_of(name, "AliasStrength").lower().startswith("low")
    for text in values_of(element, "NonLatinNames", "NonLatinName", "NameNonLatinScript"):
        yield text, "ALIAS", False


def _name_kind(word: str) -> str:
    """Return the kind of a name by the publisher's word for it."""
    kinds = {"primary name": "PRIMARY", "fka": "FORMER", "formerly known as": "FORMER"}
    return kinds.get(word.strip().lower(), "ALIAS")


def _numbers(element: Any) -> Iterator[ListedIdentifier]:
    for kind, path in (
        ("PASSPORT", (*DETAILS, "PassportDetails", "Passport", "PassportNumber")),
        (
            "NATIONAL_ID",
            (
                *DETAILS,
                "NationalIdentifierDetails",
                "NationalIdentifier",
                "NationalIdentifierNumber",
            ),
        ),
        (
            "REGISTRATION",
            (
                "EntityDetails",
                "Entity",
                "BusinessRegistrationNumbers",
                "BusinessRegistrationNumber",
            ),
        ),
        ("IMO", (*SHIP, "IMONumbers", "IMONumber")),
    ):
        for value in values_of(element, *path):
            yield ListedIdentifier(kind, value.removeprefix("IMO").strip())


class OfsiCsv(ListFiles):
    """One row a name and a date of birth; the rows of one group, in any place, are one entry."""

    format = "OFSI_CSV"
    default_code = "UK"

    def __init__(self, path: Path) -> None:
        super().__init__(path)

    def issued(self) -> date | None:
        with self.text(self.paths[0]) as file:
            return day_of(file.readline(MAX_HEADING))

    def entities(self) -> Iterator[ListedEntity]:
        name = self.paths[0].name
        self._check_whole()
        with self.text(self.paths[0]) as file:
            try:
                next(csv.reader(file))  # when the list was last updated
                rows = csv.DictReader(file, strict=True)
                if not set(rows.fieldnames or ()) >= OFSI_COLUMNS:
                    raise BrokenList(f"{name} lacks columns of OFSI's list.", file=name)
                groups: dict[str, list[dict[str, str]]] = {}
                for row in rows:
                    groups.setdefault(row["Group ID"], []).append(row)
            except (csv.Error, StopIteration) as error:
                raise BrokenList(f"{name} cannot be read.", file=name) from error
        for group, members in groups.items():
            yield _group(group, members, name)

    def _check_whole(self) -> None:
        """Raise BrokenList where the last row, which a group's number ends, may be cut short."""
        with self.paths[0].open("rb") as file:
            file.seek(-1, SEEK_END)
            is_whole = file.read() == b"\n"
        if not is_whole:
            name = self.paths[0].name
            raise BrokenList(f"{name} is cut short: its last row does not end.", file=name)


def _group(group: str, rows: list[dict[str, str]], file: str) -> ListedEntity:
    # DictReader leaves None where a row is cut short.
    is_cut = any(None in row.values() or None in row for row in rows)
    names = () if is_cut else names_of(name for row in rows for name in _row_names(row))
    kind = KINDS.get((rows[0]["Group Type"] or "").strip().lower())
    if is_cut or not (group or "").strip() or not names or kind is None:
        raise BrokenList("An entry is cut short or has no name.", file=file, uid=group or "")

    def cells(column: str) -> list[str]:
        return [part for row in rows for part in NUMBERED.split(row.get(column, ""))]

    nationalities = country_codes(cells("Nationality"))
    return ListedEntity(
        uid=group.strip(),
        kind=kind,
        names=names,
        programmes=texts_of(cells("Regime")),
        birth_dates=tuple(sorted({day for text in cells("DOB") for day in dates_of(text)})),
        birth_places=texts_of(
            ", ".join(filter(None, (row.get("Town of Birth"), row.get("Country of Birth"))))
            for row in rows
        ),
        nationalities=nationalities,
        countries=tuple(sorted({*nationalities, *country_codes(cells("Country"))})),
        addresses=texts_of(
            ", ".join(filter(None, (row.get(f"Address {part}", "").strip() for part in NAME_PARTS)))
            for row in rows
        ),
        identifiers=identifiers_of(
            ListedIdentifier(kind, " ".join(value.split()))
            for kind, column in (
                ("PASSPORT", "Passport Number"),
                ("NATIONAL_ID", "National Identification Number"),
            )
            for value in cells(column)
        ),
        remarks=" ".join(texts_of(cells("Other Information"))),
    )


def _row_names(row: dict[str, str]) -> Iterator[tuple[str, str, bool]]:
    kind = _name_kind(row["Alias Type"])
    is_weak = row["Alias Quality"].strip().lower().startswith("low")
    yield " ".join(row.get(f"Name {part}", "") for part in NAME_PARTS), kind, is_weak
    yield row.get("Name Non-Latin Script", ""), "ALIAS", False
