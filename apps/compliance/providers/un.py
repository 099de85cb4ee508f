"""The consolidated list of the United Nations Security Council, in XML.

Source: https://scsanctions.un.org/, schema sc-sanctions.xsd.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from apps.compliance.providers import BrokenList, ListedEntity, ListedIdentifier
from apps.compliance.providers.files import ListFiles, local_name, value_of, values_of, xml_root
from apps.compliance.providers.terms import (
    country_code,
    country_codes,
    dates_of,
    day_of,
    gender_of,
    identifier_kind,
    identifiers_of,
    names_of,
    natural_order,
    texts_of,
    years_between,
)

KINDS = {"INDIVIDUAL": "PERSON", "ENTITY": "ORGANISATION"}
PARTS = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
PLACE = ("STREET", "CITY", "STATE_PROVINCE", "ZIP_CODE", "COUNTRY")
QUALITIES = {"low": ("ALIAS", True), "f.k.a.": ("FORMER", False)}


class UnXml(ListFiles):
    format = "UN_XML"
    default_code = "UN"

    def __init__(self, path: Path) -> None:
        super().__init__(path)

    def issued(self) -> date | None:
        return day_of(xml_root(self.paths[0]).get("dateGenerated", ""))

    def entities(self) -> Iterator[ListedEntity]:
        for element in self.elements(self.paths[0], "INDIVIDUAL", "ENTITY"):
            yield _entity(element)


def _entity(element: Any) -> ListedEntity:
    tag = local_name(element)
    kind = KINDS[tag]
    uid = value_of(element, "REFERENCE_NUMBER") or value_of(element, "DATAID")
    names = names_of(_names(element, tag, kind))
    if not uid or not names:
        raise BrokenList("An entry has no number or no name.", uid=uid)
    nationalities = country_codes(values_of(element, "NATIONALITY", "VALUE"))
    places = list(element.iterfind(f"{{*}}{tag}_ADDRESS"))
    countries = country_codes(value_of(place, "COUNTRY") for place in places)
    return ListedEntity(
        uid=uid,
        kind=kind,
        names=names,
        programmes=texts_of([value_of(element, "UN_LIST_TYPE")]),
        birth_dates=tuple(sorted({day for one in _births(element) for day in one})),
        birth_places=texts_of(
            _place(place) for place in element.iterfind("{*}INDIVIDUAL_PLACE_OF_BIRTH")
        ),
        nationalities=nationalities,
        countries=tuple(sorted({*countries, *nationalities})),
        addresses=texts_of(_place(place) for place in places),
        gender=gender_of(value_of(element, "GENDER")),
        identifiers=identifiers_of(map(_identifier, element.iterfind("{*}INDIVIDUAL_DOCUMENT"))),
        remarks=value_of(element, "COMMENTS1"),
    )


def _names(element: Any, tag: str, kind: str) -> Iterator[tuple[str, str, bool]]:
    yield " ".join(value_of(element, part) for part in PARTS), "PRIMARY", False
    yield value_of(element, "NAME_ORIGINAL_SCRIPT"), "ALIAS", False
    for alias in element.iterfind(f"{{*}}{tag}_ALIAS"):
        alias_kind, is_weak = QUALITIES.get(value_of(alias, "QUALITY").lower(), ("ALIAS", False))
        # Some cells hold several spellings.
        for name in value_of(alias, "ALIAS_NAME").split(";"):
            yield natural_order(name.strip(' "'), kind), alias_kind, is_weak


def _births(element: Any) -> Iterator[tuple[str, ...]]:
    for birth in element.iterfind("{*}INDIVIDUAL_DATE_OF_BIRTH"):
        yield dates_of(value_of(birth, "DATE") or value_of(birth, "YEAR"))
        span = value_of(birth, "FROM_YEAR"), value_of(birth, "TO_YEAR")
        yield tuple(years_between(*span))
    for text in values_of(element, "INDIVIDUAL_ALIAS", "DATE_OF_BIRTH"):
        yield dates_of(text)


def _place(element: Any) -> str:
    return ", ".join(filter(None, (value_of(element, part) for part in PLACE)))


def _identifier(element: Any) -> ListedIdentifier:
    word = value_of(element, "TYPE_OF_DOCUMENT") or value_of(element, "TYPE_OF_DOCUMENT2")
    country = value_of(element, "ISSUING_COUNTRY") or value_of(element, "COUNTRY_OF_ISSUE")
    return ListedIdentifier(
        identifier_kind(word), value_of(element, "NUMBER"), country_code(country)
    )
