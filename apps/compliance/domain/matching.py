"""Is this listed name the client's?  Token by token, with every feature's part in the score.

Tokens pair by spelling, sound and consonants; what is left over speaks against.  A score is
explained by its features, never by a model that cannot be shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from rapidfuzz.distance import OSA, JaroWinkler, Levenshtein

from apps.compliance.domain.names import LIGHT_WEIGHT, Token, name_parse, tokens_join

MATCHER_VERSION = "2026-11.2"
STRONG_FROM = Decimal("0.900")

# Tuned on labelled pairs of names; tests hold the F1 at this threshold.
DEFAULT_THRESHOLD = Decimal("0.850")
# A token on one side only: the rest may still be the same person with a middle name left out.
MISSING_WEIGHT = {"PERSON": 0.25, "ORGANISATION": 0.25, "VESSEL": 0.9, "AIRCRAFT": 0.9}
LEAST_SIMILARITY = 0.8
SHORTEST_WORD = 3
NUMBER_SIMILARITY = 0.98
SYMBOL_SIMILARITY = 0.96
SKELETON_SIMILARITY = 0.92
SOUND_SIMILARITY = 0.88
INITIAL_SIMILARITY = 0.85
SHORT_FORM_SIMILARITY = 0.85
# One letter wrong, missing, added or swapped with its neighbour.
MISTYPED_SIMILARITY = 0.86
OTHER_SEX_SIMILARITY = 0.75
LEAST_MISTYPED = 4
# Share of letters that words which sound alike must have in common.
LEAST_HEARD = 0.55
JOINT_SIMILARITY = 0.9
# How many words are tried as one, the most first.
RUNS = (3, 2)
MOST_MISTYPED = 2
OTHER_ROLE_FACTOR = 0.78
JOINED_FACTOR = 0.96
SHUFFLED_SIMILARITY = 0.95
LEAST_JOINED = 6
# Two companies of one name and other legal forms are two companies.
OTHER_LEGAL_WEIGHT = 0.3
OTHER_LEGAL_PENALTY = 0.14
# Less than this much in common, in weight of tokens, never makes a person: a family name alone is
# shared by thousands.
LEAST_SHARED = 1.2
LONE_NAME_FACTOR = 0.7
# A single word must be the word itself, or nearly.
LONE_WORD_FACTOR = 0.9
LEAST_LONE = 0.93
WEAK_ALIAS_FACTOR = 0.9
# The most that birth date and country add to what the names give.
MOST_ADDED = Decimal("0.07")


@dataclass(frozen=True)
class Subject:
    """One side of a comparison; dates are ISO years or days, countries are alpha-2."""

    kind: str
    names: tuple[str, ...]
    birth_dates: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()


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


def name_similarity(first: str, second: str, kind: str) -> float:
    """Return 0 to 1: how alike two names of that kind (PERSON, ORGANISATION, …) are."""
    return tokens_similarity(name_parse(first, kind).tokens, name_parse(second, kind).tokens, kind)


def tokens_similarity(left: Sequence[Token], right: Sequence[Token], kind: str) -> float:
    """Return the best of three readings: by tokens, all letters in a row, words shuffled."""
    if not left or not right:
        return 0.0
    ours, theirs = _merged(left, right), _merged(right, left)
    readings = (_by_tokens(ours, theirs, kind), _in_a_row(left, right), _shuffled(left, right))
    return max(readings)


def token_similarity(one: Token, other: Token, kind: str) -> float:
    """Return 0 to 1 for two tokens; below LEAST_SIMILARITY they are different words."""
    if one.form == other.form:
        if one.original.isascii() or other.original.isascii():
            return 1.0
        # Two words of another script may differ and be the same in Latin letters.
        return Levenshtein.normalized_similarity(one.original, other.original)
    known = _known(one, other, kind)
    return _heard(one, other, kind) if known is None else known


def _known(one: Token, other: Token, kind: str) -> float | None:
    """Return what numbers, initials and words of organisations give; None for any other word."""
    if one.number or other.number:
        return NUMBER_SIMILARITY if one.number == other.number else 0.0
    if kind == "PERSON" and 1 in {len(one.form), len(other.form)}:
        return INITIAL_SIMILARITY if one.form[0] == other.form[0] else 0.0
    if one.symbols & other.symbols:
        return SYMBOL_SIMILARITY
    return 0.0 if min(len(one.form), len(other.form)) < SHORTEST_WORD else None


def _heard(one: Token, other: Token, kind: str) -> float:
    sounds_alike = bool(one.sound) and one.sound == other.sound
    if not one.original.isascii() and not other.original.isascii():
        return _letters(one.original, other.original, sounds_alike=False)
    same_bones = len(one.skeleton) > 1 and one.skeleton == other.skeleton
    if same_bones and one.is_abjad != other.is_abjad and len(one.skeleton) > 2:
        return SKELETON_SIMILARITY
    return _spelled(one.form, other.form, sounds_alike, same_bones, kind == "PERSON")


@lru_cache(maxsize=200_000)
def _spelled(a: str, b: str, sounds_alike: bool, same_bones: bool, is_person: bool) -> float:
    if is_person and _is_other_sex(a, b):
        return OTHER_SEX_SIMILARITY
    letters = _letters(a, b, sounds_alike=sounds_alike)
    if sounds_alike and same_bones and letters < SOUND_SIMILARITY:
        heard = Levenshtein.normalized_similarity(a, b) >= LEAST_HEARD
        return SOUND_SIMILARITY if heard else letters
    if is_person and (a.startswith(b) or b.startswith(a)):
        return max(letters, SHORT_FORM_SIMILARITY)
    return letters


def _letters(a: str, b: str, *, sounds_alike: bool) -> float:
    # A swap of neighbours counts as one edit.
    edits = OSA.normalized_similarity(a, b, score_cutoff=LEAST_HEARD)
    if not edits:
        return 0.0
    mixed = 0.6 * edits + 0.4 * JaroWinkler.similarity(a, b)
    if sounds_alike:
        mixed = min(mixed + 0.06, 0.95)
    if min(len(a), len(b)) >= LEAST_MISTYPED and OSA.distance(a, b, score_cutoff=1) == 1:
        return max(mixed, MISTYPED_SIMILARITY)
    return mixed


def _is_other_sex(a: str, b: str) -> bool:
    """Tell Mario from Maria and Daniel from Daniela: one letter, another person."""
    return {a[-1], b[-1]} == {"a", "o"} or a + "a" == b or b + "a" == a


def subject_match(
    client: Subject, listed: Subject, weak_names: frozenset[str] = frozenset()
) -> Match:
    """Return the best pair of names with its score, moved by date of birth and country.

    Score = the names' similarity (weak aliases x 0.9), + 0.05 for the same day of birth, + 0.02 for
    the same year, - 0.10 for years that differ by more than one, + 0.02 for a shared country,
    - 0.03 for countries known on both sides and none shared; within 0 to 1.
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
    features = [Feature("name", client_name, listed_name, measured, measured)]
    features += _birth_feature(client.birth_dates, listed.birth_dates)
    features += _country_feature(client.countries, listed.countries)
    total = sum((feature.contribution for feature in features), Decimal(0))
    score = min(max(total, Decimal(0)), Decimal(1))
    return Match(score, client_name, listed_name, tuple(features))


