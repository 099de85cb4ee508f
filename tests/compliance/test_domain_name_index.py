"""The index finds what a comparison with every name finds, and nothing else."""

import random
from collections.abc import Callable

import pytest
from faker import Faker

from apps.compliance.domain.name_index import NameIndex
from apps.compliance.domain.name_similarity import name_similarity

THRESHOLD = 0.85
LETTERS = "abcdefghijklmnopqrstuvwxyz"
Change = Callable[[random.Random, list[str]], list[str]]


def people(count: int) -> list[str]:
    fake = Faker(["en_US", "es_ES", "ru_RU", "tr_TR", "ar_EG"])
    fake.seed_instance(20261123)
    return [f"{fake.first_name()} {fake.first_name()} {fake.last_name()}" for _ in range(count)]


def same(_: random.Random, words: list[str]) -> list[str]:
    return words


def mistyped(rng: random.Random, words: list[str]) -> list[str]:
    word = max(words, key=len)
    at = rng.randrange(1, len(word) - 1)
    wrong = rng.choice(
        [
            word[:at] + rng.choice(LETTERS) + word[at + 1 :],
            word[:at] + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        ]
    )
    return [wrong if other == word else other for other in words]


def shuffled(rng: random.Random, words: list[str]) -> list[str]:
    return rng.sample(words, len(words))


def initial(_: random.Random, words: list[str]) -> list[str]:
    return [words[0], f"{words[1][0]}.", *words[2:]]


def missing(_: random.Random, words: list[str]) -> list[str]:
    return [words[0], *words[2:]]


@pytest.mark.parametrize("change", [same, mistyped, shuffled, initial, missing])
def test_index_finds_exactly_what_comparing_with_all_names_finds(change: Change) -> None:
    rng = random.Random(7)  # noqa: S311 the same names at every run
    names = people(250)
    index = NameIndex("PERSON", enumerate(names))

    for name in names[:25]:
        asked = " ".join(change(rng, name.split()))
        found = {found.reference: found.similarity for found in index.search(asked, THRESHOLD)}
        scored = {i: name_similarity(asked, listed, "PERSON") for i, listed in enumerate(names)}
        assert found == {i: score for i, score in scored.items() if score >= THRESHOLD}, asked


def test_index_of_companies_finds_by_class_number_and_joined_words() -> None:
    names = ["Van der Bilt Corp", "Fund IX L.P.", "Severny Priliv OOO", "Brigade Forty-Four"]
    index = NameIndex("ORGANISATION", enumerate(names))

    def found(name: str) -> list[str]:
        return [names[found.reference] for found in index.search(name, THRESHOLD)]

    assert found("Vanderbilt Corporation") == ["Van der Bilt Corp"]
    assert found("Fund 9 LP") == ["Fund IX L.P."]
    assert found("Severnyi Priliv LLC") == ["Severny Priliv OOO"]
    assert found("Brigade 44") == ["Brigade Forty-Four"]
    assert found("Ordinary Bakery Ltd") == []


@pytest.mark.parametrize("asked", ["", "...", "\x00", "x" * 5000])
def test_index_asked_for_nothing_finds_nothing(asked: str) -> None:
    assert NameIndex("PERSON", [(1, "Ada Lovelace"), (2, "...")]).search(asked, THRESHOLD) == []


def test_index_without_names_finds_nothing() -> None:
    index = NameIndex("PERSON", [])

    assert len(index) == 0
    assert index.search("Ada Lovelace", THRESHOLD) == []


@pytest.mark.parametrize("gone", [0, 30, 120, 240], ids=["none", "some", "half", "all"])
def test_revised_index_is_to_the_byte_the_one_built_anew(gone: int) -> None:
    rng = random.Random(gone)  # noqa: S311 the same names at every run
    names = [*people(240), "J. A. Smith", "H. Ng", "Ng H.", "..."]
    old, new = list(enumerate(names[:244])), people(60)[20:]
    new = [*(" ".join(mistyped(rng, name.split())) for name in new), "K. Ono", "Smith J."]
    left = {*range(244)} - {*rng.sample(range(240), gone)}
    added = list(enumerate(new, start=1000))
    numbers = {"PASSPORT X1": [7, 1001], "PASSPORT A9": [3]}

    read = NameIndex.from_bytes(NameIndex("PERSON", old, {"PASSPORT B2": [5]}).to_bytes())
    revised = read.revised(left, added, numbers)
    again = revised.revised(left | dict(added).keys(), [], numbers)

    anew = NameIndex("PERSON", [*((i, name) for i, name in old if i in left), *added], numbers)
    assert revised.to_bytes() == anew.to_bytes() == again.to_bytes()
    assert revised.search(new[0], THRESHOLD) == anew.search(new[0], THRESHOLD) != []
