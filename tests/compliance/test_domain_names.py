"""How a name is cut into tokens, and what single words are to each other."""

import pytest

from apps.compliance.domain.matching import DEFAULT_THRESHOLD
from apps.compliance.domain.name_similarity import (
    LEAST_SIMILARITY,
    name_similarity,
    token_similarity,
)
from apps.compliance.domain.names import LIGHT_WEIGHT, name_parse

THRESHOLD = float(DEFAULT_THRESHOLD)


def forms(name: str, kind: str = "PERSON") -> list[str]:
    return [token.form for token in name_parse(name, kind).tokens]


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("Владимир Марченков", "PERSON", ["vladimir", "marchenkov"]),
        ("N.A.B.C. Company", "ORGANISATION", ["nabc", "company"]),
        ("Brigade Forty-Four", "ORGANISATION", ["brigade", "fortyfour"]),
        ("1g0r Marchenk0v", "PERSON", ["igor", "marchenkov"]),
        ("Карим ат-Тамари", "PERSON", ["karim", "al", "tamari"]),
        ("An Li", "PERSON", ["an", "li"]),
        ("...", "PERSON", []),
        ("", "ORGANISATION", []),
    ],
)
def test_name_parse_cuts_into_latin_words(name: str, kind: str, expected: list[str]) -> None:
    assert forms(name, kind) == expected


@pytest.mark.parametrize(
    ("name", "number"),
    [("Fund IX", "9"), ("Fund 9", "9"), ("Brigade Forty-Four", "44"), ("First Bank", "1")],
)
def test_name_parse_reads_numerals(name: str, number: str) -> None:
    assert number in {token.number for token in name_parse(name, "ORGANISATION").tokens}


def test_name_parse_weighs_particles_and_legal_forms_lightly() -> None:
    person = name_parse("Karim bin Abd al-Tamari", "PERSON").tokens
    company = name_parse("Severny Priliv OOO", "ORGANISATION").tokens

    assert [token.weight for token in person if token.form in {"bin", "abd", "al"}] == [
        LIGHT_WEIGHT
    ] * 3
    assert [token.is_father for token in person] == [False, False, True, False, False]
    assert [(token.weight, token.is_legal) for token in company][-1] == (LIGHT_WEIGHT, True)


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        ("Husayn", "Hussein", "PERSON"),
        ("Mohammed", "Muhammad", "PERSON"),
        ("Marchenkov", "Marchenkvo", "PERSON"),
        ("Ayub", "Ayhb", "PERSON"),
        ("Benjamin", "Benj", "PERSON"),
        ("J", "Jonas", "PERSON"),
        ("بيريز", "Perez", "PERSON"),
        ("Corporation", "Corp", "ORGANISATION"),
        ("IX", "9", "ORGANISATION"),
    ],
)
def test_words_that_may_be_one_are_alike(first: str, second: str, kind: str) -> None:
    (one,), (other,) = name_parse(first, kind).tokens, name_parse(second, kind).tokens

    assert token_similarity(one, other, kind) >= LEAST_SIMILARITY
    assert token_similarity(one, other, kind) == token_similarity(other, one, kind)


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        ("Jeffrey", "Javier", "PERSON"),
        ("Mario", "Maria", "PERSON"),
        ("Daniel", "Daniela", "PERSON"),
        ("Li", "Lu", "PERSON"),
        ("VIII", "IX", "ORGANISATION"),
        ("早苗", "高市", "PERSON"),
    ],
)
def test_words_of_two_people_are_not_alike(first: str, second: str, kind: str) -> None:
    (one,), (other,) = name_parse(first, kind).tokens, name_parse(second, kind).tokens

    assert token_similarity(one, other, kind) < LEAST_SIMILARITY


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        ("Vanderbilt Corp", "Van der Bilt Corp", "ORGANISATION"),
        ("Mohammad Hasni Zarkari", "Zarkari Mohammadhasni", "PERSON"),
        ("Mehdi bin Mohamed Kammoun", "Kammoun Mohamed Mehdi bin", "PERSON"),
        ("Marchenkov, D. O.", "Dmitri Olegovich Marchenkov", "PERSON"),
    ],
)
def test_names_written_otherwise_match(first: str, second: str, kind: str) -> None:
    assert name_similarity(first, second, kind) >= THRESHOLD


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        ("Marchenkov", "Dmitri Olegovich Marchenkov", "PERSON"),
        ("Severny Priliv AG", "Severny Priliv GmbH", "ORGANISATION"),
        ("Baker LLC", "Bajer S.R.L.", "ORGANISATION"),
        ("高石早苗", "高市早苗", "PERSON"),
    ],
)
def test_names_of_others_do_not_match(first: str, second: str, kind: str) -> None:
    assert name_similarity(first, second, kind) < THRESHOLD
