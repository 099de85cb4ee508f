"""Symbol, Quantity and Price."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from apps.core.domain.money import MINOR_UNITS, Money, exact
from apps.core.errors import InvalidInput

SYMBOL_PATTERN = re.compile(r"[A-Z][A-Z0-9.\-]{0,19}")
QUANTITY_PLACES = 8
PRICE_PLACES = 8


@dataclass(frozen=True, slots=True, order=True)
class Symbol:
    """A ticker in upper case, at most 20 characters."""

    value: str

    def __post_init__(self) -> None:
        if not isinstance(self.value, str) or not SYMBOL_PATTERN.fullmatch(self.value):
            raise InvalidInput("Not a symbol.", field="symbol")

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, order=True)
class Quantity:
    """A positive number of units, at most 8 decimals."""

    value: Decimal

    def __post_init__(self) -> None:
        if exact(self.value, places=QUANTITY_PLACES, name="quantity") <= 0:
            raise InvalidInput("A quantity is a positive number.", field="quantity")

    @classmethod
    def of(cls, value: Decimal | int | str) -> Self:
        return cls(exact(value, places=QUANTITY_PLACES, name="quantity"))


@dataclass(frozen=True, slots=True)
class Price:
    """A positive price of one unit, at most 8 decimals."""

    value: Decimal
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in MINOR_UNITS:
            raise InvalidInput("Unknown currency.", field="currency")
        if exact(self.value, places=PRICE_PLACES, name="price") <= 0:
            raise InvalidInput("A price is a positive number.", field="price")

    def times(self, quantity: Quantity) -> Money:
        """Return the exact value of that many units, not rounded."""
        return Money(self.value * quantity.value, self.currency)
