"""A name as the matcher sees it: tokens in Latin letters, each with its weight.

rigour (ICU) brings any script to Latin letters and knows the forms of organisations.  Its tagger of
personal names is not used: it takes seconds to load, and its classes cannot be shown to an officer.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby, zip_longest
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
NO_CLASSES: frozenset[str] = frozenset()
INITIAL_WEIGHT = 0.4
# Parts of many names that tell nobody apart.
PARTICLES = frozenset(
    {
        "abd",
        "abdal",
        "abdel",
        "abdul",
        "abdur",
        "abu",
        "al",
        "ben",
        "bin",
        "bint",
        "da",
        "de",
        "del",
        "der",
        "di",
        "dos",
        "du",
        "el",
    }
    | {"haji", "hajji", "ibn", "la", "le", "mac", "oglu", "ould", "san", "ul", "van", "von"}
)
# The Arabic article as it sounds before a letter that takes it over: ar-Rahman, ash-Shami.
ARTICLES = frozenset({"ad", "adh", "an", "ar", "as", "ash", "at", "ath", "az"})
# What follows these is the father's name, not the bearer's.
PATRONYMIC = frozenset({"ben", "bin", "bint", "ibn"})
# Scripts without vowels write p as b and v as f; a consonant skeleton takes the pairs as one.
BONES = str.maketrans(
    {"p": "b", "v": "f", "g": "k", "q": "k", "c": "k", "z": "s", "x": "ks"}
    | dict.fromkeys("aeiouwyh", "")
)
# One sound, written otherwise by another country's passports: vowels, doubled letters, digraphs.
DIGRAPHS = (("sh", "ch"), ("kh", "h"), ("ph", "f"), ("ck", "k"))
ONE_SOUND = str.maketrans({"e": "i", "y": "i", "o": "u", "w": "v", "q": "k"})
# Digits in the place of letters are an old way round a filter.
LOOK_ALIKES = str.maketrans("0134579", "oieastg")
ROMAN = re.compile(r"x{0,3}(ix|iv|v?i{0,3})")
ROMAN_DIGITS = {"i": 1, "v": 5, "x": 10}
ABJAD = re.compile("[\u0590-\u05ff\u0600-\u06ff\u0750-\u077f]")


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """One word; equal ones are one object (token_make), so that they compare and hash at once.

    `form` is lower-case Latin, `original` as it was written.

    `sound`, `skeleton` and `folded` are equal for spellings that sound alike: by English rules, by
    consonants, by what is confused between countries; `number` is the value of a
    numeral ("IV", "fourth", "4"); `symbols` are the classes that rigour knows for words of
    organisations (SA, Bank); `is_father` marks a patronymic, `is_abjad` a script without vowels.
    """

    form: str
    original: str
    weight: float
    sound: str
    skeleton: str
    folded: str
    number: str
    symbols: frozenset[str]
    is_legal: bool
    is_father: bool
    is_ascii: bool
    is_abjad: bool


@dataclass(frozen=True)
class ParsedName:
    """What is asked of a name again and again is worked out once."""

    tokens: tuple[Token, ...]

    @cached_property
    def weight(self) -> float:
        return sum(token.weight for token in self.tokens)

    @cached_property
    def heavy(self) -> str:
        """All letters in a row but those of particles, titles and legal forms."""
        return "".join(token.form for token in self.tokens if token.weight > LIGHT_WEIGHT)

    @cached_property
    def letters(self) -> str:
        """All letters in a row but those of legal forms."""
        return "".join(token.form for token in self.tokens if not token.is_legal)

    @cached_property
    def originals(self) -> tuple[str, ...]:
        """The words as they were written, in the order of the alphabet."""
        return tuple(sorted(token.original for token in self.tokens))

    @cached_property
    def is_foreign(self) -> bool:
        return any(not token.is_ascii for token in self.tokens)

    @cached_property
    def legal_forms(self) -> frozenset[str] | None:
        """The classes of its legal forms; None without such a form."""
        legal = [token.symbols for token in self.tokens if token.is_legal]
        return frozenset().union(*legal) if legal else None


@lru_cache(maxsize=100_000)
def name_parse(name: str, kind: str) -> ParsedName:
    """Return the name's tokens; a name without a letter or digit has none."""
    found: Iterable[Any] = analyze_names(
        KIND_TAGS[kind], [name], symbols=kind != "PERSON", consolidate=False
    )
    best = max(found, key=lambda one: len(one.parts), default=None)
    return ParsedName(_tokens(best, kind) if best is not None else ())


