"""What may be asked about a name, from a form or a file: bounded and checked before anything runs.

A file is CSV in UTF-8 with a header; which column is what is known by its heading.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from apps.compliance.domain.countries import countries
from apps.compliance.domain.identifiers import identifier_normal
from apps.compliance.domain.matching import Subject
from apps.core.errors import InvalidInput

KINDS = ("PERSON", "ORGANISATION", "VESSEL", "AIRCRAFT")
MAX_ROWS = 10_000
MAX_BYTES = 4_000_000
MAX_CELL = 300
BIRTH = re.compile(r"(1[89]\d\d|20\d\d)(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
COLUMNS = {
    "name": ("name", "full name", "fullname", "names"),
    "reference": ("reference", "id", "client id", "ref", "number"),
    "kind": ("kind", "type", "entity type"),
    "birth_date": ("birth_date", "birth date", "date of birth", "dob", "born"),
    "country": ("country", "nationality", "country code"),
    "identifier": ("identifier", "passport", "tax id", "registration", "document"),
}
HEADINGS = {heading: column for column, names in COLUMNS.items() for heading in names}


@dataclass(frozen=True)
class SearchTerms:
    """One name with what else is known; empty is not known.  `country` is alpha-2."""

    name: str
    reference: str = ""
    kind: str = ""
    birth_date: str = ""
    country: str = ""
    identifier: str = ""

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Return what is compared: one a kind, as no person is a vessel."""
        number = identifier_normal("OTHER", self.identifier)
        return tuple(
            Subject(
                kind=kind,
                names=(self.name,),
                birth_dates=(self.birth_date,) if self.birth_date else (),
                countries=(self.country,) if self.country else (),
                identifiers=(number,) if number else (),
            )
            for kind in ((self.kind,) if self.kind else KINDS)
        )


def terms_clean(given: Mapping[str, str]) -> SearchTerms:
    """Return the terms, trimmed; raises InvalidInput naming the field."""
    terms = {column: " ".join(given.get(column, "").split()) for column in COLUMNS}
    for column, text in terms.items():
        if len(text) > MAX_CELL or not text.isprintable() or not _is_storable(text):
            raise InvalidInput(f"At most {MAX_CELL} ordinary characters.", field=column)
    if not any(letter.isalnum() for letter in terms["name"]):
        raise InvalidInput("A name is needed.", field="name")
    terms["kind"], terms["country"] = terms["kind"].upper(), terms["country"].upper()
    if terms["kind"] and terms["kind"] not in KINDS:
        raise InvalidInput(f"One of {', '.join(KINDS)}, or nothing.", field="kind")
    if terms["birth_date"] and not BIRTH.fullmatch(terms["birth_date"]):
        raise InvalidInput("YYYY, YYYY-MM or YYYY-MM-DD.", field="birth_date")
    if terms["country"] and terms["country"] not in countries():
        raise InvalidInput("A country's code of two letters.", field="country")
    return SearchTerms(**terms)


def terms_of_file(content: bytes) -> list[SearchTerms]:
    """Return a file's rows; raises InvalidInput naming the row and what is wrong with it."""
    if len(content) > MAX_BYTES:
        raise InvalidInput(f"At most {MAX_BYTES // 1_000_000} MB.", field="file")
    try:
        text = content.decode("utf-8-sig")
        rows = list(_rows(text))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput("This is no CSV file in UTF-8.", field="file") from error
    if not rows:
        raise InvalidInput("The file has no rows.", field="file")
    return rows


def _rows(text: str) -> Iterator[SearchTerms]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    headings = [" ".join(cell.lower().split()) for cell in next(reader, [])]
    columns = [HEADINGS.get(heading) for heading in headings]
    if "name" not in columns:
        raise InvalidInput("One column must have the heading name.", field="file")
    if any(columns.count(column) > 1 for column in COLUMNS):
        raise InvalidInput("Two columns have one meaning.", field="file")
    count = 0
    for number, row in enumerate(reader, start=2):
        if not any(cell.strip() for cell in row):
            continue
        count += 1
        if count > MAX_ROWS:
            raise InvalidInput(f"At most {MAX_ROWS} rows.", field="file")
        if len(row) > len(columns):
            raise InvalidInput(f"Row {number} has more cells than headings.", field="file")
        known = {column: cell for column, cell in zip(columns, row, strict=False) if column}
        try:
            yield terms_clean(known)
        except InvalidInput as error:
            raise InvalidInput(f"Row {number}: {error.message}", field="file") from error


def _is_storable(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
