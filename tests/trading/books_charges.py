"""What keeping assets costs and what cash earns, said a second time (see `books.py`).

Every day adds what was there at its end, times the rate.  A month is charged when all its days are
there, rounded once: interest is paid; a fee is taken whole or, while the cash is too little, due.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

ZERO, CENT, PRICE = Decimal(0), Decimal("0.01"), Decimal("0.00000001")
FEE_BPS, INTEREST_BPS = Decimal(500), Decimal("123.45")
BPS_DAYS = Decimal(10_000 * 365)
DAY = timedelta(days=1)
Owned = tuple[Decimal, Decimal]


@dataclass(eq=False)
class Purse:
    cash: Decimal = ZERO
    units: Decimal = ZERO


class Charges:
    """The rates begin on the day after they were confirmed."""

    def __init__(self, purses: list[Purse], now: datetime) -> None:
        self.purses = purses
        self.first = now.date() + DAY
        self.ended: list[tuple[date, list[Owned]]] = []
        self.month: defaultdict[Purse, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
        self.due: list[tuple[Purse, Decimal]] = []
        self.fees = self.interest = ZERO
        self.booked = self.deferred = 0

    def end_day(self, day: date, owned: list[Owned]) -> None:
        """Note the cash and units of every purse at the day's end."""
        if day >= self.first:
            self.ended.append((day, owned))

    def run(self, last: Decimal) -> None:
        """Add the days that ended, at that price; charge months that ended; take what is due."""
        over = []
        for day, owned in self.ended:
            for purse, (cash, units) in zip(self.purses, owned, strict=True):
                worth = (cash + units * last).quantize(PRICE, ROUND_HALF_EVEN)
                self.month[purse][0] += cash * INTEREST_BPS
                self.month[purse][1] += worth * FEE_BPS
            if (day + DAY).day == 1:
                over.append(self.month)
                self.month = defaultdict(lambda: [ZERO, ZERO])
        self.ended = []
        for month in over:
            self._book(month)
        self.due = [(purse, fee) for purse, fee in self.due if not self._take(purse, fee)]

    def _book(self, month: dict[Purse, list[Decimal]]) -> None:
        for purse, sums in month.items():
            interest, fee = ((one / BPS_DAYS).quantize(CENT, ROUND_HALF_EVEN) for one in sums)
            purse.cash += interest
            self.interest += interest
            if fee and not self._take(purse, fee):
                self.due.append((purse, fee))
                self.deferred += 1

    def _take(self, purse: Purse, fee: Decimal) -> bool:
        if purse.cash < fee:
            return False
        purse.cash -= fee
        self.fees += fee
        self.booked += 1
        return True
