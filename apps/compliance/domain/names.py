"""A name as the matcher sees it: tokens in Latin letters, each with its weight.

rigour (ICU) brings any script to Latin letters and knows the forms of organisations.  Its tagger of
personal names is not used: it takes seconds to load, and its classes cannot be shown to an officer.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from rigour.names import NamePartTag, NameTypeTag, Symbol, analyze_names
from rigour.text import ascii_text, metaphone

KIND_TAGS = {
    "PERSON": NameTypeTag.PER,
    "ORGANISATION": NameTypeTag.ORG,
    "VESSEL": NameTypeTag.OBJ,
    "AIRCRAFT": NameTypeTag.OBJ,
}
LIGHT_TAGS = {NamePartTag.LEGAL, NamePartTag.STOP, NamePartTag.HONORIFIC, NamePartTag.SUFFIX}
LIGHT_WEIGHT = 0.25
INITIAL_WEIGHT = 0.4
# Parts of many names that tell nobody apart.
PARTICLES = frozenset(
    {"abd", "abu", "al", "ben", "bin", "bint", "da", "de", "del", "der", "di", "dos", "du", "el"}
    | {"haji", "hajji", "ibn", "la", "le", "mac", "oglu", "ould", "san", "ul", "van", "von"}
)
# What follows these is the father's name, not the bearer's.
PATRONYMIC = frozenset({"ben", "bin", "bint", "ibn"})
VOWELS = frozenset("aeiouwyh")
# Scripts without vowels write p as b and v as f; a consonant skeleton takes the pairs as one.
FOLDED = str.maketrans({"p": "b", "v": "f", "g": "k", "q": "k", "c": "k", "z": "s", "x": "ks"})
# Digits in the place of letters are an old way round a filter.
LOOK_ALIKES = str.maketrans("0134579", "oieastg")
ROMAN = re.compile(r"x{0,3}(ix|iv|v?i{0,3})")
ROMAN_DIGITS = {"i": 1, "v": 5, "x": 10}
ABJAD = re.compile("[\u0590-\u05ff\u0600-\u06ff\u0750-\u077f]")


@dataclass(frozen=True, slots=True)
class Token:
    """`form` is lower-case Latin, `original` as it was written.

    `sound` and `skeleton` are equal for spellings that sound alike; `number` is the value of a
    numeral ("IV", "fourth", "4"); `symbols` are the classes that rigour knows for words of
    organisations (SA, Bank); `is_father` marks a patronymic, `is_abjad` a script without vowels.
    """

    form: str
    original: str
    weight: float
    sound: str
    skeleton: str
    number: str
    symbols: frozenset[str]
    is_legal: bool
    is_father: bool
    is_abjad: bool


@dataclass(frozen=True, slots=True)
class ParsedName:
    tokens: tuple[Token, ...]
    weight: float


@lru_cache(maxsize=100_000)
def name_parse(name: str, kind: str) -> ParsedName:
    """Return the name's tokens; a name without a letter or digit has none."""
    found: Iterable[Any] = analyze_names(
        KIND_TAGS[kind], [name], symbols=kind != "PERSON", consolidate=False
    )
    best = max(found, key=lambda one: len(one.parts), default=None)
    if best is None:
        return ParsedName((), 0.0)
    tokens = _tokens(best, kind)
    return ParsedName(tokens, sum(token.weight for token in tokens))


def tokens_join(run: Sequence[Token]) -> Token:
    """Return neighbours as one word, as another spelling writes them."""
    if len(run) == 1:
        return run[0]
    form = "".join(token.form for token in run)
    return replace(
        run[0],
        form=form,
        original="".join(token.original for token in run),
        weight=max(token.weight for token in run),
        sound=_sound(form),
        skeleton=_skeleton(form),
        number="",
        symbols=frozenset(),
    )


