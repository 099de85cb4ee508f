"""What an order holds and what its fills cost, in whole minor units of its currency."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from apps.core.domain.instruments import QUANTITY_PLACES
from apps.core.domain.money import MAX_INTEGER_DIGITS, MINOR_UNITS, exact
from apps.core.errors import InvalidInput
from apps.trading.domain.costs import Commission
from apps.trading.domain.orders import Side


def _rounded(amount: Decimal, currency: str, rounding: str) -> Decimal:
    if amount.adjusted() >= MAX_INTEGER_DIGITS:
        raise InvalidInput("The order is worth more than can be booked.", field="quantity")
    return amount.quantize(Decimal(1).scaleb(-MINOR_UNITS[currency]), rounding)


@dataclass(frozen=True, slots=True)
class Charge:
    """Money for units, and fees on top of it."""

    amount: Decimal
    fees: Decimal

    @property
    def total(self) -> Decimal:
        return self.amount + self.fees


def most_it_costs(
    *,
    quantity: Decimal,
    worst_price: Decimal,
    currency: str,
    commission: Commission,
    filled_quantity: Decimal = Decimal(0),
    filled_value: Decimal = Decimal(0),
) -> Charge:
    """Return the upper bound of what the rest of a purchase can cost, at its worst price.

    `quantity` is the whole order's, `filled_*` what of it filled.  Rounded up over the whole
    order, less what the fills cost.  Raises InvalidInput beyond what an account can hold.
    """
    value = filled_value + (quantity - filled_quantity) * worst_price
    fees = commission.total(quantity=quantity, value=value)
    before = _so_far(Side.BUY, filled_quantity, filled_value, currency, commission)
    return Charge(
        _rounded(value, currency, ROUND_CEILING) - before.amount,
        _rounded(fees, currency, ROUND_CEILING) - before.fees,
    )


def _so_far(
    side: Side, quantity: Decimal, value: Decimal, currency: str, commission: Commission
) -> Charge:
    amount = _rounded(value, currency, ROUND_HALF_EVEN)
    fees = _rounded(commission.total(quantity=quantity, value=value), currency, ROUND_HALF_EVEN)
    return Charge(amount, fees if side is Side.BUY else min(fees, amount))


def charge_of_fill(
    *,
    side: Side,
    currency: str,
    commission: Commission,
    filled_quantity: Decimal,
    filled_value: Decimal,
    quantity: Decimal,
    price: Decimal,
) -> Charge:
    """Return what the next fill costs, when `filled_*` is what the order filled before it.

    Totals are rounded half to even over the whole order and the fill takes the difference, so any
    number of partial fills costs what one fill would, minimum commission included.  A sale's fees
    never exceed what it brings.
    """
    before = _so_far(side, filled_quantity, filled_value, currency, commission)
    after = _so_far(
        side, filled_quantity + quantity, filled_value + quantity * price, currency, commission
    )
    return Charge(after.amount - before.amount, after.fees - before.fees)


def quantity_for(*, notional: Decimal, price: Decimal, lot_size: Decimal) -> Decimal:
    """Return the most whole lots that `notional` buys at the price; zero when not even one.

    Raises InvalidInput for more units than an order can have.
    """
    lots = (notional / price / lot_size).to_integral_value(ROUND_FLOOR)
    return exact(lots * lot_size, places=QUANTITY_PLACES, name="quantity")
