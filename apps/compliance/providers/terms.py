"""From the words of the publishers to common terms: countries, dates, scripts, numbers."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from functools import lru_cache

from rigour.territories import lookup_territory
from rigour.text.scripts import text_scripts

from apps.compliance.providers import ListedIdentifier, ListedName

IDENTIFIER_KINDS = (
    *("PASSPORT", "NATIONAL_ID", "TAX_ID", "REGISTRATION", "LEI", "BIC", "WALLET"),
    *("IMO", "MMSI", "CALL_SIGN", "AIRCRAFT", "OTHER"),
)
MOST_YEARS = 15
MAX_NAME = 400
SCRIPTS = {
    "Arabic": "Arab",
    "Armenian": "Armn",
    "Bengali": "Beng",
    "Cyrillic": "Cyrl",
    "Devanagari": "Deva",
    "Ethiopic": "Ethi",
    "Georgian": "Geor",
    "Greek": "Grek",
    "Han": "Hani",
    "Hangul": "Hang",
    "Hebrew": "Hebr",
    "Hiragana": "Hira",
    "Katakana": "Kana",
    "Khmer": "Khmr",
    "Lao": "Laoo",
    "Latin": "Latn",
    "Myanmar": "Mymr",
    "Tamil": "Taml",
    "Thai": "Thai",
}
# The first pattern that is found in a publisher's own word for a document decides; words, not
# parts of words.
TAX = (
    *("tax", "taxid", "taxpayer", r"fiscal(?:code)?", "vat", r"v\.a\.t", "inn", r"r\.?f\.?c"),
    *("rut", "nit", "tin", r"c\.?u\.?i\.?t", "employer identification number"),
)
REGISTRATION = (
    *(r"regist(?:ration|ry|re|ro|ered)", "registrationnumber", "regnumber", "reg", "company"),
    *("commercial", "matricula", "folio", "licen[cs]e", "trade", r"ogrn(?:code)?", "chamber"),
    *("business", "enterprise", "government gazette", r"c\.r", "organization code", "charity"),
)
NATIONAL = (
    *(r"national.*", "identity", "identification", "identifier", "c[eé]dula", r"citizen.*", "nif"),
    *("curp", "dni", "id", "ssn", "social security", "personal", "idnumber", "tazkira"),
    *("cartilla", "credencial"),
)
DOCUMENTS = tuple(
    (kind, re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE))
    for kind, words in (
        ("PASSPORT", ("passport", "passeport", "pasaporte")),
        ("IMO", ("imo", "vessel registration identification")),
        ("MMSI", ("mmsi", "maritime mobile service identity")),
        ("CALL_SIGN", ("call sign",)),
        ("LEI", ("lei", "leicode", "legal entity identifier", "legal entity number")),
        ("BIC", ("bic", "bik", "swift", "swiftbic", "swift/bic")),
        ("WALLET", (r"digital currency address.*", "wallet", "publickey")),
        ("AIRCRAFT", (r"aircraft .*",)),
        ("TAX_ID", TAX),
        ("REGISTRATION", REGISTRATION),
        ("NATIONAL_ID", NATIONAL),
    )
)
GENDERS = {"male": "M", "m": "M", "female": "F", "f": "F"}
DAY = re.compile(r"(?<!\d)(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?!\d)")
MONTH = re.compile(r"(?<![\d/.])(\d{1,2})[/.](\d{4})(?!\d)")
YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
ISO = re.compile(r"(?<!\d)(\d{4})-(\d{2})(?:-(\d{2}))?(?![\d-])")


@lru_cache(maxsize=10_000)
def country_code(name: str) -> str:
    """Return the alpha-2 code of a country by name, adjective or code; "" for what is none."""
    territory = lookup_territory(name) if name else None
    return territory.code[:2].upper() if territory is not None else ""


def country_codes(names: Iterable[str]) -> tuple[str, ...]:
    """Return the codes of the countries named, each once, sorted."""
    return tuple(sorted({code for name in names if (code := country_code(name.strip()))}))


def gender_of(text: str) -> str:
    return GENDERS.get(text.strip().lower(), "")


@lru_cache(maxsize=10_000)
def identifier_kind(word: str) -> str:
    """Return which of IDENTIFIER_KINDS a publisher's word for a document means."""
    return next((kind for kind, words in DOCUMENTS if words.search(word)), "OTHER")