def _merged(tokens: Sequence[Token], others: Sequence[Token]) -> list[Token]:
    """Join neighbours that the other side writes as one word: Hasni Mohammad, Van der Bilt."""
    words = [other.form for other in others if len(other.form) > LEAST_JOINED - 2]
    merged: list[Token] = []
    rest = list(tokens)
    while rest:
        length = next((n for n in RUNS if words and _is_joint(rest[:n], n, words)), 1)
        merged.append(tokens_join(rest[:length]))
        rest = rest[length:]
    return merged


def _is_joint(run: Sequence[Token], length: int, words: Sequence[str]) -> bool:
    if len(run) < length:
        return False
    joined = "".join(token.form for token in run)
    return any(
        abs(len(joined) - len(word)) <= MOST_MISTYPED
        and Levenshtein.normalized_similarity(joined, word) >= JOINT_SIMILARITY
        and all(
            Levenshtein.normalized_similarity(token.form, word) < LEAST_SIMILARITY for token in run
        )
        for word in words
    )


def _by_tokens(left: Sequence[Token], right: Sequence[Token], kind: str) -> float:
    """Pair the tokens greedily, best first, and weigh what is left over on either side."""
    pairs = sorted(
        (
            (
                token_similarity(one, other, kind)
                * (1.0 if one.is_father == other.is_father else OTHER_ROLE_FACTOR),
                -abs(i - j),
                i,
                j,
            )
            for i, one in enumerate(left)
            for j, other in enumerate(right)
        ),
        reverse=True,
    )
    used_left: dict[int, float] = {}
    used_right: dict[int, float] = {}
    for similarity, _, i, j in pairs:
        if similarity < LEAST_SIMILARITY:
            break
        if i not in used_left and j not in used_right:
            used_left[i] = used_right[j] = similarity
    return _weigh(left, used_left, right, used_right, kind)


