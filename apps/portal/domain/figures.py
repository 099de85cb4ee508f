"""How exact figures are written for people: grouped, signed, never rounded into a lie."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from apps.core.domain.money import MINOR_UNITS

MINUS = "\N{MINUS SIGN}"
MISSING = "\N{EM DASH}"
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
SHADES = 6


def amount(value: Decimal, currency: str) -> str:
    """Return the amount in the currency's minor unit, as in `$1,234.50` or `CHF 1,234.50`."""
    places = MINOR_UNITS.get(currency, 2)
    number = f"{abs(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN):,f}"
    symbol = SYMBOLS.get(currency, f"{currency}\N{NO-BREAK SPACE}")
    return f"{MINUS if value < 0 else ''}{symbol}{number}"


def plain(value: Decimal, *, least_places: int = 0) -> str:
    """Return the number grouped, without trailing zeros beyond `least_places`."""
    text = f"{abs(value):,f}"
    if "." in text:
        whole, fraction = text.split(".")
        fraction = fraction.rstrip("0").ljust(least_places, "0")
        text = f"{whole}.{fraction}" if fraction else whole
    elif least_places:
        text = f"{text}.{'0' * least_places}"
    return f"{MINUS if value < 0 else ''}{text}"


def percent(ratio: Decimal, places: int = 2) -> str:
    """Return a ratio (0.0123) as a percentage (1.23 %)."""
    value = (ratio * 100).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    return f"{plain(value, least_places=places)}\N{NO-BREAK SPACE}%"


def direction(value: Decimal) -> str:
    """Return the class of a change: gain, loss or flat."""
    if value > 0:
        return "gain"
    return "loss" if value < 0 else "flat"


ARROWS = {"gain": "▲", "loss": "▼", "flat": "■"}
SIGNS = {"gain": "+", "loss": MINUS, "flat": ""}


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of a whole, placed on a bar of 100 units."""

    label: str
    value: Decimal
    ratio: Decimal
    start: str
    width: str
    shade: str


def slices(parts: dict[str, Decimal]) -> list[Slice]:
    """Place the positive parts on one bar, largest first; past the sixth they are one `Other`."""
    ordered = sorted(
        ((label, value) for label, value in parts.items() if value > 0),
        key=lambda part: (-part[1], part[0]),
    )
    total = sum((value for _, value in ordered), Decimal(0))
    kept = ordered[:SHADES]
    rest = sum((value for _, value in ordered[SHADES:]), Decimal(0))
    if rest:
        kept.append(("Other", rest))
    placed: list[Slice] = []
    start = Decimal(0)
    for number, (label, value) in enumerate(kept, start=1):
        ratio = value / total
        width = (ratio * 100).quantize(Decimal("0.001"))
        shade = str(number) if number <= SHADES else "rest"
        placed.append(Slice(label, value, ratio, f"{start:f}", f"{width:f}", shade))
        start += width
    return placed
