"""Which words of an index are near which, in three columns that are read and written at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from apps.compliance.domain.name_words import Near


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The words near word i, the nearest last, stand from `starts[i]` to `starts[i + 1]`."""

    starts: NDArray[np.int32]
    words: NDArray[np.int32]
    alike: NDArray[np.float64]

    @classmethod
    def make(cls, rows: Sequence[Sequence[Near]]) -> Self:
        """Return them from a row a word."""
        flat = [pair for row in rows for pair in row]
        return cls(
            starts_of([len(row) for row in rows]),
            np.array([word for _, word in flat], dtype=np.int32),
            np.array([alike for alike, _ in flat], dtype=np.float64),
        )

    @classmethod
    def from_columns(cls, starts: bytes, words: bytes, alike: bytes) -> Self:
        return cls(
            np.frombuffer(starts, dtype=np.int32),
            np.frombuffer(words, dtype=np.int32),
            np.frombuffer(alike, dtype=np.float64),
        )

    def columns(self) -> tuple[bytes, bytes, bytes]:
        return self.starts.tobytes(), self.words.tobytes(), self.alike.tobytes()

    def of(self, word: int) -> list[Near]:
        """Return the words near that one, the nearest last."""
        run = slice(self.starts[word], self.starts[word + 1])
        return list(zip(self.alike[run].tolist(), self.words[run].tolist(), strict=True))

    def revised(
        self, numbers: NDArray[np.int32], rows: Mapping[int, Sequence[Near]], count: int
    ) -> Self:
        """Return those of `count` words: `rows` as they are given, the others as they are here.

        `numbers` gives each word's new number, below zero where the word went.
        """
        owners = numbers[np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))]
        is_given = np.zeros(count + 1, dtype=bool)
        is_given[list(rows)] = True
        # The last place stands for a word that went.
        is_given[-1] = True
        stays = ~is_given[owners]
        given = type(self).make(list(rows.values()))
        owners = np.concatenate(
            [owners[stays], np.repeat(np.array(list(rows), np.int32), np.diff(given.starts))]
        )
        words = np.concatenate([numbers[self.words[stays]], given.words])
        alike = np.concatenate([self.alike[stays], given.alike])
        order = np.lexsort((words, alike, owners))
        lengths = np.bincount(owners, minlength=count)
        return type(self)(starts_of(lengths), words[order], alike[order])


def starts_of(lengths: Sequence[int] | NDArray[np.integer]) -> NDArray[np.int32]:
    """Return where each run begins, and where the last ends."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
