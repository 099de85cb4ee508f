"""The firm's business days and hours: what deadlines and officers' clocks are counted by."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib import import_module
from zoneinfo import ZoneInfo

from apps.core.errors import InvalidInput

# The firm is closed when this exchange (ISO 10383) is; its half days are business days.
EXCHANGE = "XNYS"
FIRST_DAY, LAST_DAY = date(2015, 1, 2), date(2049, 12, 31)
DAY = timedelta(days=1)
# About four years of business days: a deadline beyond that is a mistake.
MAX_DAYS = 1000


@dataclass(frozen=True)
class BusinessCalendar:
    """Business days by `is_business_day`, each from `open_at` to `close_at` in `zone`."""

    zone: ZoneInfo
    open_at: time
    close_at: time
    is_business_day: Callable[[date], bool]

    @property
    def day_length(self) -> timedelta:
        """Return how long a business day is."""
        return datetime.combine(date.min, self.close_at) - datetime.combine(date.min, self.open_at)

    def day_after(self, day: date, count: int) -> date:
        """Return the `count`th business day after the day; the day itself for 0 if it is one.

        For 0 on a day that is none it is the next one.  Raises InvalidInput outside 0 to MAX_DAYS.
        """
        _check(count, MAX_DAYS, "days")
        left = count or 1
        found = day if count else day - DAY
        while left:
            found += DAY
            left -= self.is_business_day(found)
        return found

    def days_between(self, start: date, end: date) -> int:
        """Return how many business days lie after `start` up to and with `end`; 0 if none do."""
        days = (end - start).days
        return sum(self.is_business_day(start + DAY * (number + 1)) for number in range(days))

    def time_after(self, at: datetime, hours: int) -> datetime:
        """Return when that many business hours have passed (UTC): closed time does not count.

        Raises InvalidInput outside 0 to MAX_DAYS business days.
        """
        left = timedelta(hours=hours)
        _check(hours, int(MAX_DAYS * self.day_length / timedelta(hours=1)), "hours")
        day = at.astimezone(self.zone).date()
        while True:
            opens, closes = self._hours_of(day)
            start = max(opens, at)
            if self.is_business_day(day) and start < closes:
                if left <= closes - start:
                    return start + left
                left -= closes - start
            day += DAY

    def time_between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much business time lies between the two; zero when `end` is not later."""
        day, last = (at.astimezone(self.zone).date() for at in (start, end))
        total = timedelta(0)
        while day <= last:
            if self.is_business_day(day):
                opens, closes = self._hours_of(day)
                total += max(min(closes, end) - max(opens, start), timedelta(0))
            day += DAY
        return total

    def end_of(self, day: date) -> datetime:
        """Return the closing time of the day (UTC), business day or not."""
        return self._hours_of(day)[1]

    def _hours_of(self, day: date) -> tuple[datetime, datetime]:
        opens, closes = (
            datetime.combine(day, moment, self.zone).astimezone(UTC)
            for moment in (self.open_at, self.close_at)
        )
        return opens, closes


def is_exchange_day(day: date) -> bool:
    """Return whether the firm's exchange trades that day; beyond its calendar, whether it is no
    weekend.
    """
    if not FIRST_DAY <= day <= LAST_DAY:
        return day.weekday() < 5
    return day in _sessions()


@lru_cache
def _sessions() -> frozenset[date]:
    # Imported late: it brings pandas along, and most processes never ask.
    library = import_module("exchange_calendars")
    calendar = library.get_calendar(EXCHANGE, start=FIRST_DAY.isoformat(), end=LAST_DAY.isoformat())
    return frozenset(label.date() for label in calendar.sessions)


def _check(count: int, limit: int, field: str) -> None:
    if not 0 <= count <= limit:
        raise InvalidInput(f"From 0 to {limit} {field}.", field=field)


FIRM = BusinessCalendar(ZoneInfo("America/New_York"), time(9), time(17), is_exchange_day)
