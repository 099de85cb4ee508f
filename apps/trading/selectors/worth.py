"""What several portfolios are worth at the last quotes, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from apps.core.domain.money import MINOR_UNITS, Money
from apps.ledger.domain.legs import FLOORED_KINDS, AccountKind
from apps.ledger.selectors import balances_of_each
from apps.market.selectors import quotes_get


@dataclass(frozen=True, slots=True)
class Worth:
    """In the portfolio's currency; `is_complete` is False where a holding has no price in it."""

    cash: Decimal
    held: Decimal
    invested: Decimal
    is_complete: bool

    @property
    def value(self) -> Decimal:
        return self.cash + self.held + self.invested


def worths_of(currencies: Mapping[UUID, str]) -> dict[UUID, Worth]:
    """Return the worth of each portfolio (by id, with its currency) that the caller may see."""
    money: defaultdict[UUID, dict[AccountKind, Decimal]] = defaultdict(dict)
    units: defaultdict[UUID, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    foreign: set[UUID] = set()
    for owner_id, row in balances_of_each(currencies):
        if not row.balance or row.kind not in FLOORED_KINDS:
            continue
        if row.asset == currencies[owner_id]:
            money[owner_id][row.kind] = row.balance
        elif row.asset in MINOR_UNITS:
            foreign.add(owner_id)
        else:
            units[owner_id][row.asset] += row.balance
    quotes = quotes_get({symbol for held in units.values() for symbol in held})
    worths = {}
    for portfolio_id, currency in currencies.items():
        held = units[portfolio_id]
        value = sum(
            (amount * quotes[symbol].last for symbol, amount in held.items() if symbol in quotes),
            Decimal(0),
        )
        worths[portfolio_id] = Worth(
            cash=money[portfolio_id].get(AccountKind.CASH, Decimal(0)),
            held=money[portfolio_id].get(AccountKind.HELD, Decimal(0)),
            invested=Money(value, currency).rounded().amount,
            is_complete=portfolio_id not in foreign and held.keys() <= quotes.keys(),
        )
    return worths
