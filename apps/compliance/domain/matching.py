"""Is this listed entry the client?  Every feature's part in the score, in a sum that adds up.

A score is explained by its features, never by a model that cannot be shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from apps.compliance.domain.identifiers import identifiers_contradict, identifiers_shared
from apps.compliance.domain.name_similarity import name_similarity

MATCHER_VERSION = "2026-11.4"
STRONG_FROM = Decimal("0.900")

# Tuned on labelled pairs of names; tests hold the F1 at this threshold.
DEFAULT_THRESHOLD = Decimal("0.850")
# Results are kept from here on, so no threshold may lie below.
RESULT_FLOOR = Decimal("0.800")
HIGHEST_THRESHOLD = Decimal("0.990")
WEAK_ALIAS_FACTOR = 0.9
SAME_DAY, SAME_MONTH, SAME_YEAR = Decimal("0.05"), Decimal("0.03"), Decimal("0.02")
OTHER_BIRTH, OTHER_COUNTRY = Decimal("-0.10"), Decimal("-0.03")
SHARED_COUNTRY = Decimal("0.02")
OTHER_GENDER, OTHER_IDENTIFIER = Decimal("-0.10"), Decimal("-0.10")
# The most that birth date and country add to what the names give.
MOST_ADDED = SAME_DAY + SHARED_COUNTRY
LOWEST, HIGHEST = Decimal(0), Decimal(1)


@dataclass(frozen=True)
class Subject:
    """One side of a comparison; dates are ISO years, months or days, countries are alpha-2.

    `gender` is F, M or empty; `identifiers` as identifier_normal writes them.
    """

    kind: str
    names: tuple[str, ...]
    birth_dates: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    gender: str = ""
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Feature:
    """`contribution` adds to the score; `client` and `listed` are what was compared."""

    code: str
    client: str
    listed: str
    similarity: Decimal
    contribution: Decimal

    def as_json(self) -> dict[str, str]:
        """Return what is kept: the client's side is shown from the record, not from here."""
        return {
            "code": self.code,
            "listed": self.listed,
            "similarity": str(self.similarity),
            "contribution": str(self.contribution),
        }


@dataclass(frozen=True)
class Match:
    score: Decimal
    client_name: str
    listed_name: str
    features: tuple[Feature, ...]


def subject_match(
    client: Subject, listed: Subject, weak_names: frozenset[str] = frozenset()
) -> Match:
    """Return the best pair of names with its score, moved by what else is known of both sides.

    Score = the names' similarity (weak aliases x 0.9), + 0.05 for the same day of birth, + 0.03 the
    same month, + 0.02 the same year, - 0.10 for years that differ by more than one; + 0.02 for a
    shared country, - 0.03 for none; - 0.10 for another gender; - 0.10 for another number of which
    nobody has two; a shared number makes it 1.  Within 0 to 1: what a feature could not move
    further is not its contribution, so that the contributions sum to the score.
    """
    similarity, client_name, listed_name = max(
        (
            name_similarity(ours, theirs, listed.kind)
            * (WEAK_ALIAS_FACTOR if theirs in weak_names else 1),
            ours,
            theirs,
        )
        for ours in client.names
        for theirs in listed.names
    )
    measured = _decimal(similarity)
    found = [Feature("name", client_name, listed_name, measured, measured)]
    found += _birth_feature(client.birth_dates, listed.birth_dates)
    found += _country_feature(client.countries, listed.countries)
    found += _gender_feature(client.gender, listed.gender)
    found += _identifier_feature(frozenset(client.identifiers), frozenset(listed.identifiers))
    features = tuple(_within(found))
    score = sum((feature.contribution for feature in features), LOWEST)
    return Match(score, client_name, listed_name, features)


def _within(found: list[Feature]) -> Iterator[Feature]:
    """Yield the features, each with what it moved the score while that stayed within 0 to 1."""
    score = LOWEST
    for feature in found:
        moved = min(max(score + feature.contribution, LOWEST), HIGHEST) - score
        score += moved
        yield (
            Feature(feature.code, feature.client, feature.listed, feature.similarity, moved)
            if moved != feature.contribution
            else feature
        )


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(Decimal("0.001"), ROUND_HALF_EVEN)


def _birth_feature(ours: tuple[str, ...], theirs: tuple[str, ...]) -> list[Feature]:
    if not ours or not theirs:
        return []
    _, gap, client, listed = min(
        (-_same_until(a, b), abs(int(a[:4]) - int(b[:4])), a, b) for a in ours for b in theirs
    )
    agreed = _same_until(client, listed)
    if agreed:
        similarity, contribution = {
            10: (Decimal(1), SAME_DAY),
            7: (Decimal("0.85"), SAME_MONTH),
            4: (Decimal("0.7"), SAME_YEAR),
        }[agreed]
        return [Feature("birth_date", client, listed, similarity, contribution)]
    if gap == 1:
        return [Feature("birth_date", client, listed, Decimal("0.5"), Decimal(0))]
    return [Feature("birth_date", client, listed, Decimal(0), OTHER_BIRTH)]


def _same_until(one: str, other: str) -> int:
    """Return how many characters of two ISO dates agree: 10 a day, 7 a month, 4 a year, or 0."""
    shorter = min(len(one), len(other))
    return next((size for size in (10, 7, 4) if size <= shorter and one[:size] == other[:size]), 0)


def _country_feature(ours: tuple[str, ...], theirs: tuple[str, ...]) -> list[Feature]:
    if not ours or not theirs:
        return []
    shared = {*ours} & {*theirs}
    client, listed = ", ".join(sorted({*ours})), ", ".join(sorted({*theirs}))
    if shared:
        return [Feature("country", client, listed, Decimal(1), SHARED_COUNTRY)]
    return [Feature("country", client, listed, Decimal(0), OTHER_COUNTRY)]


def _gender_feature(ours: str, theirs: str) -> list[Feature]:
    if not ours or not theirs:
        return []
    if ours == theirs:
        return [Feature("gender", ours, theirs, Decimal(1), Decimal(0))]
    return [Feature("gender", ours, theirs, Decimal(0), OTHER_GENDER)]


def _identifier_feature(ours: frozenset[str], theirs: frozenset[str]) -> list[Feature]:
    if found := identifiers_shared(ours, theirs):
        return [Feature("identifier", *found, Decimal(1), HIGHEST)]
    if found := identifiers_contradict(ours, theirs):
        return [Feature("identifier", *found, Decimal(0), OTHER_IDENTIFIER)]
    return []
