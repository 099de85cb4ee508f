"""Who is asked what: by kind, version and jurisdiction; what of the answers jars."""

from typing import Any

import pytest

from apps.compliance.domain.phone_codes import phone_countries
from apps.compliance.domain.questionnaire import answers_missing
from apps.compliance.domain.questionnaires import (
    CATALOGUE,
    VERSION,
    VERSIONS,
    ClientKind,
    jurisdiction_of,
    steps_asked,
)
from apps.compliance.domain.self_certification import contradictions
from apps.compliance.domain.tax_numbers import ENTITIES, PERSONS, tax_number_clean
from apps.core.errors import InvalidInput
from tests.compliance.factories import ANSWERS, ENTITY_ANSWERS


def codes(kind: str, **answers: Any) -> list[str]:
    return [step.code for step in steps_asked(kind, VERSION, answers)]


@pytest.mark.parametrize(
    ("country", "jurisdiction", "step"),
    [("US", "US", "us"), ("DE", "EEA", "markets"), ("GB", "UK", "markets"), ("SG", "DEFAULT", "")],
)
def test_person_is_asked_by_where_they_live(country: str, jurisdiction: str, step: str) -> None:
    found = codes(ClientKind.INDIVIDUAL, residence=country)

    assert jurisdiction_of({"residence": country}) == jurisdiction
    assert {*found} & {"us", "markets"} == ({step} if step else set())


def test_us_person_elsewhere_is_asked_as_in_the_us_too() -> None:
    assert {"us", "markets"} <= {*codes("INDIVIDUAL", residence="GB", us_person=True)}
    assert "us" in codes("ENTITY", incorporation_country="GB", tax_residence="US")
    assert "more_tax" in codes("INDIVIDUAL", more_tax_residences=True)


def test_newer_version_leaves_open_only_what_is_new() -> None:
    old = {
        step.code: {name: ANSWERS[step.code].get(name, "x") for name in step.by_name}
        for step in steps_asked("INDIVIDUAL", VERSIONS[0], {"residence": "GB"})
    }
    told = {name: value for answers in old.values() for name, value in answers.items()}

    asked = steps_asked("INDIVIDUAL", VERSION, told)

    open_now = {name for step in asked for name in answers_missing(step, old.get(step.code, {}))}
    before = {name for step in old.values() for name in step}
    assert open_now
    assert not open_now & before


@pytest.mark.parametrize("kind", CATALOGUE)
def test_names_of_questions_are_asked_once_in_any_version(kind: str) -> None:
    answers = {"residence": "DE", "us_person": True, "more_tax_residences": True}
    for version in VERSIONS:
        names = [name for step in steps_asked(kind, version, answers) for name in step.by_name]
        assert len(names) == len({*names})


def test_entity_answers_of_the_tests_are_complete() -> None:
    told = {name: value for step in ENTITY_ANSWERS.values() for name, value in step.items()}

    for step in steps_asked("ENTITY", VERSION, told):
        assert not answers_missing(step, ENTITY_ANSWERS[step.code])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"residence": "FR"}, "RESIDENCE"),
        ({"country": "FR"}, "ADDRESS"),
        ({"phone": "+49 30 123456"}, "PHONE"),
        ({"birth_country": "US"}, "US_INDICIA"),
        ({"us_person": True}, "US_RESIDENCE"),
        ({"residence": "FR", "nationality": "FR"}, "NATIONALITY"),
    ],
)
def test_answers_that_do_not_go_together_are_told(changes: dict[str, Any], code: str) -> None:
    told = {name: value for step in ANSWERS.values() for name, value in step.items()}

    assert contradictions(told) == []
    assert code in [one.code for one in contradictions(told | changes)]


@pytest.mark.parametrize(
    ("number", "found"),
    [("+44 20 7946 0000", "GB"), ("0041 44 123", "CH"), ("020 7946", ""), ("+1 212", "US")],
)
def test_calling_code_tells_the_country(number: str, found: str) -> None:
    assert (found in phone_countries(number)) is bool(found)


def test_tax_numbers_of_entities_are_others_than_of_people() -> None:
    assert tax_number_clean("US", "04-2103594", is_entity=True) == "042103594"
    with pytest.raises(InvalidInput):
        tax_number_clean("US", "04-2103594")
    for country in {*PERSONS, *ENTITIES}:
        for is_entity in (False, True):
            if country in (ENTITIES if is_entity else PERSONS):
                with pytest.raises(InvalidInput):
                    tax_number_clean(country, "?", is_entity=is_entity)
