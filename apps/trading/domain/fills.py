"""When and at what price an order trades, given a quote or a bar: one pure model for the paper
venue and for backtests.
"""

from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from typing import Protocol

from apps.trading.domain.costs import NoSlippage, Slippage
from apps.trading.domain.orders import LIMITED, OrderType, Side, TimeInForce


class Market(Protocol):
    """What happened in the market, as far as an order can trade on it."""

    @property
    def volume(self) -> Decimal: ...

    def market_price(self, side: Side) -> Decimal:
        """Return the price that a market order gets."""
        ...

    def limit_price(self, side: Side, limit: Decimal) -> Decimal | None:
        """Return the price that a resting limit order gets, or None when it is not reached."""
        ...

    def triggers(self, side: Side, stop: Decimal) -> bool:
        """Say whether the trade price reached the stop."""
        ...

    def stop_price(self, side: Side, stop: Decimal) -> Decimal:
        """Return the price that an order gets at the moment that its stop triggers."""
        ...

    def stop_limit_price(self, side: Side, limit: Decimal) -> Decimal | None:
        """Return what `limit_price` would, for the event that triggered the order."""
        ...


def _at_or_better(side: Side, price: Decimal, limit: Decimal) -> bool:
    return price <= limit if side is Side.BUY else price >= limit


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteMarket:
    """One quote: orders cross the spread, stops look at the last trade."""

    bid: Decimal
    ask: Decimal
    last: Decimal
    volume: Decimal

    def market_price(self, side: Side) -> Decimal:
        return self.ask if side is Side.BUY else self.bid

    def limit_price(self, side: Side, limit: Decimal) -> Decimal | None:
        price = self.market_price(side)
        return price if _at_or_better(side, price, limit) else None

    def triggers(self, side: Side, stop: Decimal) -> bool:
        return self.last >= stop if side is Side.BUY else self.last <= stop

    def stop_price(self, side: Side, stop: Decimal) -> Decimal:
        return self.market_price(side)

    def stop_limit_price(self, side: Side, limit: Decimal) -> Decimal | None:
        return self.limit_price(side, limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class BarMarket:
    """One bar: market orders trade at the open, the others at the worst price they could get.

    The path inside the bar is unknown.  A limit that is touched fills at the limit, or at the
    open when that is better; a stop fills at the stop, or at the open when the bar gapped over
    it; a stop-limit that triggers in the bar fills in it only when the close is within the limit.
    """

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    def market_price(self, side: Side) -> Decimal:
        return self.open

    def limit_price(self, side: Side, limit: Decimal) -> Decimal | None:
        best = self.low if side is Side.BUY else self.high
        if not _at_or_better(side, best, limit):
            return None
        return self.open if _at_or_better(side, self.open, limit) else limit

    def triggers(self, side: Side, stop: Decimal) -> bool:
        return self.high >= stop if side is Side.BUY else self.low <= stop

    def stop_price(self, side: Side, stop: Decimal) -> Decimal:
        return max(self.open, stop) if side is Side.BUY else min(self.open, stop)

    def stop_limit_price(self, side: Side, limit: Decimal) -> Decimal | None:
        return self.close if _at_or_better(side, self.close, limit) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingOrder:
    """What the fill model needs to know of an order.

    No fill is worse than `worst_price`: the limit of a limited order, and for a market or stop
    buy what was held for it.
    """

    side: Side
    order_type: OrderType
    remaining: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    worst_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    is_triggered: bool = False


@dataclass(frozen=True, slots=True)
class Fill:
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one event did to one order."""

    is_triggered: bool
    fill: Fill | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FillModel:
    """How much of the volume one order may take, and what taking it does to the price.

    `volume_share` is the largest share of the event's volume that a fill takes (None: all of the
    order fills); quantities are cut down to whole `lot_size`s.
    """

    slippage: Slippage = field(default_factory=NoSlippage)
    volume_share: Decimal | None = None
    lot_size: Decimal = Decimal(1)

    def apply(self, order: WorkingOrder, market: Market) -> Outcome:
        """Return what the event does to the order: triggers it, fills it, or neither."""
        was_triggered = order.stop_price is None or order.is_triggered
        is_triggered = was_triggered or market.triggers(order.side, _known(order.stop_price))
        if not is_triggered:
            return Outcome(is_triggered=False, fill=None)
        base = _price(order, market, just_triggered=not was_triggered)
        fill = None if base is None else self._fill(order, market, base)
        return Outcome(is_triggered=is_triggered, fill=fill)

    def _fill(self, order: WorkingOrder, market: Market, base: Decimal) -> Fill | None:
        quantity = self._quantity(order.remaining, market.volume)
        if quantity <= 0:
            return None
        if order.time_in_force is TimeInForce.FOK and quantity < order.remaining:
            return None
        price = self.slippage.price(
            side=order.side, price=base, quantity=quantity, volume=market.volume
        )
        if price <= 0:
            # An order that is many times the volume would be sold for nothing, or less.
            return None
        for bound in (order.limit_price, order.worst_price):
            if bound is not None and not _at_or_better(order.side, price, bound):
                return None
        return Fill(quantity, price)

    def _quantity(self, remaining: Decimal, volume: Decimal) -> Decimal:
        if self.volume_share is None:
            return remaining
        room = volume * self.volume_share
        if room >= remaining:
            return remaining
        return (room / self.lot_size).to_integral_value(ROUND_FLOOR) * self.lot_size


def _known(price: Decimal | None) -> Decimal:
    if price is None:
        raise ValueError("The order's type needs a price that it does not have.")
    return price


def _price(order: WorkingOrder, market: Market, *, just_triggered: bool) -> Decimal | None:
    if order.order_type in LIMITED:
        limit = _known(order.limit_price)
        if just_triggered:
            return market.stop_limit_price(order.side, limit)
        return market.limit_price(order.side, limit)
    if just_triggered:
        return market.stop_price(order.side, _known(order.stop_price))
    return market.market_price(order.side)
