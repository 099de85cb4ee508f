"""What an issuer does to every holder of its units: words and arithmetic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Decimal
from enum import StrEnum
from itertools import pairwise

from apps.core.domain.instruments import PRICE_PLACES, QUANTITY_PLACES
from apps.core.domain.money import MINOR_UNITS, exact
from apps.core.errors import InvalidInput
from apps.trading.domain.orders import Side

UNIT_STEP = Decimal(1).scaleb(-QUANTITY_PLACES)
PRICE_STEP = Decimal(1).scaleb(-PRICE_PLACES)


class ActionKind(StrEnum):
    SPLIT = "SPLIT"
    DIVIDEND = "DIVIDEND"
    SPECIAL_DIVIDEND = "SPECIAL_DIVIDEND"
    SYMBOL_CHANGE = "SYMBOL_CHANGE"
    DELISTING = "DELISTING"


class ActionStatus(StrEnum):
    """An applied action goes to REVERSING when its reversal was confirmed."""

    PROPOSED = "PROPOSED"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    APPLIED = "APPLIED"
    REVERSING = "REVERSING"
    REVERSED = "REVERSED"


DIVIDENDS = frozenset({ActionKind.DIVIDEND, ActionKind.SPECIAL_DIVIDEND})


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionTerms:
    """What the issuer announced.

    SPLIT: `ratio_new` units for `ratio_old`; with `cash_in_lieu`, the price of one new unit, a
    holder's fraction of a unit is paid in cash.  Dividends: `amount` a unit before tax, of which
    `withholding_rate` (0 to 1) is kept back, paid on `pay_date`.  SYMBOL_CHANGE: units go on as
    `new_symbol`.  DELISTING: units are taken for `amount` each, which may be nothing.
    """

    kind: ActionKind
    symbol: str
    currency: str
    ex_date: date
    record_date: date | None = None
    pay_date: date | None = None
    ratio_new: Decimal | None = None
    ratio_old: Decimal | None = None
    cash_in_lieu: Decimal | None = None
    amount: Decimal | None = None
    withholding_rate: Decimal = Decimal(0)
    new_symbol: str = ""

    @property
    def ratio(self) -> tuple[Decimal, Decimal]:
        """Return new units and old units; (1, 1) where the number of units stays."""
        return self.ratio_new or Decimal(1), self.ratio_old or Decimal(1)

    @property
    def due_date(self) -> date:
        """The day on which it is applied."""
        return self.pay_date if self.kind in DIVIDENDS and self.pay_date else self.ex_date

    @property
    def keeps_orders(self) -> bool:
        """Say whether open orders go on: they do beside a dividend and, adjusted, in a split.

        FINRA Rule 5330 cancels them in a reverse split.  Every order here counts as marked "do
        not reduce": a cash dividend leaves its prices alone.
        """
        new, old = self.ratio
        return self.kind in DIVIDENDS or (self.kind is ActionKind.SPLIT and new > old)


def check_terms(terms: ActionTerms) -> None:
    """Refuse terms that are incomplete, or say what their kind does not; raises InvalidInput."""
    may = _MAY[terms.kind]
    for name in ("ratio_new", "ratio_old", "cash_in_lieu", "amount", "pay_date", "new_symbol"):
        is_given = getattr(terms, name) not in {None, ""}
        if is_given and name not in may:
            raise InvalidInput(f"A {_words(terms.kind)} has no {_words(name)}.", field=name)
        if not is_given and may.get(name):
            raise InvalidInput(f"A {_words(terms.kind)} needs a {_words(name)}.", field=name)
    _check_figures(terms)
    if terms.pay_date is not None and terms.pay_date < terms.ex_date:
        raise InvalidInput("A dividend is paid on its ex date or later.", field="pay_date")
    if terms.new_symbol == terms.symbol:
        raise InvalidInput("The new symbol is another one.", field="new_symbol")


# What each kind has; True is what it must have.
_DIVIDEND = {"amount": True, "pay_date": True}
_MAY: Mapping[ActionKind, Mapping[str, bool]] = {
    ActionKind.SPLIT: {"ratio_new": True, "ratio_old": True, "cash_in_lieu": False},
    ActionKind.DIVIDEND: _DIVIDEND,
    ActionKind.SPECIAL_DIVIDEND: _DIVIDEND,
    ActionKind.SYMBOL_CHANGE: {"new_symbol": True},
    ActionKind.DELISTING: {"amount": True},
}


def _check_figures(terms: ActionTerms) -> None:
    for name in ("ratio_new", "ratio_old", "cash_in_lieu", "amount"):
        value = getattr(terms, name)
        is_free = name == "amount" and terms.kind is ActionKind.DELISTING
        if value is None:
            continue
        if exact(value, places=PRICE_PLACES, name=name) < 0 or not (value or is_free):
            raise InvalidInput("It is a positive number.", field=name)
    rate = exact(terms.withholding_rate, places=PRICE_PLACES, name="withholding_rate")
    if not 0 <= rate < 1 or (rate and terms.kind not in DIVIDENDS):
        raise InvalidInput("Of a dividend 0 to below 1 is withheld.", field="withholding_rate")
    if terms.ratio_new is not None and terms.ratio_new == terms.ratio_old:
        raise InvalidInput("A split changes the number of units.", field="ratio_new")


def _words(name: str) -> str:
    return name.replace("_", " ").lower()


@dataclass(frozen=True, slots=True)
class Effect:
    """What an action does to one holder: units before and after, cash, and tax kept back."""

    units: Decimal
    units_after: Decimal
    fraction: Decimal
    gross: Decimal
    withheld: Decimal

    @property
    def net(self) -> Decimal:
        return self.gross - self.withheld


def effect_of(terms: ActionTerms, units: Decimal) -> Effect:
    """Return what the action does to a holder of the units; money in whole minor units.

    A split's new units are cut to 8 decimals; `fraction` of them is paid in cash instead.  Money is
    rounded half to even, tax is rounded down.
    """
    none = Decimal(0)
    if terms.kind is ActionKind.SPLIT:
        new, old = terms.ratio
        after = (units * new / old).quantize(UNIT_STEP, ROUND_DOWN)
        if terms.cash_in_lieu is None:
            return Effect(units, after, none, none, none)
        fraction = after % 1
        cash = _money(fraction * terms.cash_in_lieu, terms.currency, ROUND_HALF_EVEN)
        return Effect(units, after - fraction, fraction, cash, none)
    if terms.kind is ActionKind.SYMBOL_CHANGE:
        return Effect(units, units, none, none, none)
    gross = _money(units * (terms.amount or none), terms.currency, ROUND_HALF_EVEN)
    if terms.kind is ActionKind.DELISTING:
        return Effect(units, none, none, gross, none)
    withheld = _money(gross * terms.withholding_rate, terms.currency, ROUND_DOWN)
    return Effect(units, units, none, gross, withheld)


def _money(amount: Decimal, currency: str, rounding: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-MINOR_UNITS[currency]), rounding)


def price_after(price: Decimal, ratio: tuple[Decimal, Decimal]) -> Decimal:
    """Return the price of one new unit, when `price` is that of an old one."""
    new, old = ratio
    return max((price * old / new).quantize(PRICE_STEP, ROUND_HALF_EVEN), PRICE_STEP)


def order_price_after(
    price: Decimal, ratio: tuple[Decimal, Decimal], *, side: Side, tick: Decimal
) -> Decimal:
    """Return an order's price after a split in whole ticks: a purchase's down, a sale's up."""
    new, old = ratio
    rounding = ROUND_DOWN if side is Side.BUY else ROUND_UP
    ticks = (price * old / new / tick).quantize(Decimal(1), rounding)
    return max(ticks, Decimal(1)) * tick


def order_units_after(
    units: Decimal, ratio: tuple[Decimal, Decimal], *, lot_size: Decimal
) -> Decimal:
    """Return an order's open units after a split, cut to whole lots."""
    new, old = ratio
    return (units * new / old / lot_size).quantize(Decimal(1), ROUND_DOWN) * lot_size


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDay:
    """One day's prices as traded, and the close with splits and dividends taken out."""

    day: date
    open: Decimal
    close: Decimal
    adjusted_close: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What the prices suggest happened on `ex_date`: for people to look up, never to apply.

    `factor` is by how much the adjusted prices say that a unit's price was cut.  `evidence` is
    ADJUSTED_CLOSE, or PRICE_JUMP where the source adjusts nothing.
    """

    kind: ActionKind
    ex_date: date
    factor: Decimal
    evidence: str
    close_before: Decimal
    open: Decimal
    close: Decimal
    ratio: tuple[int, int] | None = None
    amount: Decimal | None = None


# A price that opens this near a simple ratio of the close before may be a split.
JUMP_TOLERANCE = Decimal("0.025")
# Adjusted closes are rounded, so a factor is only as good as this.
FACTOR_TOLERANCE = Decimal("0.005")
LEAST_DIVIDEND = Decimal("0.0005")
SPECIAL_FROM = Decimal("0.05")
FORWARD = ((5, 4), (4, 3), (3, 2), (2, 1), (5, 2), *((n, 1) for n in (3, 4, 5, 6, 7, 8, 10)))
FORWARD_RARE = tuple((n, 1) for n in (15, 20, 25, 30, 50))
RATIOS = (
    *FORWARD,
    *FORWARD_RARE,
    *((old, new) for new, old in (*FORWARD[3:4], *FORWARD[5:], *FORWARD_RARE)),
)


def candidates(days: Sequence[PriceDay]) -> list[Candidate]:
    """Return the splits and dividends that daily prices suggest, oldest first.

    Between two days f = (close/adjusted before) / (close/adjusted after) is what the source took
    out on the second.  Near a simple ratio it is a split, else above 1 a dividend of
    close x (1 - 1/f).  Only where the source takes nothing out anywhere does a price count that
    opens near the last close divided or multiplied by a small whole number.
    """
    adjusts = any(day.close != day.adjusted_close for day in days)
    found = (_adjusted(*pair) if adjusts else _jump(*pair) for pair in pairwise(days))
    return [candidate for candidate in found if candidate is not None]


def _adjusted(before: PriceDay, after: PriceDay) -> Candidate | None:
    factor = (before.close * after.adjusted_close) / (before.adjusted_close * after.close)
    ratio = _simple(factor, FACTOR_TOLERANCE)
    if ratio is not None:
        return _candidate(ActionKind.SPLIT, before, after, factor, ratio=ratio)
    if factor - 1 < LEAST_DIVIDEND:
        return None
    kind = ActionKind.SPECIAL_DIVIDEND if factor - 1 > SPECIAL_FROM else ActionKind.DIVIDEND
    amount = (before.close * (1 - 1 / factor)).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
    return _candidate(kind, before, after, factor, amount=amount)


def _jump(before: PriceDay, after: PriceDay) -> Candidate | None:
    factor = before.close / after.open
    ratio = _simple(factor, JUMP_TOLERANCE)
    if ratio is None or max(ratio) < 2 * min(ratio):
        return None
    return _candidate(ActionKind.SPLIT, before, after, factor, ratio=ratio, evidence="PRICE_JUMP")


def _simple(factor: Decimal, tolerance: Decimal) -> tuple[int, int] | None:
    """Return the ratio of small numbers that the factor is nearest to, within the tolerance."""

    def distance(ratio: tuple[int, int]) -> Decimal:
        return abs(factor * ratio[1] / ratio[0] - 1)

    nearest = min(RATIOS, key=distance)
    return nearest if distance(nearest) <= tolerance else None


def _candidate(
    kind: ActionKind,
    before: PriceDay,
    after: PriceDay,
    factor: Decimal,
    *,
    ratio: tuple[int, int] | None = None,
    amount: Decimal | None = None,
    evidence: str = "ADJUSTED_CLOSE",
) -> Candidate:
    return Candidate(
        kind=kind,
        ex_date=after.day,
        factor=factor.quantize(Decimal("0.00001"), ROUND_HALF_EVEN),
        evidence=evidence,
        close_before=before.close,
        open=after.open,
        close=after.close,
        ratio=ratio,
        amount=amount,
    )
