"""How alike two names are, token by token: what pairs speaks for, what is left over against.

Tokens pair by spelling, sound and consonants.  No model that cannot be shown: `domain/matching.py`
says in words what was found.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

from rapidfuzz.distance import OSA, JaroWinkler, Levenshtein

from apps.compliance.domain.names import (
    LIGHT_WEIGHT,
    ParsedName,
    Token,
    name_parse,
    tokens_join,
)

# A token on one side only: the rest may still be the same person with a middle name left out.
MISSING_WEIGHT = {"PERSON": 0.25, "ORGANISATION": 0.25, "VESSEL": 0.9, "AIRCRAFT": 0.9}
LEAST_SIMILARITY = 0.8
SHORTEST_WORD = 3
NUMBER_SIMILARITY = 0.98
SYMBOL_SIMILARITY = 0.96
SKELETON_SIMILARITY = 0.92
SOUND_SIMILARITY = 0.88
SOUND_BONUS = 0.06
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
JOINED_FACTOR = 0.96
SHUFFLED_SIMILARITY = 0.95
LEAST_JOINED = 6
# Two companies of one name and other legal forms are two companies.
OTHER_LEGAL_WEIGHT = 0.3
OTHER_LEGAL_PENALTY = 0.14
# Less than this much in common, in weight of tokens, never makes a person: a family name alone is
# shared by thousands.
LEAST_SHARED = 1.2
# With anything left over, an initial does not make up for a second name.
LEAST_SHARED_PARTLY = 1.5
LONE_NAME_FACTOR = 0.7
# Given name and one family name are shared by many: with less than three words in common, what is
# missing and what is only alike count for more.
MANY_SHARED = 2.5
FEW_MISSING_WEIGHT = 0.36
FEW_DOUBT = 0.8
# A single word must be the word itself, or nearly.
LONE_WORD_FACTOR = 0.9
LEAST_LONE = 0.93


Alike = Callable[[Token, Token, str], float]


def name_similarity(first: str, second: str, kind: str) -> float:
    """Return 0 to 1: how alike two names of that kind (PERSON, ORGANISATION, …) are."""
    return parsed_similarity(name_parse(first, kind), name_parse(second, kind), kind)


def parsed_similarity(
    left: ParsedName, right: ParsedName, kind: str, alike: Alike | None = None
) -> float:
    """Return the best of three readings: by tokens, all letters in a row, words shuffled.

    `alike` stands for token_similarity where it is known beforehand.
    """
    if not left.tokens or not right.tokens:
        return 0.0
    best = _by_tokens(left.tokens, right.tokens, kind, alike or token_similarity)
    if best < SHUFFLED_SIMILARITY:
        if len(left.originals) > 1 and left.originals == right.originals:
            best = SHUFFLED_SIMILARITY
        best = max(best, _in_a_row(left, right, best))
    return best


def token_similarity(one: Token, other: Token, kind: str) -> float:
    """Return 0 to 1 for two tokens; below LEAST_SIMILARITY they are different words."""
    if one.form == other.form:
        if one.is_ascii or other.is_ascii:
            return 1.0
        # Two words of another script may differ and be the same in Latin letters.
        return Levenshtein.normalized_similarity(one.original, other.original)
    if one.number or other.number:
        return NUMBER_SIMILARITY if one.number == other.number else 0.0
    if kind == "PERSON" and 1 in {len(one.form), len(other.form)}:
        return INITIAL_SIMILARITY if one.form[0] == other.form[0] else 0.0
    if one.symbols and one.symbols & other.symbols:
        return SYMBOL_SIMILARITY
    return _heard(one, other, kind)


def _heard(one: Token, other: Token, kind: str) -> float:
    a, b = one.form, other.form
    is_short = min(len(a), len(b)) < SHORTEST_WORD
    if one.folded == other.folded and (not is_short or a[1:] == b[1:]):
        return max(SOUND_SIMILARITY, letters_similarity(a, b, sounds_alike=True))
    if is_short:
        return 0.0
    if not one.is_ascii and not other.is_ascii:
        return letters_similarity(one.original, other.original, sounds_alike=False)
    same_bones = len(one.skeleton) > 1 and one.skeleton == other.skeleton
    if same_bones and one.is_abjad != other.is_abjad and len(one.skeleton) > 2:
        return SKELETON_SIMILARITY
    sounds_alike = bool(one.sound) and one.sound == other.sound
    return spelling_similarity(a, b, sounds_alike, same_bones, kind == "PERSON")


@lru_cache(maxsize=200_000)
def spelling_similarity(
    a: str, b: str, sounds_alike: bool, same_bones: bool, is_person: bool
) -> float:
    """Return how alike two words in Latin letters are; `same_bones`: they share consonants."""
    if is_person and ({a[-1], b[-1]} == {"a", "o"} or a + "a" == b or b + "a" == a):
        # Mario and Maria, Daniel and Daniela: one letter, another person.
        return OTHER_SEX_SIMILARITY
    letters = letters_similarity(a, b, sounds_alike=sounds_alike)
    if sounds_alike and same_bones and letters < SOUND_SIMILARITY:
        heard = Levenshtein.normalized_similarity(a, b) >= LEAST_HEARD
        return SOUND_SIMILARITY if heard else letters
    if is_person and (a.startswith(b) or b.startswith(a)):
        return max(letters, SHORT_FORM_SIMILARITY)
    return letters


def letters_similarity(a: str, b: str, *, sounds_alike: bool) -> float:
    """Return how many letters two words share; a swap of neighbours counts as one edit."""
    edits = OSA.normalized_similarity(a, b, score_cutoff=LEAST_HEARD)
    if not edits:
        return 0.0
    mixed = 0.6 * edits + 0.4 * JaroWinkler.similarity(a, b)
    if sounds_alike:
        mixed = min(mixed + SOUND_BONUS, 0.95)
    if mixed < MISTYPED_SIMILARITY and min(len(a), len(b)) >= LEAST_MISTYPED:
        return MISTYPED_SIMILARITY if OSA.distance(a, b, score_cutoff=1) == 1 else mixed
    return mixed


def is_heavy(token: Token) -> bool:
    return token.weight > LIGHT_WEIGHT


def _by_tokens(left: Sequence[Token], right: Sequence[Token], kind: str, alike: Alike) -> float:
    """Pair equal tokens, then the rest greedily, best first; weigh what stays over."""
    pairs, over_left, over_right = _equal_tokens(left, right)
    if over_left and over_right:
        joined = len(over_left) + len(over_right) > 2
        ours = _merged(over_left, over_right) if joined else over_left
        theirs = _merged(over_right, over_left) if joined else over_right
        found, over_left, over_right = _near_tokens(ours, theirs, kind, alike)
        pairs += found
    return _weigh(pairs, over_left, over_right, kind, max(len(left), len(right)))


Pair = tuple[Token, Token, float]
Places = list[tuple[int, Token]]


def _equal_tokens(
    left: Sequence[Token], right: Sequence[Token]
) -> tuple[list[Pair], Places, Places]:
    """Return pairs of the same word in the same role, and what is left over, with its place."""
    rest = list(enumerate(right))
    pairs: list[Pair] = []
    over: Places = []
    for place, one in enumerate(left):
        for at, (_, other) in enumerate(rest):
            if one is other or (
                one.form == other.form
                and one.is_father == other.is_father
                and (one.is_ascii or other.is_ascii or one.original == other.original)
            ):
                pairs.append((one, other, 1.0))
                del rest[at]
                break
        else:
            over.append((place, one))
    return pairs, over, rest


def _near_tokens(
    left: Places, right: Places, kind: str, alike: Alike
) -> tuple[list[Pair], Places, Places]:
    scored = [
        (similarity, -abs(i - j), i, j, one, other)
        for i, one in left
        for j, other in right
        if one.is_father == other.is_father
        and (similarity := alike(one, other, kind)) >= LEAST_SIMILARITY
    ]
    if not scored:
        return [], left, right
    scored.sort(key=lambda pair: pair[:4], reverse=True)
    pairs: list[Pair] = []
    used_left: set[int] = set()
    used_right: set[int] = set()
    for similarity, _, i, j, one, other in scored:
        if i not in used_left and j not in used_right:
            used_left.add(i)
            used_right.add(j)
            pairs.append((one, other, similarity))
    return (
        pairs,
        [place for place in left if place[0] not in used_left],
        [place for place in right if place[0] not in used_right],
    )


def _merged(tokens: Places, others: Places) -> Places:
    """Join neighbours that the other side writes as one word: Hasni Mohammad, Van der Bilt."""
    if len(tokens) < min(RUNS):
        return tokens
    words = [other.form for _, other in others if len(other.form) >= LEAST_JOINED - 1]
    if not words:
        return tokens
    merged = tokens
    for count in RUNS:
        start = 0
        while start + count <= len(merged):
            run = merged[start : start + count]
            if _is_joint(run, words):
                joint = tokens_join([token for _, token in run])
                merged = [*merged[:start], (run[0][0], joint), *merged[start + count :]]
            start += 1
    return merged


def _is_joint(run: Places, words: Sequence[str]) -> bool:
    if run[-1][0] - run[0][0] != len(run) - 1:
        return False
    length = 0
    for _, token in run:
        length += len(token.form)
    for word in words:
        if -MOST_MISTYPED <= length - len(word) <= MOST_MISTYPED:
            joined = "".join(token.form for _, token in run)
            if Levenshtein.normalized_similarity(joined, word) >= JOINT_SIMILARITY and all(
                Levenshtein.normalized_similarity(token.form, word) < LEAST_SIMILARITY
                for _, token in run
            ):
                return True
    return False


def _weigh(
    pairs: Sequence[Pair], over_left: Places, over_right: Places, kind: str, longest: int
) -> float:
    """Set the weight of the paired tokens against what is missing and what contradicts.

    Left-over tokens on both sides contradict each other; on one side only they are missing.
    """
    matched = paired = shared = rest_left = rest_right = 0.0
    for one, other, similarity in pairs:
        paired += one.weight + other.weight
        matched += (one.weight + other.weight) * similarity
        shared += min(one.weight, other.weight)
    if not paired:
        return 0.0
    for _, token in over_left:
        rest_left += token.weight
    for _, token in over_right:
        rest_right += token.weight
    missing = abs(rest_left - rest_right)
    against = 2 * min(rest_left, rest_right)
    if kind == "PERSON":
        few = missing >= 1 and shared < MANY_SHARED
        against += missing * (FEW_MISSING_WEIGHT if few else MISSING_WEIGHT[kind])
        if few:
            matched -= FEW_DOUBT * (paired - matched)
        least = LEAST_SHARED_PARTLY if rest_left + rest_right >= 1 else LEAST_SHARED
        factor = LONE_NAME_FACTOR if shared < least and longest > 1 else 1.0
    else:
        against += missing * MISSING_WEIGHT[kind]
        heavy = [similarity for one, _, similarity in pairs if is_heavy(one)]
        factor = LONE_WORD_FACTOR if len(heavy) == 1 and heavy[0] < LEAST_LONE else 1.0
    if over_left and over_right and _has_legal(over_left) and _has_legal(over_right):
        against += OTHER_LEGAL_WEIGHT
    return matched / (paired + against) * factor


def _in_a_row(left: ParsedName, right: ParsedName, least: float) -> float:
    """Compare without spaces: Kim Jong-un and Kim Jongun, Aero-Caribbean and Aerocaribbean."""
    best = 0.0
    for one, other in ((left.heavy, right.heavy), (left.letters, right.letters)):
        if one == other and left.is_foreign and right.is_foreign:
            return 0.0
        if min(len(one), len(other)) >= LEAST_JOINED:
            found = Levenshtein.normalized_similarity(one, other, score_cutoff=least)
            best = max(best, found * JOINED_FACTOR)
    if best and left.legal_forms is not None and right.legal_forms is not None:
        return best if left.legal_forms & right.legal_forms else best - OTHER_LEGAL_PENALTY
    return best


def _has_legal(tokens: Places) -> bool:
    return any(token.is_legal for _, token in tokens)
