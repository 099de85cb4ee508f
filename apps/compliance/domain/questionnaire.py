"""The KYC questionnaire as data: every form and every check is made from these fields."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from apps.compliance.domain.choices import (
    ACTIVITY_BANDS,
    EMPLOYMENT,
    FUND_SOURCES,
    INCOME_BANDS,
    INDUSTRIES,
    PEP,
    PURPOSES,
)
from apps.compliance.domain.countries import countries
from apps.compliance.domain.tax_numbers import tax_number_clean
from apps.core.errors import InvalidInput

VERSION = "2026-11"
MINIMUM_AGE_YEARS = 18
MAXIMUM_AGE_YEARS = 120


class Kind(StrEnum):
    TEXT = "TEXT"
    DATE = "DATE"
    COUNTRY = "COUNTRY"
    CHOICE = "CHOICE"
    CHOICES = "CHOICES"
    BOOLEAN = "BOOLEAN"


class InvalidAnswers(InvalidInput):
    """Some answers are not acceptable; `facts` has a message by field name."""

    code = "invalid_answers"


@dataclass(frozen=True, kw_only=True)
class Field:
    """One question.  `required_if` is (other field, value); `must_be_true` is a declaration.

    The answer to an `is_masked` question is shown by its last characters; see masking.py.
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

    def options(self) -> tuple[tuple[str, str], ...]:
        """Return (code, label) pairs, also for a country."""
        return tuple(countries().items()) if self.kind == Kind.COUNTRY else self.choices


@dataclass(frozen=True, kw_only=True)
class Step:
    code: str
    title: str
    fields: tuple[Field, ...]
    help_text: str = ""
    by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {item.name: item for item in self.fields})


