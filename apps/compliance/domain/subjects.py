"""What of somebody's answers is compared with the lists: a person's, or an organisation's."""

from collections.abc import Mapping
from typing import Any

from apps.compliance.domain.identifiers import identifier_normal
from apps.compliance.domain.matching import Subject
from apps.compliance.domain.questions_shared import TAX_RESIDENCES


def subject_answered(answers: Mapping[str, Any]) -> Subject:
    """Return the subject; raises KeyError where the name was not answered."""
    return _organisation(answers) if "legal_name" in answers else _person(answers)


def _person(answers: Mapping[str, Any]) -> Subject:
    names = [f"{answers['given_names']} {answers['family_name']}"]
    names += [answers["native_name"]] if answers.get("native_name") else []
    return Subject(
        kind="PERSON",
        names=_named(names, answers.get("other_names", "")),
        birth_dates=(answers["date_of_birth"],),
        countries=_countries(answers, "nationality", "second_nationality", "residence"),
        identifiers=_identifiers(answers),
    )


def _organisation(answers: Mapping[str, Any]) -> Subject:
    return Subject(
        kind="ORGANISATION",
        names=_named([answers["legal_name"]], answers.get("trading_names", "")),
        countries=_countries(answers, "incorporation_country", "business_country"),
        identifiers=_identifiers(answers),
    )


def _named(names: list[str], others: str) -> tuple[str, ...]:
    names += [name.strip() for name in others.split(";") if name.strip()]
    return tuple(dict.fromkeys(names))


def _countries(answers: Mapping[str, Any], *questions: str) -> tuple[str, ...]:
    return tuple(sorted({answers[name] for name in questions if answers.get(name)}))


def _identifiers(answers: Mapping[str, Any]) -> tuple[str, ...]:
    place = answers.get("incorporation_country", "")
    found = [
        identifier_normal(
            "TAX_ID", answers.get(f"tin{end}", ""), answers.get(f"tax_residence{end}", "")
        )
        for end in TAX_RESIDENCES
    ]
    found.append(identifier_normal("REGISTRATION", answers.get("registration_number", ""), place))
    found.append(identifier_normal("LEI", answers.get("lei", "")))
    return tuple(dict.fromkeys(filter(None, found)))
