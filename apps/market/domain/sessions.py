"""When exchanges are open, by their published calendars."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib import import_module
from typing import Any

from apps.core.domain.dates import DateRange
from apps.core.errors import NotFound

# ISO 10383 market identifier codes of the exchanges whose instruments we hold.
CALENDARS = {"XNYS": "XNYS", "XNAS": "XNAS"}


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day: its date, opening and closing time (UTC), and whether it closes early."""

    date: date
    open_at: datetime
    close_at: datetime
    is_half_day: bool


@lru_cache
def _calendar(exchange: str) -> Any:
    if exchange not in CALENDARS:
        raise NotFound("No calendar of this exchange is known.", field="exchange")
    # Imported late: it brings pandas along, and most processes never ask.
    library = import_module("exchange_calendars")
    return library.get_calendar(CALENDARS[exchange], start="1990-01-02")


def sessions(exchange: str, days: DateRange) -> list[Session]:
    """Return the exchange's sessions in the range, oldest first.

    The range is cut to the years that the calendar knows.  Raises NotFound for an exchange without
    a calendar.
    """
    calendar = _calendar(exchange)
    start = max(days.start, calendar.first_session.date())
    end = min(days.end, calendar.last_session.date())
    if end < start:
        return []
    early = set(calendar.early_closes)
    return [
        Session(
            date=label.date(),
            open_at=calendar.session_open(label).to_pydatetime(),
            close_at=calendar.session_close(label).to_pydatetime(),
            is_half_day=label in early,
        )
        for label in calendar.sessions_in_range(start.isoformat(), end.isoformat())
    ]


def _around(exchange: str, at: datetime) -> list[Session]:
    """Return the sessions from the day before to twelve days later: no closure lasts longer."""
    day = at.date()
    return sessions(exchange, DateRange(day - timedelta(days=1), day + timedelta(days=12)))


def is_open(exchange: str, at: datetime) -> bool:
    """Return whether the exchange is in its regular session at that moment.

    Closed, as far as one can know, outside the calendar's years.  Raises NotFound for an exchange
    without a calendar.
    """
    return any(session.open_at <= at < session.close_at for session in _around(exchange, at))


def next_open(exchange: str, at: datetime) -> datetime | None:
    """Return when the exchange opens next after that moment (UTC); None beyond the calendar."""
    return next((row.open_at for row in _around(exchange, at) if row.open_at > at), None)


def next_close(exchange: str, at: datetime) -> datetime | None:
    """Return when the exchange closes next after that moment (UTC); None beyond the calendar."""
    return next((row.close_at for row in _around(exchange, at) if row.close_at > at), None)
