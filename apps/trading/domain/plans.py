"""When a plan is due, and how its money is divided."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

from apps.core.domain.money import MINOR_UNITS
from apps.core.errors import InvalidInput

MAX_LINES = 20


class Frequency(StrEnum):
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A day of every week (1 is Monday) or of every month (its last where there is no such day)."""

    frequency: Frequency
    day: int
    start: date
    end: date | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.day <= (7 if self.frequency is Frequency.WEEKLY else 31):
            raise InvalidInput("There is no such day.", field="day")
        if self.end is not None and self.end < self.start:
            raise InvalidInput("The plan ends before it starts.", field="end_date")

    def first_due(self, after: date) -> date | None:
        """Return the first due date on or after that day; None when the plan is over by then."""
        day = max(after, self.start)
        if self.frequency is Frequency.WEEKLY:
            due = day + timedelta(days=(self.day - day.isoweekday()) % 7)
        else:
            due = self._in_month(day.year, day.month)
            if due < day:
                following = date(day.year, day.month, 28) + timedelta(days=4)
                due = self._in_month(following.year, following.month)
        return None if self.end is not None and due > self.end else due

    def next_due(self, today: date, last: date | None) -> date | None:
        """Return the first due date from today on in a week or month without the `last` one."""
        due = self.first_due(today)
        while due is not None and last is not None and self._period(due) <= self._period(last):
            due = self.first_due(due + timedelta(days=1))
        return due

    def _period(self, day: date) -> tuple[int, int]:
        if self.frequency is Frequency.WEEKLY:
            return day.isocalendar()[:2]
        return day.year, day.month

    def _in_month(self, year: int, month: int) -> date:
        return date(year, month, min(self.day, calendar.monthrange(year, month)[1]))


def amounts_of(total: Decimal, weights: dict[str, Decimal], currency: str) -> dict[str, Decimal]:
    """Return what of the total goes into each symbol, in whole minor units, rounded down.

    What is left stays cash.
    """
    step = Decimal(1).scaleb(-MINOR_UNITS[currency])
    return {
        symbol: (total * weight).quantize(step, ROUND_FLOOR) for symbol, weight in weights.items()
    }


def check_weights(weights: dict[str, Decimal]) -> None:
    """Raise InvalidInput unless each is a positive fraction and their sum is at most one."""
    if len(weights) > MAX_LINES:
        raise InvalidInput(f"A plan buys at most {MAX_LINES} instruments.", field="weights")
    for weight in weights.values():
        if not 0 < weight <= 1 or weight != round(weight, 6):
            raise InvalidInput("A weight is a positive fraction of one.", field="weights")
    if sum(weights.values()) > 1:
        raise InvalidInput("The weights sum to more than one.", field="weights")
