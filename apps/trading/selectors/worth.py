"""What several portfolios are worth at the last quotes, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from apps.core.domain.money import MINOR_UNITS, Money
from apps.ledger.domain.legs import FLOORED_KINDS, AccountKind
from apps.ledger.selectors import balances_of_each
from apps.market.selectors import fx_rates, instrument_list, quotes_get

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Worth:
    """In the portfolio's currency; `is_complete` is False where something has no price in it.

    `cash` and `held` are of all currencies, at the day's reference rates.
    """

    cash: Decimal
    held: Decimal
    invested: Decimal
    is_complete: bool

    @property
    def value(self) -> Decimal:
        return self.cash + self.held + self.invested


def worths_of(currencies: Mapping[UUID, str]) -> dict[UUID, Worth]:
    """Return the worth of each portfolio (by id, with its currency) that the caller may see."""
    balances = [
        (owner_id, row)
        for owner_id, row in balances_of_each(currencies)
        if row.balance and row.kind in FLOORED_KINDS
    ]
    symbols = {row.asset for _, row in balances if row.asset not in MINOR_UNITS}
    quotes = quotes_get(symbols)
    listed = instrument_list(only_tradable=False).filter(symbol__in=symbols)
    priced_in = dict(listed.values_list("symbol", "currency")) if symbols else {}
    # What each portfolio has, by the part of its worth and the currency.
    sums: defaultdict[UUID, defaultdict[tuple[str, str], Decimal]] = defaultdict(
        lambda: defaultdict(Decimal)
    )
    unpriced = set()
    for owner_id, row in balances:
        if row.asset in MINOR_UNITS:
            part = "held" if row.kind is AccountKind.HELD else "cash"
            sums[owner_id][part, row.asset] += row.balance
        elif row.asset in quotes and row.asset in priced_in:
            value = row.balance * quotes[row.asset].last
            sums[owner_id]["invested", priced_in[row.asset]] += value
        else:
            unpriced.add(owner_id)
    today = timezone.now().date()
    return {
        owner_id: _worth(sums[owner_id], currency, today, is_priced=owner_id not in unpriced)
        for owner_id, currency in currencies.items()
    }


def _worth(
    sums: Mapping[tuple[str, str], Decimal], currency: str, today: date, *, is_priced: bool
) -> Worth:
    rates = rates_known((asset for _, asset in sums), currency, on=today)
    parts = {"cash": ZERO, "held": ZERO, "invested": ZERO}
    for (part, asset), amount in sums.items():
        if asset in rates:
            parts[part] += Money(amount * rates[asset], currency).rounded().amount
    return Worth(**parts, is_complete=is_priced and all(asset in rates for _, asset in sums))


def rates_known(sources: Iterable[str], target: str, *, on: date) -> dict[str, Decimal]:
    """Return the reference rates to the target, one for itself; without those that are unknown."""
    rates = fx_rates({*sources, target}, target, on=on)
    return {currency: found.rate for currency, found in rates.items()}
