"""Limits as the firm's officers set them: what each bounds, for whom, and which one counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from apps.core.domain.money import exact
from apps.core.errors import InvalidInput

REASON_LENGTH = 300


class LimitScope(StrEnum):
    """Whom a limit binds: every portfolio, a client's portfolios, or one portfolio."""

    FIRM = "FIRM"
    CLIENT = "CLIENT"
    PORTFOLIO = "PORTFOLIO"


class LimitKind(StrEnum):
    ORDER_NOTIONAL = "ORDER_NOTIONAL"
    NOTIONAL_A_DAY = "NOTIONAL_A_DAY"
    ORDERS_A_DAY = "ORDERS_A_DAY"
    POSITION_CONCENTRATION = "POSITION_CONCENTRATION"
    PRICE_COLLAR = "PRICE_COLLAR"
    DUPLICATE_SECONDS = "DUPLICATE_SECONDS"


class LimitOwner(StrEnum):
    """The function of the firm that answers for a limit."""

    RISK = "RISK"
    COMPLIANCE = "COMPLIANCE"
    OPERATIONS = "OPERATIONS"


@dataclass(frozen=True, slots=True)
class Unit:
    """What the values of a kind are: from `least` to `most`, with at most `places` decimals."""

    words: str
    least: Decimal
    most: Decimal
    places: int


AMOUNT = Unit("in the order's currency", Decimal(0), Decimal(10) ** 15, 2)
SHARE = Unit("a fraction of one", Decimal(0), Decimal(1), 4)
UNITS = {
    LimitKind.ORDER_NOTIONAL: AMOUNT,
    LimitKind.NOTIONAL_A_DAY: AMOUNT,
    LimitKind.ORDERS_A_DAY: Unit("orders in a UTC day", Decimal(0), Decimal(1_000_000), 0),
    LimitKind.POSITION_CONCENTRATION: SHARE,
    LimitKind.PRICE_COLLAR: SHARE,
    LimitKind.DUPLICATE_SECONDS: Unit("seconds", Decimal(1), Decimal(3600), 0),
}
# The kinds of which a client's limit is measured over all portfolios of the client together.
DAILY = frozenset({LimitKind.ORDERS_A_DAY, LimitKind.NOTIONAL_A_DAY})


@dataclass(frozen=True, slots=True)
class LimitInForce:
    """A limit that binds an order now."""

    scope: LimitScope
    kind: LimitKind
    value: Decimal


def check_value(kind: LimitKind, value: Decimal) -> Decimal:
    """Return the value; raises InvalidInput where it is none of that kind."""
    unit = UNITS[kind]
    if not unit.least <= exact(value, places=unit.places, name="value") <= unit.most:
        raise InvalidInput(
            f"From {unit.least:f} to {unit.most:f}, {unit.words}.",
            field="value",
        )
    return value


def check_period(start: datetime | None, end: datetime | None, *, now: datetime) -> None:
    """Raise InvalidInput for a period that ends before it begins, or began in the past."""
    if start is not None and start < now:
        raise InvalidInput("A limit begins now or later.", field="effective_from")
    if end is not None and end <= (start or now):
        raise InvalidInput("It ends before it begins.", field="effective_to")


def check_reason(reason: str) -> str:
    """Return the reason, trimmed; it stays on record and names no person."""
    text = reason.strip()
    if not 3 <= len(text) <= REASON_LENGTH or "\x00" in text:
        raise InvalidInput(f"A reason has 3 to {REASON_LENGTH} characters.", field="reason")
    return text


def strictest(
    limits: Iterable[LimitInForce], kind: LimitKind, *, scopes: Iterable[LimitScope] = LimitScope
) -> Decimal | None:
    """Return the value of that kind that counts among the scopes; None where nothing bounds it."""
    wanted = frozenset(scopes)
    values = [one.value for one in limits if one.kind is kind and one.scope in wanted]
    # A longer watch for repeated orders is the stricter one; of all else the less is.
    pick = max if kind is LimitKind.DUPLICATE_SECONDS else min
    return pick(values, default=None)