def _weigh(
    left: Sequence[Token],
    used_left: dict[int, float],
    right: Sequence[Token],
    used_right: dict[int, float],
    kind: str,
) -> float:
    """Set the weight of the paired tokens against what is missing and what contradicts.

    Left-over tokens on both sides contradict each other; on one side only they are missing.
    """
    matched = sum(left[i].weight * similarity for i, similarity in used_left.items())
    matched += sum(right[j].weight * similarity for j, similarity in used_right.items())
    paired = sum(left[i].weight for i in used_left) + sum(right[j].weight for j in used_right)
    over_left = [token for i, token in enumerate(left) if i not in used_left]
    over_right = [token for j, token in enumerate(right) if j not in used_right]
    rest_left = sum(token.weight for token in over_left)
    rest_right = sum(token.weight for token in over_right)
    against = 2 * min(rest_left, rest_right) + abs(rest_left - rest_right) * MISSING_WEIGHT[kind]
    if _has_legal(over_left) and _has_legal(over_right):
        against += OTHER_LEGAL_WEIGHT
    total = paired + against
    score = matched / total if total else 0.0
    return score * _lone_factor(left, used_left, kind, max(len(left), len(right)))


def _lone_factor(tokens: Sequence[Token], used: dict[int, float], kind: str, longest: int) -> float:
    """Return what a single word in common is worth: 1 when there are more."""
    if kind == "PERSON":
        shared = sum(tokens[i].weight for i in used)
        return LONE_NAME_FACTOR if shared < LEAST_SHARED and longest > 1 else 1.0
    heavy = [similarity for i, similarity in used.items() if _is_heavy(tokens[i])]
    return LONE_WORD_FACTOR if len(heavy) == 1 and heavy[0] < LEAST_LONE else 1.0


def _in_a_row(left: Sequence[Token], right: Sequence[Token]) -> float:
    """Compare without spaces: Kim Jong-un and Kim Jongun, Aero-Caribbean and Aerocaribbean."""
    best = 0.0
    for is_kept in (_is_heavy, _is_no_legal_form):
        one = "".join(token.form for token in left if is_kept(token))
        other = "".join(token.form for token in right if is_kept(token))
        if one == other and _is_foreign(left) and _is_foreign(right):
            return 0.0
        if min(len(one), len(other)) >= LEAST_JOINED:
            best = max(best, Levenshtein.normalized_similarity(one, other) * JOINED_FACTOR)
    if best and _has_legal(left) and _has_legal(right) and not _legal(left) & _legal(right):
        return best - OTHER_LEGAL_PENALTY
    return best


def _shuffled(left: Sequence[Token], right: Sequence[Token]) -> float:
    ours, theirs = (sorted(token.original for token in tokens) for tokens in (left, right))
    return SHUFFLED_SIMILARITY if len(ours) > 1 and ours == theirs else 0.0


def _is_heavy(token: Token) -> bool:
    return token.weight > LIGHT_WEIGHT


def _is_no_legal_form(token: Token) -> bool:
    return not token.is_legal


def _is_foreign(tokens: Sequence[Token]) -> bool:
    return any(not token.original.isascii() for token in tokens)


def _has_legal(tokens: Sequence[Token]) -> bool:
    return any(token.is_legal for token in tokens)


def _legal(tokens: Sequence[Token]) -> set[str]:
    return {symbol for token in tokens if token.is_legal for symbol in token.symbols}


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(Decimal("0.001"), ROUND_HALF_EVEN)


def _birth_feature(ours: tuple[str, ...], theirs: tuple[str, ...]) -> list[Feature]:
    if not ours or not theirs:
        return []
    gap, client, listed = min((abs(int(a[:4]) - int(b[:4])), a, b) for a in ours for b in theirs)
    if set(ours) & {day for day in theirs if len(day) == 10}:
        day = min(set(ours) & set(theirs))
        return [Feature("birth_date", day, day, Decimal(1), Decimal("0.05"))]
    if gap == 0:
        return [Feature("birth_date", client, listed, Decimal("0.7"), Decimal("0.02"))]
    if gap == 1:
        return [Feature("birth_date", client, listed, Decimal("0.5"), Decimal(0))]
    return [Feature("birth_date", client, listed, Decimal(0), Decimal("-0.10"))]


def _country_feature(ours: tuple[str, ...], theirs: tuple[str, ...]) -> list[Feature]:
    if not ours or not theirs:
        return []
    shared = sorted({*ours} & {*theirs})
    client, listed = ", ".join(sorted({*ours})), ", ".join(sorted({*theirs}))
    if shared:
        return [Feature("country", client, listed, Decimal(1), Decimal("0.02"))]
    return [Feature("country", client, listed, Decimal(0), Decimal("-0.03"))]
