"""Names a second against real lists, how well they are found, and how often ordinary ones hit.

    STRATFORD_REFERENCE_DATA=folder python -m benchmarks.screening [names a change]

Every figure of one run: the index's size and how fast a cold process answers from its bytes; recall
by kind of change; false positives on ordinary names by country; F1 on the labelled pairs; names a
second of processor time, and the same names by the reference, a plain scan of every listed name
(`rapidfuzz.process.extract` with `token_sort_ratio`), as a ratio.
"""

import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from faker import Faker
from rapidfuzz import fuzz, process, utils

from apps.compliance.domain.name_index import NameIndex
from apps.compliance.domain.name_similarity import name_similarity
from apps.compliance.providers.ofac_csv import OfacCsv
from apps.compliance.providers.un import UnXml

THRESHOLD = 0.85
KINDS = ("PERSON", "ORGANISATION", "VESSEL", "AIRCRAFT")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Ways to write one sound, as passports and newspapers differ.
SPELLINGS = (
    *(("ou", "u"), ("ee", "i"), ("kh", "h"), ("q", "k"), ("ph", "f"), ("y", "i"), ("ck", "k")),
    *(("mm", "m"), ("ss", "s"), ("w", "v"), ("sh", "ch"), ("o", "u"), ("e", "i"), ("dd", "d")),
)
# Chosen after the matcher was tuned, to see what it makes of others.
OTHER_SPELLINGS = (
    *(("ya", "ia"), ("ia", "ya"), ("yu", "iu"), ("ts", "tz"), ("aa", "a"), ("dh", "d")),
    *(("gh", "g"), ("zh", "j"), ("dj", "j"), ("x", "ks"), ("ei", "ey"), ("ll", "l"), ("j", "dj")),
    *(("h", ""), ("k", "c"), ("z", "s"), ("u", "oo"), ("i", "ee")),
)
LOCALES = (
    *("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "es_MX", "it_IT", "pt_BR", "nl_NL", "ru_RU"),
    *("pl_PL", "tr_TR"),
)
COLD = """
import sys, time
from pathlib import Path
from apps.compliance.domain.name_index import NameIndex
index = NameIndex.from_bytes(Path(sys.argv[1]).read_bytes())
assert index.search(sys.argv[2], 0.85)
"""
RNG = random.Random(20261123)
Names = dict[str, list[tuple[int, str]]]


def listed(folder: Path) -> tuple[Names, int]:
    """Return (entity, name) by kind, and how many entities there are."""
    names: Names = defaultdict(list)
    number = 0
    un = UnXml(folder / "un" / "UN_consolidated.xml")
    for provider in (OfacCsv(folder / "ofac", "OFAC-SDN"), un):
        for entity in provider.entities():
            number += 1
            names[entity.kind] += [(number, one.name) for one in entity.names]
    return names, number


def unchanged(name: str) -> str:
    return name


def typed(name: str) -> str:
    words = name.lower().split()
    at = max(range(len(words)), key=lambda i: (len(words[i]) > 3, RNG.random()))
    word = words[at]
    if len(word) > 3:
        i = RNG.randrange(1, len(word) - 1)
        letter = RNG.choice(LETTERS)
        words[at] = RNG.choice(
            [
                word[:i] + letter + word[i + 1 :],
                word[:i] + word[i + 1 :],
                word[:i] + letter + word[i:],
            ]
        )
    return " ".join(words)


def transposed(name: str) -> str:
    words = name.lower().split()
    at = max(range(len(words)), key=lambda i: (len(words[i]) > 3, RNG.random()))
    word = words[at]
    if len(word) > 3:
        i = RNG.randrange(1, len(word) - 1)
        words[at] = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    return " ".join(words)


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
    return _spelled(name, SPELLINGS)


def spelled_elsewhere(name: str) -> str:
    return _spelled(name, OTHER_SPELLINGS)


def _spelled(name: str, spellings: Sequence[tuple[str, str]]) -> str:
    lower = name.lower()
    chosen = RNG.choice([pair for pair in spellings if pair[0] in lower] or [("", "")])
    return lower.replace(chosen[0], chosen[1], 1) if chosen[0] else lower


def timed(work: Callable[[str], set[int]], names: Sequence[str]) -> tuple[list[set[int]], float]:
    """Return the results and names a second of this process's processor time."""
    began = time.process_time()
    found = [work(name) for name in names]
    return found, len(names) / (time.process_time() - began)


def cold_start(index: NameIndex, name: str) -> float:
    """Return seconds of processor time from a new process to its first answer, with imports."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(index.to_bytes())
        file.flush()
        began = os.times()
        command = [sys.executable, "-c", COLD, file.name, name]
        subprocess.run(command, check=True)  # noqa: S603 this file's own words
        ended = os.times()
    taken = ended.children_user - began.children_user
    return taken + ended.children_system - began.children_system


def f1_of_pairs(folder: Path) -> float:
    with (folder / "names" / "pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    kinds = {"Person": "PERSON", "Vessel": "VESSEL"}
    judged = [
        (
            name_similarity(row["name1"], row["name2"], kinds.get(row["schema"], "ORGANISATION"))
            >= THRESHOLD,
            row["is_match"] == "true",
        )
        for row in rows
    ]
    right = judged.count((True, True))
    return 2 * right / (2 * right + judged.count((True, False)) + judged.count((False, True)))


def ordinary_hits(ours: Callable[[str], set[int]], count: int) -> tuple[list[str], float]:
    """Print false positives by country; return the names and the share of all, per cent."""
    every: list[str] = []
    hits = 0
    shares = []
    for locale in LOCALES:
        fake = Faker([locale])
        fake.seed_instance(1)
        names = [f"{fake.first_name()} {fake.last_name()}" for _ in range(count)]
        found = sum(bool(ours(name)) for name in names)
        shares.append(f"{locale} {100 * found / count:.2f}")
        every += names
        hits += found
    print("false positives by country, %:", ", ".join(shares))
    return every, 100 * hits / len(every)


def main() -> None:
    """Print the figures, one a line."""
    folder = Path(os.environ["STRATFORD_REFERENCE_DATA"])
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    names, entities = listed(folder)
    began = time.process_time()
    indexes = {kind: NameIndex(kind, names[kind]) for kind in KINDS}
    built = time.process_time() - began
    total = sum(map(len, indexes.values()))
    print(f"{entities:,} entities, {total:,} names; built in {built:.1f} s of processor time")
    people = indexes["PERSON"]
    pool = [row for row in names["PERSON"] if len(row[1].split()) > 1 and len(row[1]) > 8]
    first = cold_start(people, pool[0][1])
    print(f"cold process: first answer after {first:.2f} s of processor time, imports and all")

    def ours(name: str) -> set[int]:
        return {found.reference for found in people.search(name, THRESHOLD)}

    changes = (
        *(unchanged, typed, transposed, shuffled, initialled, respelled),
        spelled_elsewhere,
    )
    asked = [
        (change, entity, change(name))
        for change in changes
        for entity, name in RNG.sample(pool, count)
    ]
    ordinary, share = ordinary_hits(ours, count)
    print(f"false positives on {len(ordinary):,} ordinary names: {share:.2f} %")
    people = NameIndex.from_bytes(people.to_bytes())
    results, listed_rate = timed(ours, [name for _, _, name in asked])
    _, ordinary_rate = timed(ours, ordinary)
    for change in changes:
        right = [
            entity in found
            for (made, entity, _), found in zip(asked, results, strict=True)
            if made is change
        ]
        print(f"recall {sum(right) / len(right):.3f} ({change.__name__})")
    print(f"F1 on labelled pairs: {f1_of_pairs(folder):.4f}")
    plain = [utils.default_process(name) for _, name in names["PERSON"]]

    def reference(name: str) -> set[int]:
        found = process.extract(
            utils.default_process(name),
            plain,
            scorer=fuzz.token_sort_ratio,
            score_cutoff=100 * THRESHOLD,
            limit=None,
        )
        return {names["PERSON"][position][0] for _, _, position in found}

    sample = RNG.sample([name for _, _, name in asked], 100) + RNG.sample(ordinary, 100)
    _, reference_rate = timed(reference, sample)
    rate = 2 / (1 / listed_rate + 1 / ordinary_rate)
    print(f"{listed_rate:,.0f} listed and {ordinary_rate:,.0f} ordinary names/s", end="; ")
    print(f"ratio {rate / reference_rate:.1f} ({rate:,.0f} against {reference_rate:,.0f} names/s)")


if __name__ == "__main__":
    main()