def identifiers_of(found: Iterable[ListedIdentifier]) -> tuple[ListedIdentifier, ...]:
    """Return them once each, without those that have no number."""
    cleaned = (replace(one, value=clean(one.value)) for one in found)
    return tuple(dict.fromkeys(one for one in cleaned if one.value))


def script_of(name: str) -> str:
    """Return the code of the script that the name is written in; the rarer one where it mixes."""
    found = text_scripts(name)
    others = sorted(found - {"Latin"})
    return SCRIPTS.get(others[0] if others else "Latin", "") if found else ""


def names_of(found: Iterable[tuple[str, str, bool]]) -> tuple[ListedName, ...]:
    """Return the names (text, kind, is weak) once each, the primary first; strong beats weak."""
    ranks = {"PRIMARY": 0, "ALIAS": 1, "FORMER": 2}
    rows = sorted(found, key=lambda row: (ranks[row[1]], row[2]))
    best: dict[str, ListedName] = {}
    for text, kind, is_weak in rows:
        name = clean(text)[:MAX_NAME]
        if name and name not in best:
            is_second = kind == "PRIMARY" and any(one.kind == kind for one in best.values())
            shown = "ALIAS" if is_second else kind
            best[name] = ListedName(name, shown, is_weak, script_of(name))
    return tuple(best.values())


def natural_order(name: str, kind: str) -> str:
    """Turn `FAMILY, Given` into `Given FAMILY`; a company's comma stays."""
    if kind != "PERSON" or "," not in name:
        return name
    family, _, given = name.strip(" \"'").partition(",")
    return f"{given.strip()} {family.strip()}".strip()


def clean(text: str) -> str:
    """Return the text on one line, with single spaces, without what no database takes."""
    if not text.isascii():
        text = text.encode(errors="ignore").decode()
    return " ".join(text.replace("\x00", "").split())


def texts_of(found: Iterable[str]) -> tuple[str, ...]:
    """Return cleaned texts once each, in order, without empty ones."""
    return tuple(dict.fromkeys(text for text in map(clean, found) if text))


def dates_of(text: str) -> tuple[str, ...]:
    """Return the ISO days, months or years in a text such as `01/02/1960`, `00/00/1960`, `c.1960`.

    A day or month that is unknown (00, dd, mm) makes the date a shorter one.
    """
    found: list[str] = []
    for pattern, order in ((ISO, (1, 2, 3)), (DAY, (3, 2, 1)), (MONTH, (2, 1, 0))):
        for hit in pattern.finditer(text):
            year, month, day = (int(hit.group(at) or 0) if at else 0 for at in order)
            found.append(partial_date(year, month, day))
        text = pattern.sub(" ", text)
    found += YEAR.findall(text)
    return tuple(dict.fromkeys(one for one in found if one))


def day_of(text: str) -> date | None:
    """Return the first whole day in a text as `dates_of` reads it."""
    return next((date.fromisoformat(day) for day in dates_of(text) if len(day) == 10), None)


def partial_date(year: int, month: int = 0, day: int = 0) -> str:
    """Return YYYY, YYYY-MM or YYYY-MM-DD, as far as it is a date; "" without a sensible year."""
    if not 1800 <= year <= 2100:
        return ""
    if not 1 <= month <= 12:
        return f"{year:04}"
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return f"{year:04}-{month:02}"


def number_of(text: str) -> int:
    """Return a year, month or day; 0 for what is none."""
    return int(text) if text.isdecimal() and len(text) <= 4 else 0


def years_between(first: str, last: str) -> Iterator[str]:
    """Yield the years of a span of birth dates, at most MOST_YEARS of them; else its ends."""
    start, end = sorted((number_of(first), number_of(last)))
    if not start:
        return
    if end - start <= MOST_YEARS:
        yield from (str(year) for year in range(start, end + 1))
    else:
        yield from (str(start), str(end))
