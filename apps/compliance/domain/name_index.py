"""Listed names in memory, arranged so that a client's name finds those it could be.

Words lead to names: each word of the query finds the words of the lists that are near it (a letter
wrong, missing or swapped; same sound; same consonants; an initial; a short form), and numpy adds up
how much of each listed name they cover.  What the full comparison could not bring to the threshold
is dropped here; the bound is generous, so that the comparison alone decides.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import msgpack
import numpy as np
from numpy.typing import NDArray

from apps.compliance.domain.name_neighbours import Neighbours, starts_of
from apps.compliance.domain.name_similarity import (
    FEW_DOUBT,
    FEW_MISSING_WEIGHT,
    INITIAL_SIMILARITY,
    LEAST_SHARED,
    LEAST_SHARED_PARTLY,
    MANY_SHARED,
    MISSING_WEIGHT,
    parsed_similarity,
    token_similarity,
)
from apps.compliance.domain.name_words import WordFile, placed_runs, runs, spellings
from apps.compliance.domain.names import ParsedName, Token, name_parse, token_make

# How far the bound may lie below the comparison: roles, doubled words, words joined otherwise.
MARGIN = 0.01
# Positions kept for words asked before, 12 bytes each: 60 MB at most.  A word and its place in the
# cache take as much as ENTRY of them, also where nothing is near it.
MAX_CACHED = 5_000_000
ENTRY = 20
MAX_WORDS = 50_000
# Words that are one letter apart are as alike as two spellings of joined words must be.
LEAST_JOINT = 9
# Bytes of another layout are built anew, not read.
LAYOUT = 2

Positions = NDArray[np.integer]
Numbers = NDArray[np.float32]
# Names, each once, how alike each one's word is, and what that word weighs there.
Reach = tuple[Positions, Numbers, Numbers]
Word = tuple[float, Positions, float]
# A word that no name has any more.
GONE = -1
NOWHERE: Positions = np.zeros(0, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class Found:
    """A listed name at or above the threshold, by the reference that it was indexed with."""

    reference: int
    similarity: float


class NameIndex:
    """The names of one kind (PERSON, ORGANISATION, …); read-only once it is built.

    A name is a run of numbers of words in `_words`, from `_starts[i]` to `_starts[i + 1]`.
    """

    _neighbours: Neighbours

    def __init__(
        self,
        kind: str,
        names: Iterable[tuple[int, str]],
        identifiers: Mapping[str, Collection[int]] | None = None,
    ) -> None:
        """Index pairs of a reference and a name, and references by number of a document.

        25,000 names take some seconds; `from_bytes` a tenth of that.
        """
        numbered = sorted((identifiers or {}).items())
        self._identifiers = {key: sorted(found) for key, found in numbered}
        numbers: dict[Token, int] = {}
        references, words, lengths = _read(names, kind, numbers)
        self._arrange(kind, list(numbers), references, words, starts_of(lengths))
        self._neighbours = Neighbours.make([self._file.near(token) for token in numbers])

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the index that `to_bytes` wrote; raises ValueError for another layout."""
        layout, kind, identifiers, tokens, *columns = msgpack.unpackb(data)
        if layout != LAYOUT:
            raise ValueError(f"an index of layout {layout}, not {LAYOUT}")
        index = cls.__new__(cls)
        references, words, starts, *neighbours = columns
        index._arrange(
            kind,
            [_token(row) for row in tokens],
            np.frombuffer(references, dtype=np.int64),
            np.frombuffer(words, dtype=np.int32),
            np.frombuffer(starts, dtype=np.int32),
        )
        index._neighbours = Neighbours.from_columns(*neighbours)
        index._identifiers = identifiers
        return index

    def revised(
        self,
        kept: Collection[int],
        names: Iterable[tuple[int, str]],
        identifiers: Mapping[str, Collection[int]],
    ) -> Self:
        """Return what building anew with `kept` references and new names would, to the byte.

        Only words near those that came or went are looked up again.
        """
        stays = np.isin(self._references, np.fromiter(kept, np.int64, len(kept)))
        lengths, numbers = np.diff(self._starts), dict(self._numbers)
        references, words, new_lengths = _read(names, self.kind, numbers)
        words = np.concatenate([self._words[np.repeat(stays, lengths)], words])
        # Numbered anew in the order in which they come first.
        used, first = np.unique(words, return_index=True)
        used = used[np.argsort(first)]
        renumbered = np.full(len(numbers), GONE, dtype=np.int32)
        renumbered[used] = np.arange(len(used), dtype=np.int32)
        tokens, index = list(numbers), type(self).__new__(type(self))
        index._identifiers = {key: sorted(ids) for key, ids in sorted(identifiers.items())}
        index._arrange(
            self.kind,
            [tokens[number] for number in used.tolist()],
            np.concatenate([self._references[stays], references]),
            renumbered[words],
            starts_of(np.concatenate([lengths[stays], new_lengths])),
        )
        index._neighbours = self._neighbours_revised(index, renumbered)
        return index

    def _neighbours_revised(self, index: Self, renumbered: NDArray[np.int32]) -> Neighbours:
        """Return the neighbours of the new index's words, by their numbers here and there."""
        kept, came = renumbered[: len(self._tokens)], renumbered[len(self._tokens) :].tolist()
        went = [self._tokens[number] for number in np.flatnonzero(kept == GONE).tolist()]
        near = index._file.who_find([*(index._tokens[number] for number in came), *went])
        rows = {number: index._file.near(index._tokens[number]) for number in {*near, *came}}
        return self._neighbours.revised(kept, rows, len(index._tokens))

    @property
    def references(self) -> set[int]:
        return set(self._references.tolist())

    def to_bytes(self) -> bytes:
        """Return the index for another process, which reads it in a tenth of the time."""
        tokens = [
            (
                *(token.form, token.original, token.weight, token.number, sorted(token.symbols)),
                *(token.is_legal, token.is_father),
            )
            for token in self._tokens
        ]
        columns = (self._references, self._words, self._starts)
        written = (*(column.tobytes() for column in columns), *self._neighbours.columns())
        packed: bytes = msgpack.packb([LAYOUT, self.kind, self._identifiers, tokens, *written])
        return packed

    def __len__(self) -> int:
        return len(self._references)

    def search(self, name: str, threshold: float) -> list[Found]:
        """Return the listed names whose similarity to the name reaches the threshold."""
        parsed = name_parse(name, self.kind)
        if not parsed.tokens or not len(self):
            return []
        candidates = self._candidates(parsed, threshold)
        if not candidates:
            return []
        known: dict[tuple[Token, Token], float] = {}

        def alike(one: Token, other: Token, kind: str) -> float:
            pair = one, other
            if pair not in known:
                known[pair] = token_similarity(one, other, kind)
            return known[pair]

        found = []
        for position in candidates:
            listed = self._parsed(position)
            similarity = parsed_similarity(parsed, listed, self.kind, alike)
            if similarity >= threshold:
                found.append(Found(int(self._references[position]), similarity))
        return found

    def holding(self, identifier: str) -> list[int]:
        """Return the references that have that number (identifier_value)."""
        return self._identifiers.get(identifier, [])

    def _arrange(
        self,
        kind: str,
        tokens: list[Token],
        references: NDArray[np.int64],
        words: NDArray[np.int32],
        starts: NDArray[np.int32],
    ) -> None:
        self.kind = kind
        self._tokens, self._references = tokens, references
        self._words, self._starts = words, starts
        lengths = np.diff(starts)
        owners = np.repeat(np.arange(len(references), dtype=np.int32), lengths)
        weights = np.array([token.weight for token in tokens], dtype=np.float32)
        self._weights = np.zeros(len(references), dtype=np.float32)
        if len(words):
            self._weights += np.add.reduceat(weights[words], starts[:-1])
        # The names that hold a word, each once: one run of positions a word.
        held = np.unique(words.astype(np.int64) * len(references) + owners)
        held_words, owners = np.divmod(held, max(len(references), 1))
        self._owners = owners.astype(np.int32)
        self._first = np.searchsorted(held_words, np.arange(len(tokens) + 1))
        self._file = WordFile(tokens, kind)
        initials: defaultdict[str, list[int]] = defaultdict(list)
        for number, form in enumerate(self._file.forms):
            initials[form[0]].append(number)
        self._initials = {
            letter: np.unique(np.concatenate([self._holding(number) for number in numbers]))
            for letter, numbers in initials.items()
        }
        self._numbers = {token: number for number, token in enumerate(tokens)}
        self._known: dict[int, ParsedName] = {}
        self._known_words: dict[Token, dict[Token, float]] = {}
        self._reach: dict[Token | str, Reach | None] = {}
        self._cached = 0
        self._last = np.zeros(len(references), dtype=np.int32)

    @cached_property
    def _joints(self) -> dict[str, list[int]]:
        """Names by neighbours that another spelling writes as one word."""
        joints: defaultdict[str, list[int]] = defaultdict(list)
        forms, words, starts = self._file.forms, self._words.tolist(), self._starts.tolist()
        for position in range(len(self)):
            listed = [forms[word] for word in words[starts[position] : starts[position + 1]]]
            for joint in {"".join(run) for run in runs(listed)}:
                joints[joint].append(position)
        return joints

    def _holding(self, number: int) -> Positions:
        """Return the names that hold the word of that number."""
        return self._owners[self._first[number] : self._first[number + 1]]

    def _parsed(self, position: int) -> ParsedName:
        parsed = self._known.get(position)
        if parsed is None:
            words = self._words[self._starts[position] : self._starts[position + 1]]
            tokens = tuple(self._tokens[word] for word in words.tolist())
            parsed = self._known[position] = ParsedName(tokens)
        return parsed

    def _candidates(self, parsed: ParsedName, threshold: float) -> list[int]:
        """Return positions whose bound, the score's formula with the words' weights, is enough."""
        tokens = parsed.tokens
        reaches = [(self._reached(token), token.weight) for token in tokens]
        for start, run in placed_runs([token.form for token in tokens]):
            reach = self._joined("".join(run))
            if reach is not None:
                weight = sum(token.weight for token in tokens[start : start + len(run)])
                reaches.append((reach, weight))
        known = [(*reach, weight) for reach, weight in reaches if reach is not None]
        is_named = self.kind == "PERSON" and len(tokens) > 1
        least = (LEAST_SHARED if is_named else LEAST) - ROUNDING
        if sum(one[3] for one in known) < least:
            return []
        positions = np.concatenate([one[0] for one in known])
        similarities = np.concatenate([one[1] for one in known])
        weights = np.concatenate([one[2] for one in known])
        ours_each = np.repeat([one[3] for one in known], [len(one[0]) for one in known])
        # Most names share one common word: they are dropped before anything else is added up.
        shared = np.bincount(positions, ours_each)
        enough = shared >= least
        near, kept = np.flatnonzero(enough), enough[positions]
        if not near.size:
            return []
        places = np.searchsorted(near, positions[kept])
        ours, weights = shared[near], weights[kept]
        theirs = np.bincount(places, weights, len(near))
        pairs = similarities[kept] * (weights + ours_each[kept])
        covered = np.bincount(places, pairs, len(near))
        rest_ours = np.maximum(parsed.weight - ours, 0)
        rest_theirs = np.maximum(self._weights[near] - theirs, 0)
        missing = np.abs(rest_ours - rest_theirs)
        matched, paired = covered, ours + theirs
        against = 2 * np.minimum(rest_ours, rest_theirs) + missing * MISSING_WEIGHT[self.kind]
        if is_named:
            few = (missing >= 1) & (ours < MANY_SHARED)
            against += few * missing * (FEW_MISSING_WEIGHT - MISSING_WEIGHT[self.kind])
            matched -= few * FEW_DOUBT * (paired - matched)
            matched *= (ours >= LEAST_SHARED_PARTLY - ROUNDING) | (rest_ours + rest_theirs < 1)
        is_candidate = matched >= (threshold - MARGIN) * (paired + against)
        candidates: list[int] = near[is_candidate].tolist()
        return candidates

    def _reached(self, token: Token) -> Reach | None:
        """Return the names that hold a word near the token, each once."""
        return self._reach[token] if token in self._reach else self._reach_of(token)

    def _joined(self, form: str) -> Reach | None:
        """Return the names that hold a word near the query's neighbours written as one."""
        if form not in self._reach:
            is_spelled = len(form) >= LEAST_JOINT and self._file.may_spell(form)
            ways = spellings(form) if is_spelled else {form}
            found = [(1.0, self._holding(number), 1.0) for number in self._file.filed_under(ways)]
            return self._keep(form, [*found, *self._joint(form, 1.0)])
        return self._reach[form]

    def _joint(self, form: str, weight: float) -> list[Word]:
        """Return the names that hold neighbours which are the form when written as one."""
        positions = self._joints.get(form)
        return [(1.0, np.array(positions, dtype=np.int32), weight)] if positions else []

    def _reach_of(self, token: Token) -> Reach | None:
        found = [
            (alike, self._holding(self._numbers[one]), one.weight)
            for one, alike in self._alike(token).items()
        ]
        if self.kind == "PERSON" and len(token.form) == 1:
            found.insert(0, (INITIAL_SIMILARITY, self._initials.get(token.form, NOWHERE), 1.0))
        return self._keep(token, [*found, *self._joint(token.form, token.weight)])

    def _alike(self, token: Token) -> dict[Token, float]:
        """Return the listed words that may be the token, the nearest last."""
        known = self._known_words.get(token)
        if known is None:
            number = self._numbers.get(token)
            near = self._file.near(token) if number is None else self._neighbours.of(number)
            known = {self._tokens[one]: alike for alike, one in near}
            if len(self._known_words) >= MAX_WORDS:
                self._known_words.clear()
            self._known_words[token] = known
        return known

    def _keep(self, key: Token | str, found: Sequence[Word]) -> Reach | None:
        """Remember the reach: each name once, with the last, which is the highest, similarity."""
        reach = self._together(found) if found else None
        size = ENTRY if reach is None else ENTRY + reach[1].size
        self._cached += size
        if self._cached > MAX_CACHED:
            self._reach.clear()
            self._cached = size
        self._reach[key] = reach
        return reach

    def _together(self, found: Sequence[Word]) -> Reach:
        if len(found) == 1:
            [(only, positions, weight)] = found
            alike, weights = np.full(len(positions), only), np.full(len(positions), weight)
            return positions, alike.astype(np.float32), weights.astype(np.float32)
        lengths = [len(positions) for _, positions, _ in found]
        chain = np.concatenate([positions for _, positions, _ in found])
        alike = np.repeat(np.array([one for one, _, _ in found], dtype=np.float32), lengths)
        weights = np.repeat(np.array([one for _, _, one in found], dtype=np.float32), lengths)
        # A name with two near words stands twice: the last, which is the nearest, writes over.
        order = np.arange(len(chain), dtype=np.int32)
        self._last[chain] = order
        last = self._last[chain] == order
        return chain[last], alike[last], weights[last]


# Anything at all in common.
LEAST = 0.01
ROUNDING = 1e-4


def _read(
    names: Iterable[tuple[int, str]], kind: str, numbers: dict[Token, int]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Return references, words by number and how many each name has; new words get a number."""
    references, words, lengths = [], [], []
    for reference, name in names:
        tokens = name_parse(name, kind).tokens
        if tokens:
            references.append(reference)
            lengths.append(len(tokens))
            words += [numbers.setdefault(token, len(numbers)) for token in tokens]
    return (
        np.array(references, dtype=np.int64),
        np.array(words, dtype=np.int32),
        np.array(lengths, dtype=np.int32),
    )


def _token(row: list[Any]) -> Token:
    form, original, weight, number, symbols, is_legal, is_father = row
    return token_make(form, original, weight, number, (frozenset(symbols), is_legal, is_father))
