"""Which questions are asked of whom: by kind of client, version and jurisdiction.

A version is never changed once it is in use: a question gets a `since` or an `until`.  A record
keeps the version that was answered when it was handed in.  When its client may edit again, at a
review or when something is asked for, the newest version is asked: what is answered stays, and only
what is new is open.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from apps.compliance.domain import questions_entity, questions_individual
from apps.compliance.domain.questionnaire import FIRST_VERSION, Field, Step
from apps.compliance.domain.questions_party import PARTY_STEPS
from apps.compliance.domain.questions_shared import (
    EEA,
    MORE_TAX,
    STRUCTURED,
    TAX_RESIDENCES,
    UK,
    US,
)

VERSIONS = (FIRST_VERSION, STRUCTURED)
VERSION = VERSIONS[-1]
EEA_COUNTRIES = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"),
        *("IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)


class ClientKind(StrEnum):
    INDIVIDUAL = "INDIVIDUAL"
    ENTITY = "ENTITY"


CATALOGUE: dict[str, tuple[Step, ...]] = {
    ClientKind.INDIVIDUAL: questions_individual.STEPS,
    ClientKind.ENTITY: questions_entity.STEPS,
}
STEP_CODES: tuple[str, ...] = tuple(
    dict.fromkeys(step.code for steps in CATALOGUE.values() for step in steps)
)


def jurisdiction_of(answers: Mapping[str, Any]) -> str:
    """Return US, EEA, UK or DEFAULT, by where a person lives or by whose law an entity is under."""
    country = answers.get("residence") or answers.get("incorporation_country", "")
    if country in EEA_COUNTRIES:
        return EEA
    return {"US": US, "GB": UK}.get(country, "DEFAULT")


def steps_asked(kind: str, version: str, answers: Mapping[str, Any]) -> tuple[Step, ...]:
    """Return the steps that a version asks, each with the questions that these answers call for.

    `answers` are those of every step in one mapping.  US persons are asked what US residents are.
    """
    tags = {jurisdiction_of(answers)}
    if answers.get("us_person") or "US" in tax_residences(answers):
        tags.add(US)
    if answers.get("more_tax_residences"):
        tags.add(MORE_TAX)
    asked = []
    for step in CATALOGUE[kind]:
        fields = tuple(item for item in step.fields if item.is_asked(version, tags))
        if fields and step.since <= version and (not step.where or step.where & tags):
            asked.append(replace(step, fields=fields))
    return tuple(asked)


def tax_residences(answers: Mapping[str, Any]) -> list[str]:
    """Return the countries of tax residence that are stated, each once."""
    names = TAX_RESIDENCES if answers.get("more_tax_residences") else TAX_RESIDENCES[:1]
    stated = (answers.get(f"tax_residence{suffix}") for suffix in names)
    return list(dict.fromkeys(country for country in stated if country))


def questions_named() -> dict[str, list[Field]]:
    """Return every question by its name, in each form that any client or version sees."""
    found: dict[str, list[Field]] = {}
    for steps in (*CATALOGUE.values(), tuple(PARTY_STEPS.values())):
        for step in steps:
            for item in step.fields:
                found.setdefault(item.name, []).append(item)
    return found


def step_title(code: str) -> str:
    """Return the title of a step of any client, or nothing for what is none."""
    steps = (step for steps in CATALOGUE.values() for step in steps)
    return next((step.title for step in steps if step.code == code), "")
