"""Listed names in memory, arranged so that a client's name finds those it could be.

Words lead to names: each word of the query finds the words of the lists that are near it (a letter
wrong, missing or swapped; same sound; same consonants; an initial; a short form), and numpy adds up
how much of each listed name they cover.  What the full comparison could not bring to the threshold
is dropped here; the bound is generous, so that the comparison alone decides.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from apps.compliance.domain.matching import (
    INITIAL_SIMILARITY,
    LEAST_SHARED,
    LEAST_SIMILARITY,
    MISSING_WEIGHT,
    RUNS,
    token_similarity,
    tokens_similarity,
)
from apps.compliance.domain.names import ParsedName, Token, name_parse, tokens_join

# How far the bound may lie below the comparison: roles, doubled words, words joined otherwise.
MARGIN = 0.05
LEAST_DELETED = 4
MAX_CACHED_WORDS = 50_000

Positions = NDArray[np.int32]
Reach = tuple[Positions, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Found:
    """A listed name at or above the threshold, by the reference that it was indexed with."""

    reference: int
    similarity: float


@dataclass(slots=True)
class _Words:
    """The distinct words of the names, the names that hold them, and the ways that lead to them.

    `joints` are neighbours written as one word, with the names that hold them.
    """

    tokens: list[Token] = field(default_factory=list)
    names: list[list[int]] = field(default_factory=list)
    by_writing: dict[str, int] = field(default_factory=dict)
    ways: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    initials: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    joints: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, tokens: Sequence[Token], position: int) -> None:
        """Note which words the name at the position holds."""
        for token in tokens:
            word = self.by_writing.get(token.original)
            if word is None or self.tokens[word].form != token.form:
                word = self._new(token)
            self.names[word].append(position)
            self.initials[token.form[0]].append(position)
        for run in _runs(tokens):
            self.joints["".join(token.form for token in run)].append(position)

    def _new(self, token: Token) -> int:
        word = self.by_writing[token.original] = len(self.tokens)
        self.tokens.append(token)
        self.names.append([])
        for way in _ways(token):
            self.ways[way].append(word)
        return word


class NameIndex:
    """The names of one kind (PERSON, ORGANISATION, …); read-only once it is built."""

    def __init__(self, kind: str, names: Iterable[tuple[int, str]]) -> None:
        """Index pairs of a reference and a name; 25,000 names take about a second."""
        self.kind = kind
        self._references: list[int] = []
        self._parsed: list[ParsedName] = []
        self._words = _Words()
        for reference, name in names:
            self._add(reference, name_parse(name, kind))
        self._weights = np.array([parsed.weight for parsed in self._parsed], dtype=np.float32)
        self._reach: dict[str, Reach] = {}

    def __len__(self) -> int:
        return len(self._parsed)

    def search(self, name: str, threshold: float) -> list[Found]:
        """Return the listed names whose similarity to the name reaches the threshold."""
        parsed = name_parse(name, self.kind)
        if not parsed.tokens or not self._parsed:
            return []
        found = []
        for position in self._candidates(parsed, threshold):
            similarity = tokens_similarity(parsed.tokens, self._parsed[position].tokens, self.kind)
            if similarity >= threshold:
                found.append(Found(self._references[position], similarity))
        return found

    def _add(self, reference: int, parsed: ParsedName) -> None:
        position = len(self._parsed)
        if not parsed.tokens:
            return
        self._references.append(reference)
        self._parsed.append(parsed)
        self._words.add(parsed.tokens, position)

    def _candidates(self, parsed: ParsedName, threshold: float) -> list[int]:
        """Return positions whose bound, the score's formula with the words' weights, is enough."""
        covered, shared = np.zeros((2, len(self._parsed)), dtype=np.float32)
        for token in parsed.tokens:
            positions, similarities = self._reached(token)
            covered[positions] += similarities * token.weight
            shared[positions] += token.weight
        for run in _runs(parsed.tokens):
            positions, similarities = self._reached(tokens_join(run))
            weight = sum(token.weight for token in run)
            covered[positions] = np.maximum(covered[positions], similarities * weight)
            shared[positions] = np.maximum(shared[positions], weight)
        near = np.flatnonzero(shared)
        covered, shared = covered[near], shared[near]
        rest_ours = np.maximum(parsed.weight - shared, 0)
        rest_theirs = np.maximum(self._weights[near] - shared, 0)
        against = 2 * np.minimum(rest_ours, rest_theirs)
        against += np.abs(rest_ours - rest_theirs) * MISSING_WEIGHT[self.kind]
        kept = 2 * covered >= (threshold - MARGIN) * (2 * shared + against)
        if self.kind == "PERSON" and len(parsed.tokens) > 1:
            kept &= shared >= LEAST_SHARED
        candidates: list[int] = near[kept].tolist()
        return candidates

    def _reached(self, token: Token) -> Reach:
        """Return the names that hold a word near the token, each with its best similarity."""
        key = f"{token.original}/{token.form}"
        reach = self._reach.get(key)
        if reach is None:
            if len(self._reach) >= MAX_CACHED_WORDS:
                self._reach.clear()
            reach = self._reach[key] = self._reach_of(token)
        return reach

    def _reach_of(self, token: Token) -> Reach:
        words = {word for way in _ways(token) for word in self._words.ways.get(way, ())}
        best = dict.fromkeys(self._words.joints.get(token.form, ()), 1.0)
        if self.kind == "PERSON" and len(token.form) == 1:
            best |= dict.fromkeys(self._words.initials.get(token.form, ()), INITIAL_SIMILARITY)
        for word in words:
            similarity = token_similarity(token, self._words.tokens[word], self.kind)
            if similarity < LEAST_SIMILARITY:
                continue
            for position in self._words.names[word]:
                if similarity > best.get(position, 0.0):
                    best[position] = similarity
        return (
            np.fromiter(best.keys(), dtype=np.int32, count=len(best)),
            np.fromiter(best.values(), dtype=np.float32, count=len(best)),
        )


def _runs(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Yield neighbours that another spelling may write as one word."""
    for length in RUNS:
        for start in range(len(tokens) - length + 1):
            yield tokens[start : start + length]


def _ways(token: Token) -> set[str]:
    """Return the keys under which a word is filed and looked for."""
    form = token.form
    ways = {form}
    if token.number:
        return ways | {f"number {token.number}"}
    if len(token.sound) > 1:
        ways.add(f"sound {token.sound}")
    if len(token.skeleton) > 1:
        ways.add(f"bones {token.skeleton}")
    ways |= {f"class {symbol}" for symbol in token.symbols}
    if len(form) >= LEAST_DELETED:
        ways |= {form[:i] + form[i + 1 :] for i in range(len(form))}
    return ways
