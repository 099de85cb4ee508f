"""The consolidated financial sanctions list of the European Union, XML format 1.1 (FSF).

Source: https://webgate.ec.europa.eu/fsd/fsf, namespace http://eu.europa.ec/fpi/fsd/export.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from apps.compliance.providers import BrokenList, ListedEntity, ListedIdentifier
from apps.compliance.providers.files import ListFiles, value_of, values_of, xml_root
from apps.compliance.providers.terms import (
    country_code,
    country_codes,
    dates_of,
    day_of,
    gender_of,
    identifier_kind,
    identifiers_of,
    names_of,
    number_of,
    partial_date,
    texts_of,
    years_between,
)

PLACE = ("street", "poBox", "zipCode", "city", "region", "countryDescription")
BIRTH_PLACE = ("place", "city", "region", "countryDescription")
UNKNOWN = "UNKNOWN"


class EuXml(ListFiles):
    format = "EU_XML"
    default_code = "EU"

    def __init__(self, path: Path) -> None:
        super().__init__(path)

    def issued(self) -> date | None:
        return day_of(xml_root(self.paths[0]).get("generationDate", ""))

    def entities(self) -> Iterator[ListedEntity]:
        for element in self.elements(self.paths[0], "sanctionEntity"):
            yield _entity(element)


def _entity(element: Any) -> ListedEntity:
    uid = element.get("euReferenceNumber") or element.get("logicalId") or ""
    aliases = list(element.iterfind("{*}nameAlias"))
    names = names_of(_names(aliases))
    if not uid or not names:
        raise BrokenList("An entry has no number or no name.", uid=uid)
    subject = element.find("{*}subjectType")
    is_person = subject is not None and subject.get("code") == "person"
    nationalities = _countries(element, "citizenship")
    genders = [gender for alias in aliases if (gender := gender_of(alias.get("gender", "")))]
    return ListedEntity(
        uid=uid,
        kind="PERSON" if is_person else _thing(element),
        names=names,
        programmes=texts_of(
            regulation.get("programme", "") for regulation in element.iterfind("{*}regulation")
        ),
        birth_dates=tuple(sorted({day for one in _births(element) for day in one})),
        birth_places=texts_of(
            _joined(birth, BIRTH_PLACE) for birth in element.iterfind("{*}birthdate")
        ),
        nationalities=nationalities,
        countries=tuple(sorted({*nationalities, *_countries(element, "address")})),
        addresses=texts_of(_joined(place, PLACE) for place in element.iterfind("{*}address")),
        gender=genders[0] if genders else "",
        identifiers=identifiers_of(map(_identifier, element.iterfind("{*}identification"))),
        remarks=" ".join([value_of(element, "remark"), *values_of(element, "remark")[1:]]),
    )


def _thing(element: Any) -> str:
    """Ships stand among the enterprises, and carry the number of a ship."""
    codes = {one.get("identificationTypeCode", "") for one in element.iterfind("{*}identification")}
    return "VESSEL" if "imo" in codes else "ORGANISATION"


def _names(aliases: list[Any]) -> Iterator[tuple[str, str, bool]]:
    """Yield the names; the list marks none as primary, so the first is what it is shown by."""
    kind = "PRIMARY"
    for alias in aliases:
        parts = (alias.get(part, "") for part in ("firstName", "middleName", "lastName"))
        name = alias.get("wholeName") or " ".join(parts)
        if name.strip():
            yield name, kind, alias.get("strong") == "false"
            kind = "ALIAS"


def _births(element: Any) -> Iterator[tuple[str, ...]]:
    for birth in element.iterfind("{*}birthdate"):
        span = birth.get("yearRangeFrom", ""), birth.get("yearRangeTo", "")
        parts = ("year", "monthOfYear", "dayOfMonth")
        day = partial_date(*(number_of(birth.get(part, "")) for part in parts))
        if birth.get("birthdate"):
            yield dates_of(birth.get("birthdate"))
        elif day:
            yield (day,)
        yield tuple(years_between(*span))


def _countries(element: Any, name: str) -> tuple[str, ...]:
    return country_codes(
        one.get("countryIso2Code", "") or one.get("countryDescription", "")
        for one in element.iterfind(f"{{*}}{name}")
    )


def _joined(element: Any, parts: tuple[str, ...]) -> str:
    words = (element.get(part, "") for part in parts)
    return ", ".join(word for word in words if word and word.upper() != UNKNOWN)


def _identifier(element: Any) -> ListedIdentifier:
    code = element.get("identificationTypeCode", "")
    is_telling = identifier_kind(code) != "OTHER"
    word = code if is_telling else element.get("identificationTypeDescription", "")
    return ListedIdentifier(
        identifier_kind(word),
        " ".join((element.get("number") or element.get("latinNumber") or "").split()),
        country_code(element.get("countryIso2Code", "")),
    )
