"""Money: an exact amount in one currency."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Self

from apps.core.errors import InvalidInput

# ISO 4217 minor units.
MINOR_UNITS = {
    **dict.fromkeys(("JPY", "KRW", "CLP", "ISK", "VND"), 0),
    **dict.fromkeys(
        (
            *("USD", "EUR", "GBP", "CHF", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK"),
            *("HUF", "SGD", "HKD", "CNY", "INR", "ZAR", "MXN", "BRL", "TRY", "ILS", "THB"),
        ),
        2,
    ),
    **dict.fromkeys(("KWD", "BHD", "JOD", "OMR", "TND"), 3),
}
MAX_INTEGER_DIGITS = 18


class CurrencyMismatch(InvalidInput):
    """Two amounts of different currencies met in one sum."""

    code = "currency_mismatch"


def exact(value: Decimal | int | str, *, places: int, name: str) -> Decimal:
    """Return the value as a Decimal that fits a column of 18 integer digits and `places` decimals.

    Raises InvalidInput for a float, NaN, infinity, too many digits or too many decimals.
    """
    if isinstance(value, float | bool) or not isinstance(value, Decimal | int | str):
        raise InvalidInput(f"{name} takes an exact number.", field=name)
    if isinstance(value, str) and len(value) > 64:
        raise InvalidInput(f"{name} has too many digits.", field=name)
    try:
        number = Decimal(value)
    except (ArithmeticError, ValueError) as error:
        raise InvalidInput(f"{name} is not a number.", field=name) from error
    if not number.is_finite():
        raise InvalidInput(f"{name} is not finite.", field=name)
    if number and number.adjusted() >= MAX_INTEGER_DIGITS:
        raise InvalidInput(f"{name} is too large.", field=name)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or (-exponent > places and number != round(number, places)):
        raise InvalidInput(f"{name} has more than {places} decimals.", field=name)
    return number


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency; never a float, never mixed."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in MINOR_UNITS:
            raise InvalidInput("Unknown currency.", field="currency")
        if not isinstance(self.amount, Decimal) or not self.amount.is_finite():
            raise InvalidInput("Money takes a finite Decimal.", field="amount")

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str) -> Self:
        """Build from an outside value; raises InvalidInput beyond the currency's minor unit."""
        places = MINOR_UNITS.get(currency)
        if places is None:
            raise InvalidInput("Unknown currency.", field="currency")
        return cls(exact(amount, places=places, name="amount"), currency)

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not add.")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.amount < other.amount

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.amount <= other.amount

    def rounded(self) -> "Money":
        """Return the amount at the currency's minor unit, half to even, as it is posted."""
        exponent = Decimal(1).scaleb(-MINOR_UNITS[self.currency])
        return Money(self.amount.quantize(exponent, ROUND_HALF_EVEN), self.currency)
