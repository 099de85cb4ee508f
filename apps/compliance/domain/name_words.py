"""Under which keys a word is filed and looked for, so that spelling mistakes lead to it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import cached_property

from rapidfuzz import process
from rapidfuzz.distance import OSA

from apps.compliance.domain.name_similarity import (
    LEAST_HEARD,
    LEAST_SIMILARITY,
    RUNS,
    token_similarity,
)
from apps.compliance.domain.names import Token

# Shorter words are not looked for with a letter missing: too many would be alike.
LEAST_DELETED = 4
# Words of that length may be another with one letter wrong, missing or added; from MANY_LETTERS on
# two may be.
LEAST_ENDED, MANY_LETTERS = 8, 18
# Fewer words than this are not worth a sieve.
FEW = 4
# How alike a word is, and its number.
Near = tuple[float, int]


class WordFile:
    """The words of an index by number, filed so that a word finds those near it."""

    def __init__(self, tokens: Sequence[Token], kind: str) -> None:
        self.tokens, self.kind = tokens, kind
        self.forms = [token.form for token in tokens]

    @cached_property
    def _ways(self) -> dict[str, list[int]]:
        found: defaultdict[str, list[int]] = defaultdict(list)
        for number, token in enumerate(self.tokens):
            for way in ways_of(token):
                found[way].append(number)
        return found

    @cached_property
    def _ends(self) -> set[str]:
        return {end for form in self.forms if len(form) >= LEAST_ENDED for end in _ends(form)}

    def may_spell(self, form: str) -> bool:
        """Return whether a word may be the long form but for one letter, which leaves one end."""
        return not self._ends.isdisjoint(_ends(form)) or len(form) >= MANY_LETTERS

    def filed_under(self, ways: Set[str]) -> set[int]:
        return {number for way in self._ways.keys() & ways for number in self._ways[way]}

    def near(self, token: Token) -> list[Near]:
        """Return the words that may be the token, the nearest last."""
        numbers = list(self.filed_under(ways_of(token) | {token.form[0]}))
        if token.is_ascii and not token.number and not token.symbols and len(numbers) > FEW:
            numbers = self._spelled_alike(token, numbers)
        scored = (
            (token_similarity(token, self.tokens[number], self.kind), number) for number in numbers
        )
        return sorted(pair for pair in scored if pair[0] >= LEAST_SIMILARITY)

    def who_find(self, tokens: Iterable[Token]) -> set[int]:
        """Return the words that look where any of these is filed, or was."""
        ways = {way for token in tokens for way in ways_of(token)}
        initials = {number for number, form in enumerate(self.forms) if form[0] in ways}
        return self.filed_under(ways) | initials

    def _spelled_alike(self, token: Token, numbers: Sequence[int]) -> list[int]:
        """Drop, all at once, words that share too few letters to be heard as the token."""
        forms = [self.forms[number] for number in numbers]
        shared = process.cdist(
            [token.form], forms, scorer=OSA.normalized_similarity, score_cutoff=LEAST_HEARD
        )
        return [
            number
            for number, letters in zip(numbers, shared[0].tolist(), strict=True)
            if letters
            or len(self.forms[number]) == 1
            or not (found := self.tokens[number]).is_ascii
            or found.folded == token.folded
        ]


def _ends(form: str) -> tuple[str, str]:
    """Return the first and the last letters: one wrong letter leaves one of them as it is."""
    half = LEAST_ENDED // 2
    return f"{form[:half]} ", f" {form[-half:]}"


def runs(forms: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield neighbours that another spelling may write as one word."""
    return (run for _, run in placed_runs(forms))


def placed_runs(forms: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    for length in RUNS:
        for start in range(len(forms) - length + 1):
            yield start, forms[start : start + length]


def ways_of(token: Token) -> set[str]:
    """Return the keys under which a word is filed and looked for."""
    if token.number:
        return {token.form, f"number {token.number}"}
    ways = spellings(token.form)
    ways.add(f"folded {token.folded}")
    if len(token.sound) > 1:
        ways.add(f"sound {token.sound}")
    if len(token.skeleton) > 1:
        ways.add(f"bones {token.skeleton}")
    if token.symbols:
        ways |= {f"class {symbol}" for symbol in token.symbols}
    return ways


def spellings(form: str) -> set[str]:
    """Return the word itself and, of a longer one, what is left of it without one letter."""
    if len(form) < LEAST_DELETED:
        return {form}
    return {form, *(form[:i] + form[i + 1 :] for i in range(len(form)))}
