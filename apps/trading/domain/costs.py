"""What a trade costs beyond its price: pluggable slippage and commission models."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Protocol

from apps.trading.domain.orders import Side

BASIS_POINT = Decimal("0.0001")
PRICE_STEP = Decimal("0.00000001")


class Slippage(Protocol):
    def price(self, *, side: Side, price: Decimal, quantity: Decimal, volume: Decimal) -> Decimal:
        """Return the price after slippage: higher for a buyer, lower for a seller."""
        ...


def _worse(side: Side, price: Decimal, share: Decimal) -> Decimal:
    factor = 1 + share if side is Side.BUY else 1 - share
    return (price * factor).quantize(PRICE_STEP, ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class NoSlippage:
    def price(self, *, side: Side, price: Decimal, quantity: Decimal, volume: Decimal) -> Decimal:
        return price


@dataclass(frozen=True, slots=True)
class BasisPointSlippage:
    """A constant share of the price."""

    bps: Decimal

    def price(self, *, side: Side, price: Decimal, quantity: Decimal, volume: Decimal) -> Decimal:
        return _worse(side, price, self.bps * BASIS_POINT)


@dataclass(frozen=True, slots=True)
class VolumeShareSlippage:
    """Price impact that grows with the square of the share of the volume taken.

    price * (1 +- impact * (quantity / volume) ** 2), the model of Zipline's VolumeShareSlippage.
    """

    impact: Decimal

    def price(self, *, side: Side, price: Decimal, quantity: Decimal, volume: Decimal) -> Decimal:
        if volume <= 0:
            return price
        return _worse(side, price, self.impact * (quantity / volume) ** 2)


class Commission(Protocol):
    def total(self, *, quantity: Decimal, value: Decimal) -> Decimal:
        """Return the commission (not rounded) on all that an order has filled so far.

        Never falls as quantity or value grow, so a hold for the whole order covers every part.
        """
        ...


@dataclass(frozen=True, slots=True)
class FixedCommission:
    """One amount an order, due with its first fill."""

    amount: Decimal

    def total(self, *, quantity: Decimal, value: Decimal) -> Decimal:
        return self.amount if quantity else Decimal(0)


@dataclass(frozen=True, slots=True)
class PerShareCommission:
    """A rate a unit, and at least `minimum` an order."""

    rate: Decimal
    minimum: Decimal = Decimal(0)

    def total(self, *, quantity: Decimal, value: Decimal) -> Decimal:
        return max(self.minimum, self.rate * quantity) if quantity else Decimal(0)


@dataclass(frozen=True, slots=True)
class BasisPointCommission:
    """A share of the traded value, and at least `minimum` an order."""

    bps: Decimal
    minimum: Decimal = Decimal(0)

    def total(self, *, quantity: Decimal, value: Decimal) -> Decimal:
        return max(self.minimum, self.bps * BASIS_POINT * value) if quantity else Decimal(0)