def _tokens(name: Any, kind: str) -> tuple[Token, ...]:
    symbols = _symbols(name)
    numerals = {start: (end, value) for start, end, value in _long_numerals(name)}
    tokens: list[Token] = []
    parts = list(name.parts)
    position = 0
    while position < len(parts):
        part = parts[position]
        end, number = numerals.get(position, (position + 1, ""))
        form = "".join(_latin(one) for one in parts[position:end])
        if kind != "PERSON" and len(form) == 1 and not form.isdigit():
            # N.A.B.C. is one word.
            while end < len(parts) and len(_latin(parts[end])) == 1:
                form += _latin(parts[end])
                end += 1
        if form:
            found = symbols.get(position, []) if end == position + 1 else []
            number = number or _number(form, found, kind)
            is_inside = 0 < position < len(parts) - 1
            tokens.append(
                Token(
                    form=form,
                    original=part.form,
                    weight=_weight(form, part, is_number=bool(number), is_inside=is_inside),
                    sound=_sound(form),
                    skeleton=_skeleton(form),
                    number=number,
                    symbols=_classes(found),
                    is_legal=part.tag == NamePartTag.LEGAL,
                    is_father=len(tokens) > 1 and tokens[-1].form in PATRONYMIC,
                    is_abjad=bool(ABJAD.search(part.form)),
                )
            )
        position = end
    return tuple(tokens)


def _latin(part: Any) -> str:
    form: str = part.comparable
    if not form.isascii():
        form = "".join(letter for letter in ascii_text(form).casefold() if letter.isalnum())
    if not form.isdigit() and not form.isalpha() and not form[:-2].isdigit():
        form = form.translate(LOOK_ALIKES)
    return form


def _symbols(name: Any) -> dict[int, list[Any]]:
    """Return what rigour knows of each single token, by its position."""
    known: dict[int, list[Any]] = {}
    for span in name.spans:
        if len(span.parts) == 1:
            known.setdefault(span.parts[0].index, []).append(span.symbol)
    return known


def _long_numerals(name: Any) -> list[tuple[int, int, str]]:
    """Return numerals of several words ("forty four"): first token, end, value."""
    return [
        (span.parts[0].index, span.parts[-1].index + 1, str(span.symbol.id))
        for span in name.spans
        if len(span.parts) > 1 and span.symbol.category == Symbol.Category.NUMERIC
    ]


def _classes(symbols: list[Any]) -> frozenset[str]:
    return frozenset(
        f"{symbol.category.value}:{symbol.id}"
        for symbol in symbols
        if symbol.category not in {Symbol.Category.NUMERIC, Symbol.Category.DOMAIN}
    )


def _number(form: str, symbols: list[Any], kind: str) -> str:
    for symbol in symbols:
        if symbol.category == Symbol.Category.NUMERIC:
            return str(symbol.id)
    if form.isdigit():
        return str(int(form)) if len(form) < 20 else form
    if kind != "PERSON" and ROMAN.fullmatch(form):
        values = [ROMAN_DIGITS[letter] for letter in form]
        pairs = zip(values, [*values[1:], 0], strict=True)
        return str(sum(-one if one < following else one for one, following in pairs))
    return ""


def _weight(form: str, part: Any, *, is_number: bool, is_inside: bool) -> float:
    if is_number:
        return 1.0
    if part.tag in LIGHT_TAGS or (form in PARTICLES and (is_inside or form not in PATRONYMIC)):
        return LIGHT_WEIGHT
    return INITIAL_WEIGHT if len(form) == 1 else 1.0


@lru_cache(maxsize=100_000)
def _sound(form: str) -> str:
    return metaphone(form) or ""


@lru_cache(maxsize=100_000)
def _skeleton(form: str) -> str:
    """Return the consonants, doubled ones once: what scripts without vowels keep of a name."""
    kept: list[str] = []
    for letter in form.translate(FOLDED):
        if letter not in VOWELS and letter != (kept[-1] if kept else ""):
            kept.append(letter)
    return "".join(kept)