STEPS: tuple[Step, ...] = (
    Step(
        code="personal",
        title="About you",
        fields=(
            Field(name="given_names", label="Given names", autocomplete="given-name"),
            Field(name="family_name", label="Family name", autocomplete="family-name"),
            Field(
                name="native_name",
                label="Full name in your own script",
                required=False,
                help_text="If your name is not usually written in Latin letters.",
            ),
            Field(
                name="other_names",
                label="Former names and aliases",
                required=False,
                max_length=300,
                help_text="Separate several names by semicolons.",
            ),
            Field(
                name="date_of_birth",
                label="Date of birth",
                kind=Kind.DATE,
                autocomplete="bday",
            ),
            Field(name="nationality", label="Nationality", kind=Kind.COUNTRY),
            Field(
                name="second_nationality",
                label="Second nationality",
                kind=Kind.COUNTRY,
                required=False,
            ),
            Field(
                name="residence",
                label="Country of residence",
                kind=Kind.COUNTRY,
                autocomplete="country",
            ),
        ),
    ),
    Step(
        code="contact",
        title="Address",
        fields=(
            Field(name="address_line_1", label="Address", autocomplete="address-line1"),
            Field(
                name="address_line_2",
                label="Address, second line",
                required=False,
                autocomplete="address-line2",
            ),
            Field(name="city", label="City", autocomplete="address-level2"),
            Field(
                name="region",
                label="State or region",
                required=False,
                autocomplete="address-level1",
            ),
            Field(
                name="postal_code",
                label="Postal code",
                required=False,
                max_length=20,
                autocomplete="postal-code",
            ),
            Field(name="country", label="Country", kind=Kind.COUNTRY, autocomplete="country"),
            Field(name="phone", label="Telephone", max_length=30, autocomplete="tel"),
        ),
    ),
    Step(
        code="employment",
        title="Work and public functions",
        fields=(
            Field(name="employment", label="Work", kind=Kind.CHOICE, choices=EMPLOYMENT),
            Field(
                name="occupation",
                label="Occupation",
                required=False,
                required_if=("employment", "EMPLOYED"),
                autocomplete="organization-title",
            ),
            Field(
                name="employer",
                label="Employer",
                required=False,
                required_if=("employment", "EMPLOYED"),
                autocomplete="organization",
            ),
            Field(name="industry", label="Industry", kind=Kind.CHOICE, choices=INDUSTRIES),
            Field(
                name="pep",
                label="Are you a politically exposed person?",
                kind=Kind.CHOICE,
                choices=PEP,
            ),
            Field(
                name="pep_function",
                label="Which function, whose, and when",
                required=False,
                required_if=("pep", ("SELF", "RELATED")),
                max_length=500,
            ),
        ),
    ),
    Step(
        code="financial",
        title="Money",
        fields=(
            Field(
                name="source_of_funds",
                label="Where the money comes from",
                kind=Kind.CHOICES,
                choices=FUND_SOURCES,
            ),
            Field(
                name="annual_income", label="Yearly income", kind=Kind.CHOICE, choices=INCOME_BANDS
            ),
            Field(name="net_worth", label="Net worth", kind=Kind.CHOICE, choices=INCOME_BANDS),
            Field(
                name="expected_activity",
                label="Deposits you expect to make",
                kind=Kind.CHOICE,
                choices=ACTIVITY_BANDS,
            ),
            Field(name="purpose", label="Purpose", kind=Kind.CHOICE, choices=PURPOSES),
        ),
    ),
    Step(
        code="tax",
        title="Tax",
        fields=(
            Field(name="tax_residence", label="Tax residence", kind=Kind.COUNTRY),
            Field(
                name="tin",
                label="Tax identification number",
                required=False,
                required_if=("has_tin", True),
                max_length=30,
                is_masked=True,
            ),
            Field(name="has_tin", label="I have a tax identification number", kind=Kind.BOOLEAN),
            Field(
                name="no_tin_reason",
                label="Why you have none",
                required=False,
                required_if=("has_tin", False),
                max_length=200,
            ),
            Field(
                name="us_person",
                label="I am a US person for tax purposes",
                kind=Kind.BOOLEAN,
            ),
        ),
    ),
    Step(
        code="declarations",
        title="Declarations",
        fields=(
            Field(
                name="own_account",
                label="I act for myself and nobody else owns or controls this money.",
                kind=Kind.BOOLEAN,
                must_be_true=True,
            ),
            Field(
                name="accurate",
                label="What I have stated is complete and true.",
                kind=Kind.BOOLEAN,
                must_be_true=True,
            ),
            Field(
                name="will_update",
                label="I will tell you within 30 days when any of it changes.",
                kind=Kind.BOOLEAN,
                must_be_true=True,
            ),
            Field(
                name="checks_agreed",
                label="I agree that you check my data against sanctions and other public lists.",
                kind=Kind.BOOLEAN,
                must_be_true=True,
            ),
        ),
    ),
)
STEP_BY_CODE: dict[str, Step] = {step.code: step for step in STEPS}


def step_of(code: str) -> Step:
    """Return the step; raise InvalidInput for an unknown step."""
    found = STEP_BY_CODE.get(code)
    if found is None:
        raise InvalidInput("There is no such step.", field="step")
    return found


def answers_clean(step: Step, answers: Mapping[str, Any], *, today: date) -> dict[str, Any]:
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
    if "tin" in clean and "tax_residence" in clean:
        try:
            clean["tin"] = tax_number_clean(clean["tax_residence"], clean["tin"])
        except InvalidInput as error:
            errors["tin"] = error.message
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
    return other in answers and answers[other] in accepted


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
        return _birth_date(value, today)
    if item.kind in {Kind.CHOICE, Kind.COUNTRY}:
        return _choice(item, value)
    return _text(item, value)


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


def _birth_date(value: str, today: date) -> str:
    try:
        born = date.fromisoformat(value)
    except ValueError as error:
        raise InvalidInput("A date is written as 1980-12-31.") from error
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if age < MINIMUM_AGE_YEARS:
        raise InvalidInput(f"Clients are at least {MINIMUM_AGE_YEARS} years old.")
    if age > MAXIMUM_AGE_YEARS:
        raise InvalidInput("This date is too long ago.")
    return born.isoformat()