def tokens_join(run: Sequence[Token]) -> Token:
    """Return neighbours as one word, as another spelling writes them."""
    if len(run) == 1:
        return run[0]
    first = run[0]
    return token_make(
        "".join(token.form for token in run),
        "".join(token.original for token in run),
        max(token.weight for token in run),
        "",
        (NO_CLASSES, first.is_legal, first.is_father),
    )


@lru_cache(maxsize=200_000)
def token_make(
    form: str, original: str, weight: float, number: str, traits: tuple[frozenset[str], bool, bool]
) -> Token:
    """Return the token with its sound and its consonants; equal ones are one object.

    `traits` are `symbols`, `is_legal` and `is_father`.
    """
    symbols, is_legal, is_father = traits
    is_ascii = original.isascii()
    return Token(
        form=form,
        original=original,
        weight=weight,
        sound=metaphone(form) or "",
        skeleton=_skeleton(form),
        folded=_folded(form),
        number=number,
        symbols=symbols,
        is_legal=is_legal,
        is_father=is_father,
        is_ascii=is_ascii,
        is_abjad=not is_ascii and bool(ABJAD.search(original)),
    )


def _tokens(name: Any, kind: str) -> tuple[Token, ...]:
    is_person = kind == "PERSON"
    symbols = {} if is_person else _symbols(name)
    numerals = {} if is_person else _long_numerals(name)
    tokens: list[Token] = []
    parts = list(name.parts)
    forms = _articles_as_one([_latin(part) for part in parts])
    position = 0
    while position < len(parts):
        part = parts[position]
        end, number = numerals.get(position, (position + 1, ""))
        form = forms[position] if end == position + 1 else "".join(forms[position:end])
        if not is_person and len(form) == 1 and not form.isdigit():
            # N.A.B.C. is one word.
            while end < len(parts) and len(forms[end]) == 1:
                form += forms[end]
                end += 1
        if form:
            found = symbols.get(position, []) if end == position + 1 else []
            number = number or _number(form, found, kind)
            is_inside = 0 < position < len(parts) - 1
            tag = part.tag
            tokens.append(
                token_make(
                    form,
                    part.form,
                    _weight(form, tag, is_number=bool(number), is_inside=is_inside),
                    number,
                    (
                        _classes(found) if found else NO_CLASSES,
                        tag == NamePartTag.LEGAL,
                        len(tokens) > 1 and tokens[-1].form in PATRONYMIC,
                    ),
                )
            )
        position = end
    return tuple(tokens)


def _latin(part: Any) -> str:
    form: str = part.comparable
    if form.isascii() and form.isalpha():
        return form
    if not form.isascii():
        form = "".join(letter for letter in ascii_text(form).casefold() if letter.isalnum())
    if not form.isdigit() and not form.isalpha() and not form[:-2].isdigit():
        form = form.translate(LOOK_ALIKES)
    return form


def _articles_as_one(forms: list[str]) -> list[str]:
    """Return the words with each article as it is written, not as it sounds: al-Rahman."""
    return [
        "al" if form in ARTICLES and following.startswith(form[1:]) else form
        for form, following in zip_longest(forms, forms[1:], fillvalue="")
    ]


def _symbols(name: Any) -> dict[int, list[Any]]:
    """Return what rigour knows of each single token, by its position."""
    known: dict[int, list[Any]] = {}
    for span in name.spans:
        if len(span.parts) == 1:
            known.setdefault(span.parts[0].index, []).append(span.symbol)
    return known


def _long_numerals(name: Any) -> dict[int, tuple[int, str]]:
    """Return numerals of several words ("forty four"): end and value by the first token."""
    return {
        span.parts[0].index: (span.parts[-1].index + 1, str(span.symbol.id))
        for span in name.spans
        if len(span.parts) > 1 and span.symbol.category == Symbol.Category.NUMERIC
    }


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


def _weight(form: str, tag: Any, *, is_number: bool, is_inside: bool) -> float:
    if is_number:
        return 1.0
    if tag in LIGHT_TAGS or (form in PARTICLES and (is_inside or form not in PATRONYMIC)):
        return LIGHT_WEIGHT
    return INITIAL_WEIGHT if len(form) == 1 else 1.0


def _skeleton(form: str) -> str:
    """Return the consonants, doubled ones once: what scripts without vowels keep of a name."""
    return _once(form.replace("sh", "ch").translate(BONES))


def _folded(form: str) -> str:
    """Return the word with the letters that countries write differently taken as one."""
    for written, other in DIGRAPHS:
        form = form.replace(written, other)
    return _once(form.translate(ONE_SOUND))


def _once(letters: str) -> str:
    return "".join(letter for letter, _ in groupby(letters))
