"""What a question of KYC is, and which answers it takes; the questions are in questionnaires.py."""

import re
import unicodedata
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from stdnum import lei

from apps.compliance.domain.countries import countries
from apps.compliance.domain.tax_numbers import tax_number_clean
from apps.core.errors import InvalidInput

FIRST_VERSION = "2026-11"
MINIMUM_AGE_YEARS = 18
MAXIMUM_AGE_YEARS = 120
# Treasury Regulations 1.1471-1(b)(57): six, five, two and three characters.
GIIN = re.compile(r"[A-Z0-9]{6}\.[A-Z0-9]{5}\.[A-Z]{2}\.[0-9]{3}")


class Kind(StrEnum):
    TEXT = "TEXT"
    DATE = "DATE"
    COUNTRY = "COUNTRY"
    CHOICE = "CHOICE"
    CHOICES = "CHOICES"
    BOOLEAN = "BOOLEAN"


class Check(StrEnum):
    """What an answer must be beyond its kind."""

    NONE = ""
    ADULT = "ADULT"
    LEI = "LEI"
    GIIN = "GIIN"


class InvalidAnswers(InvalidInput):
    """Some answers are not acceptable; `facts` has a message by field name."""

    code = "invalid_answers"


@dataclass(frozen=True, kw_only=True)
class Field:
    """One question.  `required_if` is (other field, value, values or None for any answer).

    `must_be_true` is a declaration.  The answer to an `is_masked` question is shown by its last
    characters; see masking.py.  It is asked from the version `since` on and before `until`, and
    where one of the tags in `where` holds, or everywhere; see questionnaires.py.
    """

    name: str
    label: str
    kind: Kind = Kind.TEXT
    required: bool = True
    required_if: tuple[str, Any] | None = None
    max_length: int = 120
    choices: tuple[tuple[str, str], ...] = ()
    must_be_true: bool = False
    is_masked: bool = False
    autocomplete: str = ""
    help_text: str = ""
    check: Check = Check.NONE
    since: str = FIRST_VERSION
    until: str = "9"
    where: frozenset[str] = frozenset()

    def is_asked(self, version: str, tags: Set[str]) -> bool:
        """Tell whether a version asks it of somebody with these tags."""
        return self.since <= version < self.until and (not self.where or bool(self.where & tags))

    def options(self) -> tuple[tuple[str, str], ...]:
        """Return (code, label) pairs, also for a country."""
        return tuple(countries().items()) if self.kind == Kind.COUNTRY else self.choices


@dataclass(frozen=True, kw_only=True)
class Step:
    code: str
    title: str
    fields: tuple[Field, ...]
    help_text: str = ""
    since: str = FIRST_VERSION
    where: frozenset[str] = frozenset()
    by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {item.name: item for item in self.fields})


def answers_clean(
    step: Step, answers: Mapping[str, Any], *, today: date, is_entity: bool = False
) -> dict[str, Any]:
    """Return the given answers, each valid and normalised; a missing one is left out.

    So a half-filled step can be kept.  Raises InvalidAnswers with a message by field.
    """
    errors: dict[str, str] = {
        name[:60]: "There is no such question." for name in answers if name not in step.by_name
    }
    clean: dict[str, Any] = {}
    for item in step.fields:
        value = answers.get(item.name)
        if value is None or value in ("", []):
            continue
        try:
            clean[item.name] = _clean(item, value, today)
        except InvalidInput as error:
            errors[item.name] = error.message
    for number in (name for name in step.by_name if name.startswith("tin") and name in clean):
        country = clean.get(number.replace("tin", "tax_residence"))
        try:
            clean[number] = tax_number_clean(country, clean[number], is_entity=is_entity)
        except InvalidInput as error:
            errors[number] = error.message
    if errors:
        raise InvalidAnswers("Some answers are not acceptable.", **errors)
    return clean


def answers_missing(step: Step, answers: Mapping[str, Any]) -> list[str]:
    """Return the names of the questions that still need an answer."""
    return [item.name for item in step.fields if _is_missing(item, answers)]


def _is_missing(item: Field, answers: Mapping[str, Any]) -> bool:
    if item.must_be_true:
        return answers.get(item.name) is not True
    if item.name in answers:
        return False
    if item.required_if is None:
        return item.required
    other, wanted = item.required_if
    accepted = wanted if isinstance(wanted, tuple) else (wanted,)
    return other in answers and (wanted is None or answers[other] in accepted)


def _clean(item: Field, value: Any, today: date) -> Any:
    if item.kind == Kind.BOOLEAN:
        if not isinstance(value, bool):
            raise InvalidInput("Answer yes or no.")
        return value
    if item.kind == Kind.CHOICES:
        return _choices(item, value)
    if not isinstance(value, str):
        raise InvalidInput("A text is needed.")
    if item.kind == Kind.DATE:
        return _date(item, value, today)
    if item.kind in {Kind.CHOICE, Kind.COUNTRY}:
        return _choice(item, value)
    return CHECKS.get(item.check, str)(_text(item, value))


def _choice(item: Field, value: str) -> str:
    if value not in dict(item.options()):
        raise InvalidInput("This is not one of the choices.")
    return value


def _choices(item: Field, value: Any) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(code, str) for code in value):
        raise InvalidInput("A list of choices is needed.")
    return sorted({_choice(item, code) for code in value})


def _text(item: Field, value: str) -> str:
    text = " ".join(unicodedata.normalize("NFC", value).split())
    if len(text) > item.max_length:
        raise InvalidInput(f"At most {item.max_length} characters.")
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Co", "Cn"} for letter in text):
        raise InvalidInput("This has characters that cannot be kept.")
    if not any(letter.isalnum() for letter in text):
        raise InvalidInput("This needs at least one letter or digit.")
    return text


def _date(item: Field, value: str, today: date) -> str:
    try:
        found = date.fromisoformat(value)
    except ValueError as error:
        raise InvalidInput("A date is written as 1980-12-31.") from error
    if found > today:
        raise InvalidInput("This date is in the future.")
    if item.check == Check.ADULT:
        age = today.year - found.year - ((today.month, today.day) < (found.month, found.day))
        if age < MINIMUM_AGE_YEARS:
            raise InvalidInput(f"Clients are at least {MINIMUM_AGE_YEARS} years old.")
        if age > MAXIMUM_AGE_YEARS:
            raise InvalidInput("This date is too long ago.")
    return found.isoformat()


def _lei(text: str) -> str:
    if not lei.is_valid(text):
        raise InvalidInput("This is not a valid legal entity identifier.")
    return str(lei.compact(text))


def _giin(text: str) -> str:
    if not GIIN.fullmatch(text.upper()):
        raise InvalidInput("A GIIN is written as 98Q96B.00000.LE.250.")
    return text.upper()


CHECKS = {Check.LEI: _lei, Check.GIIN: _giin}
