"""Names a second against real lists, beside a plain scan of the same names by rapidfuzz.

    STRATFORD_REFERENCE_DATA=folder python -m benchmarks.screening [names]

Prints how fast and how well listed names are found again after a typo, a swap of letters or words,
an initial or another transliteration, and how often ordinary names hit; then the same queries by
the reference: `rapidfuzz.process.extract` with `token_sort_ratio` over every listed name.
"""

import csv
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from defusedxml.ElementTree import parse
from faker import Faker
from rapidfuzz import fuzz, process, utils

from apps.compliance.domain.name_index import NameIndex

THRESHOLD = 0.85
LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Ways to write one sound, as passports and newspapers differ.
SPELLINGS = (
    *(("ou", "u"), ("ee", "i"), ("kh", "h"), ("q", "k"), ("ph", "f"), ("y", "i"), ("ck", "k")),
    *(("mm", "m"), ("ss", "s"), ("w", "v"), ("sh", "ch"), ("o", "u"), ("e", "i"), ("dd", "d")),
)
RNG = random.Random(20261123)


def listed(folder: Path) -> list[tuple[int, str]]:
    """Return (entity, name) of every person on the OFAC and UN lists."""
    with (folder / "ofac" / "sdn.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if len(row) > 3 and row[2].strip() == "individual"]
    names = [(int(row[0]), row[1]) for row in rows]
    people = {entity for entity, _ in names}
    with (folder / "ofac" / "alt.csv").open(encoding="utf-8", newline="") as file:
        aliases = [(int(row[0]), row[3]) for row in csv.reader(file) if len(row) > 3]
    names += [alias for alias in aliases if alias[0] in people]
    for person in parse(folder / "un" / "UN_consolidated.xml").getroot().iter("INDIVIDUAL"):
        parts = (person.findtext(f"{place}_NAME") for place in ("FIRST", "SECOND", "THIRD"))
        entity = int(person.findtext("DATAID"))
        names.append((entity, " ".join(part.strip() for part in parts if part)))
        names += [
            (entity, alias.text)
            for alias in person.iter("ALIAS_NAME")
            if alias.text and alias.text.strip()
        ]
    return names


def typed(name: str) -> str:
    words = name.lower().split()
    at = max(range(len(words)), key=lambda i: (len(words[i]) > 3, RNG.random()))
    words[at] = _mistyped(words[at])
    return " ".join(words)


def _mistyped(word: str) -> str:
    if len(word) < 4:
        return word
    i = RNG.randrange(1, len(word) - 1)
    letter = RNG.choice(LETTERS)
    return RNG.choice(
        [
            word[:i] + letter + word[i + 1 :],
            word[:i] + word[i + 1 :],
            word[:i] + letter + word[i:],
            word[:i] + word[i + 1] + word[i] + word[i + 2 :],
        ]
    )


def shuffled(name: str) -> str:
    words = name.split()
    return " ".join(RNG.sample(words, len(words)))


def initialled(name: str) -> str:
    words = name.split()
    if len(words) > 2:
        at = RNG.randrange(1, len(words) - 1)
        words[at] = f"{words[at][0]}."
    return " ".join(words)


def respelled(name: str) -> str:
    lower = name.lower()
    chosen = RNG.choice([pair for pair in SPELLINGS if pair[0] in lower] or [("", "")])
    return lower.replace(chosen[0], chosen[1], 1) if chosen[0] else lower


def timed(work: Callable[[str], set[int]], names: list[str]) -> tuple[list[set[int]], float]:
    began = time.perf_counter()
    found = [work(name) for name in names]
    return found, len(names) / (time.perf_counter() - began)


def main() -> None:
    """Print one line a kind of change, then the reference's."""
    folder = Path(os.environ["STRATFORD_REFERENCE_DATA"])
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    names = [(entity, " ".join(name.replace(",", " ").split())) for entity, name in listed(folder)]
    began = time.perf_counter()
    index = NameIndex("PERSON", names)
    index.search("Ada Lovelace", THRESHOLD)
    print(f"{len(index):,} names; index and first answer {time.perf_counter() - began:.2f} s")
    plain = [utils.default_process(name) for _, name in names]

    def ours(name: str) -> set[int]:
        return {found.reference for found in index.search(name, THRESHOLD)}

    def reference(name: str) -> set[int]:
        found = process.extract(
            utils.default_process(name),
            plain,
            scorer=fuzz.token_sort_ratio,
            score_cutoff=100 * THRESHOLD,
            limit=None,
        )
        return {names[position][0] for _, _, position in found}

    pool = [(entity, name) for entity, name in names if len(name.split()) > 1 and len(name) > 8]
    changes = (str, typed, shuffled, initialled, respelled)
    fake = Faker(["en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "ru_RU", "pl_PL", "tr_TR"])
    fake.seed_instance(1)
    ordinary = [f"{fake.first_name()} {fake.last_name()}" for _ in range(count)]
    sample = [(change, *RNG.choice(pool)) for change in changes for _ in range(count // 5)]
    asked = [(change, entity, change(name)) for change, entity, name in sample]
    rates = []
    for label, work in (("index", ours), ("plain scan", reference)):
        results, rate = timed(work, [name for _, _, name in asked])
        hits, ordinary_rate = timed(work, ordinary)
        rates.append((len(asked) + count) / (len(asked) / rate + count / ordinary_rate))
        for change in changes:
            right = [asked[i][1] in results[i] for i in range(len(asked)) if asked[i][0] is change]
            print(f"{label}: recall {sum(right) / len(right):.3f} ({change.__name__})")
        false = 100 * sum(map(bool, hits)) / count
        print(f"{label}: {rate:,.0f} listed and {ordinary_rate:,.0f} ordinary names/s;", end=" ")
        print(f"{false:.2f} % of ordinary names hit")
    print(f"ratio: {rates[0] / rates[1]:.1f} ({rates[0]:,.0f} against {rates[1]:,.0f} names/s)")


if __name__ == "__main__":
    main()
