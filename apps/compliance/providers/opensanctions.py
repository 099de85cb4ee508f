"""OpenSanctions' entities in FollowTheMoney JSON, one object a line (entities.ftm.json).

Source: https://www.opensanctions.org/docs/data/formats/ and https://followthemoney.tech/explorer/.
"""

from collections import defaultdict
from collections.abc import Iterator
from json import loads
from pathlib import Path
from typing import Any

from apps.compliance.providers import BrokenList, ListedEntity, ListedIdentifier
from apps.compliance.providers.files import ListFiles
from apps.compliance.providers.terms import (
    country_code,
    country_codes,
    dates_of,
    gender_of,
    identifier_kind,
    identifiers_of,
    names_of,
    texts_of,
)

KINDS = {
    **dict.fromkeys(("Organization", "Company", "LegalEntity", "PublicBody"), "ORGANISATION"),
    "Person": "PERSON",
    "Vessel": "VESSEL",
    "Airplane": "AIRCRAFT",
}
NAMES = {
    "name": ("PRIMARY", False),
    "alias": ("ALIAS", False),
    "weakAlias": ("ALIAS", True),
    "previousName": ("FORMER", False),
}
COUNTRIES = ("nationality", "citizenship", "country", "jurisdiction", "flag", "mainCountry")
IDENTIFIERS = {
    "passportNumber": "PASSPORT",
    "idNumber": "NATIONAL_ID",
    "taxNumber": "TAX_ID",
    "innCode": "TAX_ID",
    "vatCode": "TAX_ID",
    "registrationNumber": "REGISTRATION",
    "ogrnCode": "REGISTRATION",
    "leiCode": "LEI",
    "swiftBic": "BIC",
    "imoNumber": "IMO",
    "mmsi": "MMSI",
    "callSign": "CALL_SIGN",
    "serialNumber": "AIRCRAFT",
}
DOCUMENTS = {"Passport": "PASSPORT", "Identification": ""}
MAX_LINE = 10_000_000
Linked = dict[str, list[Any]]


class FtmJson(ListFiles):
    """What stands in lines of their own, sanctions and documents, is gathered in a first pass."""

    format = "FTM_JSON"
    default_code = "OPENSANCTIONS"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.passes = 2

    def entities(self) -> Iterator[ListedEntity]:
        programmes: Linked = defaultdict(list)
        documents: Linked = defaultdict(list)
        for _, schema, row in self._lines():
            if schema == "Sanction":
                for owner in _texts(row, "entity"):
                    programmes[owner] += _texts(row, "program") or _texts(row, "authority")
            elif schema in DOCUMENTS:
                for owner in _texts(row, "holder"):
                    documents[owner] += _document(row, DOCUMENTS[schema])
        for uid, schema, row in self._lines():
            if schema in KINDS and _texts(row, "topics"):
                yield _entity(uid, schema, row, programmes[uid], documents[uid])

    def _lines(self) -> Iterator[tuple[str, str, dict[str, list[str]]]]:
        path = self.paths[0]
        with self.opened(path) as file:
            number = 0
            while line := file.readline(MAX_LINE):
                number += 1
                try:
                    row = loads(line)
                    yield str(row["id"]), str(row["schema"]), dict(row["properties"])
                except (ValueError, TypeError, KeyError, RecursionError) as error:
                    raise BrokenList(
                        f"Line {number} of {path.name} is malformed.",
                        file=path.name,
                        row=str(number),
                    ) from error


def _entity(
    uid: str,
    schema: str,
    row: dict[str, list[str]],
    programmes: list[str],
    documents: list[ListedIdentifier],
) -> ListedEntity:
    kind = KINDS[schema]
    names = names_of((text, *what) for key, what in NAMES.items() for text in _texts(row, key))
    if not names:
        raise BrokenList("An entry has no name.", uid=uid[:100])
    nationalities = country_codes([*_texts(row, "nationality"), *_texts(row, "citizenship")])
    return ListedEntity(
        uid=uid,
        kind=kind,
        names=names,
        programmes=texts_of([*programmes, *_texts(row, "program"), *_texts(row, "programId")]),
        birth_dates=tuple(sorted({d for text in _texts(row, "birthDate") for d in dates_of(text)})),
        birth_places=texts_of(_texts(row, "birthPlace")),
        nationalities=nationalities,
        countries=country_codes(text for key in COUNTRIES for text in _texts(row, key)),
        addresses=texts_of(_texts(row, "address")),
        gender=gender_of("".join(_texts(row, "gender")[:1])),
        identifiers=identifiers_of(
            [
                *(
                    ListedIdentifier(_kind_of(key, kind), text)
                    for key in IDENTIFIERS
                    for text in _texts(row, key)
                ),
                *documents,
            ]
        ),
        remarks=" ".join(texts_of(_texts(row, "notes"))),
    )


def _kind_of(key: str, kind: str) -> str:
    """Return the kind of a number; an aircraft's registration is its tail number."""
    return "AIRCRAFT" if kind == "AIRCRAFT" else IDENTIFIERS[key]


def _document(row: dict[str, list[str]], kind: str) -> list[ListedIdentifier]:
    word = " ".join(_texts(row, "type"))
    country = country_code("".join(_texts(row, "country")[:1]))
    return [
        ListedIdentifier(kind or identifier_kind(word), number, country)
        for number in _texts(row, "number")
    ]


def _texts(row: dict[str, list[str]], key: str) -> list[str]:
    found = row.get(key, [])
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []
