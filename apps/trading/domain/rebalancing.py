"""Target weights: how far a portfolio has drifted, and the orders that bring it back.

A portfolio is brought back when any part of it is outside its band, and then all of it to the
targets: sales first, purchases for what there is and what the sales bring.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

from apps.core.errors import InvalidInput, Refused
from apps.trading.domain.amounts import Charge, most_it_costs
from apps.trading.domain.costs import Commission
from apps.trading.domain.orders import Side

ONE, ZERO = Decimal(1), Decimal(0)
WEIGHT_PLACES = 6
MAX_SYMBOLS = 50


class Reason(StrEnum):
    """Why a line is as it is, or why it does not reach its target."""

    WITHIN_BAND = "WITHIN_BAND"
    OUTSIDE_BAND = "OUTSIDE_BAND"
    WITH_THE_REST = "WITH_THE_REST"
    NOT_IN_TARGET = "NOT_IN_TARGET"
    LOT_SIZE = "LOT_SIZE"
    ORDER_MINIMUM = "ORDER_MINIMUM"
    HELD_BY_ORDERS = "HELD_BY_ORDERS"
    NOT_ENOUGH_CASH = "NOT_ENOUGH_CASH"
    CASH_KEPT = "CASH_KEPT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """An instrument as the portfolio has it; `free` is what no open order holds."""

    symbol: str
    units: Decimal
    free: Decimal
    bid: Decimal
    ask: Decimal
    last: Decimal
    lot_size: Decimal

    @property
    def value(self) -> Decimal:
        return self.units * self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Weights are fractions of one; with `cash` they sum to one.

    The band of a part is the smaller of `absolute_band` and `relative_band` times its weight.
    `order_minimum` and `cash_kept` are amounts in the portfolio's currency.
    """

    weights: Mapping[str, Decimal]
    cash: Decimal
    absolute_band: Decimal
    relative_band: Decimal | None = None
    order_minimum: Decimal = ZERO
    cash_kept: Decimal = ZERO

    def __post_init__(self) -> None:
        if not self.weights or len(self.weights) > MAX_SYMBOLS:
            raise InvalidInput(f"A target has 1 to {MAX_SYMBOLS} instruments.", field="weights")
        for weight in (*self.weights.values(), self.cash, self.absolute_band):
            if not 0 <= weight <= 1 or weight != round(weight, WEIGHT_PLACES):
                raise InvalidInput("A weight is a fraction of one.", field="weights")
        if not all(self.weights.values()):
            raise InvalidInput("A weight is more than zero.", field="weights")
        if (total := sum(self.weights.values(), self.cash)) != 1:
            raise InvalidInput(f"Weights and cash sum to {total}, not to 1.", field="weights")
        if self.relative_band is not None and not 0 < self.relative_band <= 1:
            raise InvalidInput("A relative band is a fraction of one.", field="relative_band")
        if self.order_minimum < 0 or self.cash_kept < 0:
            raise InvalidInput("An amount is not negative.", field="order_minimum")

    def band(self, weight: Decimal) -> Decimal:
        if self.relative_band is None:
            return self.absolute_band
        return min(self.absolute_band, self.relative_band * weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One instrument of a proposal, or cash (symbol None); `side` is None where nothing trades.

    `value` is now, `cost` what the order moves with its fees at most (a purchase: what it holds).
    """

    symbol: str | None
    value: Decimal
    weight: Decimal
    target: Decimal
    band: Decimal
    reasons: tuple[Reason, ...]
    side: Side | None = None
    units: Decimal = ZERO
    price: Decimal = ZERO
    fees: Decimal = ZERO
    cost: Decimal = ZERO

    @property
    def drift(self) -> Decimal:
        return self.weight - self.target

    @property
    def is_outside(self) -> bool:
        return abs(self.drift) > self.band


@dataclass(frozen=True, slots=True)
class Proposal:
    """Every part of the portfolio, cash last; `total` is its whole value."""

    total: Decimal
    lines: tuple[Line, ...]

    @property
    def orders(self) -> list[Line]:
        """Return the lines that trade, sales first."""
        traded = [line for line in self.lines if line.side is not None]
        return sorted(traded, key=lambda line: line.side is Side.BUY)

    @property
    def is_outside(self) -> bool:
        return any(line.is_outside for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What trading costs: commission, and how far a purchase's hold goes above the ask."""

    currency: str
    commission: Commission
    hold_buffer: Decimal

    def fees(self, units: Decimal, price: Decimal) -> Decimal:
        return self._charge(units, price).fees

    def held(self, units: Decimal, ask: Decimal) -> Decimal:
        """Return what a purchase takes out of free cash until it has filled."""
        worst = (ask * (ONE + self.hold_buffer)).quantize(Decimal("0.00000001"))
        return self._charge(units, worst).total

    def _charge(self, units: Decimal, price: Decimal) -> Charge:
        return most_it_costs(
            quantity=units, worst_price=price, currency=self.currency, commission=self.commission
        )


def propose(
    holdings: Sequence[Holding],
    target: Target,
    *,
    cash: Decimal,
    held_cash: Decimal,
    terms: Terms,
) -> Proposal:
    """Return how each part stands to its target and the orders that would mend it.

    Nothing is sold that is held, purchases never need more than the free `cash` and what the sales
    bring, less the cash of the target or `cash_kept`, whichever is more.  Raises Refused
    `portfolio_empty`, and InvalidInput for a target instrument that is not among the holdings.
    """
    known = {holding.symbol: holding for holding in holdings}
    if missing := target.weights.keys() - known.keys():
        raise InvalidInput(f"No price of {', '.join(sorted(missing))}.", field="weights")
    total = sum((holding.value for holding in holdings), cash + held_cash)
    if total <= 0:
        raise Refused("There is nothing to divide up.", code="portfolio_empty")
    lines = [_line(known[symbol], target, total) for symbol in sorted(known)]
    money = Line(
        symbol=None,
        value=cash + held_cash,
        weight=(cash + held_cash) / total,
        target=target.cash,
        band=target.band(target.cash),
        reasons=(),
    )
    whole = Proposal(total, (*lines, money))
    if not whole.is_outside:
        calm = [replace(line, reasons=(Reason.WITHIN_BAND,)) for line in whole.lines]
        return Proposal(total, tuple(calm))
    kept = max(target.cash * total, target.cash_kept)
    is_scaled = kept > target.cash * total
    # Weights are of the whole; what is kept beyond the target's cash shrinks them alike.
    to_invest = max(total - kept, ZERO) / (ONE - target.cash)
    goals = {symbol: weight * to_invest for symbol, weight in target.weights.items()}
    work = _Work(known=known, goals=goals, target=target, terms=terms)
    sold = [_sale(line, work) for line in lines]
    proceeds = sum((line.cost for line in sold), ZERO)
    done = _purchases(sold, work, cash + proceeds - max(kept - held_cash, ZERO))
    if is_scaled:
        done = [replace(line, reasons=(*line.reasons, Reason.CASH_KEPT)) for line in done]
    return Proposal(total, (*(_explained(line) for line in done), _explained(money)))


def _line(holding: Holding, target: Target, total: Decimal) -> Line:
    weight = target.weights.get(holding.symbol, ZERO)
    return Line(
        symbol=holding.symbol,
        value=holding.value,
        weight=holding.value / total,
        target=weight,
        band=target.band(weight),
        reasons=() if weight else (Reason.NOT_IN_TARGET,),
    )


def _explained(line: Line) -> Line:
    first = Reason.OUTSIDE_BAND if line.is_outside else Reason.WITHIN_BAND
    if line.side is not None and not line.is_outside:
        first = Reason.WITH_THE_REST
    return replace(line, reasons=(first, *line.reasons))


def _lots(units: Decimal, lot_size: Decimal) -> Decimal:
    return (units / lot_size).to_integral_value(ROUND_FLOOR) * lot_size


def _because(line: Line, reason: Reason) -> Line:
    return replace(line, reasons=(*line.reasons, reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What every order of a proposal looks at; `goals` are values by symbol."""

    known: Mapping[str, Holding]
    goals: Mapping[str, Decimal]
    target: Target
    terms: Terms

    def wanted(self, symbol: str) -> Decimal:
        """Return the units to buy, not yet in whole lots."""
        holding = self.known[symbol]
        return max(self.goals.get(symbol, ZERO) - holding.value, ZERO) / holding.ask


def _sale(line: Line, work: _Work) -> Line:
    holding = work.known[line.symbol or ""]
    over = holding.units - work.goals.get(holding.symbol, ZERO) / holding.last
    if over <= 0:
        return line
    wanted = _lots(over, holding.lot_size)
    units = min(wanted, _lots(holding.free, holding.lot_size))
    if units < wanted:
        line = _because(line, Reason.HELD_BY_ORDERS)
    elif wanted < over:
        line = _because(line, Reason.LOT_SIZE)
    if not units:
        return line
    if units * holding.bid < work.target.order_minimum:
        return _because(line, Reason.ORDER_MINIMUM)
    fees = work.terms.fees(units, holding.bid)
    brought = max(units * holding.bid - fees, ZERO).quantize(Decimal("0.00000001"), ROUND_FLOOR)
    return replace(line, side=Side.SELL, units=units, price=holding.bid, fees=fees, cost=brought)


def _purchases(lines: Sequence[Line], work: _Work, spendable: Decimal) -> list[Line]:
    """Buy towards the goals; where cash is short, every purchase gives up the same share."""
    needed = ZERO
    for symbol, holding in work.known.items():
        units = _lots(work.wanted(symbol), holding.lot_size)
        needed += work.terms.held(units, holding.ask)
    share = min(max(spendable, ZERO) / needed, ONE) if needed else ONE
    done = []
    for line in lines:
        bought = line
        if line.side is None and work.wanted(line.symbol or ""):
            bought = _purchase(line, work, share, spendable)
            spendable -= bought.cost
        done.append(bought)
    return done


def _purchase(line: Line, work: _Work, share: Decimal, spendable: Decimal) -> Line:
    holding, terms = work.known[line.symbol or ""], work.terms
    wanted = work.wanted(holding.symbol)
    most = _lots(wanted, holding.lot_size)
    units = _lots(wanted * share, holding.lot_size)
    while units and terms.held(units, holding.ask) > spendable:
        less = max(_lots(units / 100, holding.lot_size), holding.lot_size)
        units = max(units - less, ZERO)
    if units < most:
        line = _because(line, Reason.NOT_ENOUGH_CASH)
    elif most < wanted:
        line = _because(line, Reason.LOT_SIZE)
    if not units:
        return line
    if units * holding.ask < work.target.order_minimum:
        return _because(line, Reason.ORDER_MINIMUM)
    return replace(
        line,
        side=Side.BUY,
        units=units,
        price=holding.ask,
        fees=terms.fees(units, holding.ask),
        cost=terms.held(units, holding.ask),
    )
