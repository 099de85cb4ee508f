"""When exchanges are open, by their published calendars."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib import import_module
from typing import Any

from apps.core.domain.dates import DateRange
from apps.core.errors import NotFound

# ISO 10383 market identifier codes of the exchanges whose instruments may be held; a calendar is
# megabytes, so not every one that the library knows.
EXCHANGES = frozenset(
    [
        "ARCX",
        "BATS",
        "XAMS",
        "XASX",
        "XBOM",
        "XBRU",
        "XCSE",
        "XDUB",
        "XETR",
        "XFRA",
        "XHEL",
        "XHKG",
        "XKRX",
        "XLIS",
        "XLON",
        "XMAD",
        "XMIL",
        "XNAS",
        "XNYS",
        "XOSL",
        "XPAR",
        "XSES",
        "XSHG",
        "XSTO",
        "XSWX",
        "XTKS",
        "XTSE",
        "XWBO",
    ]
)
FIRST_DAY = "1990-01-02"
# Where the library knows no earlier day.
LATER_FIRST_DAYS = {"XSHG": "1990-12-03", "XTKS": "1997-01-01", "XBOM": "1997-01-01"}


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day: its date, opening and closing time (UTC), and whether it closes early.

    From `break_at` to `resume_at` nothing trades, where the exchange pauses at noon.
    """

    date: date
    open_at: datetime
    close_at: datetime
    is_half_day: bool
    break_at: datetime | None = None
    resume_at: datetime | None = None

    def trades_at(self, at: datetime) -> bool:
        is_break = self.break_at and self.resume_at and self.break_at <= at < self.resume_at
        return self.open_at <= at < self.close_at and not is_break


@lru_cache
def _calendar(exchange: str) -> Any:
    if exchange not in EXCHANGES:
        raise NotFound("No calendar of this exchange is known.", field="exchange")
    # Imported late: it brings pandas along, and most processes never ask.
    library = import_module("exchange_calendars")
    return library.get_calendar(exchange, start=LATER_FIRST_DAYS.get(exchange, FIRST_DAY))


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
            **_break(calendar, label),
        )
        for label in calendar.sessions_in_range(start.isoformat(), end.isoformat())
    ]


def _break(calendar: Any, label: Any) -> dict[str, datetime]:
    if not calendar.session_has_break(label):
        return {}
    pause = calendar.session_break_start(label), calendar.session_break_end(label)
    return dict(zip(("break_at", "resume_at"), (at.to_pydatetime() for at in pause), strict=True))


def _around(exchange: str, at: datetime) -> list[Session]:
    """Return the sessions from the day before to twelve days later: no closure lasts longer."""
    day = at.date()
    return sessions(exchange, DateRange(day - timedelta(days=1), day + timedelta(days=12)))


def is_open(exchange: str, at: datetime) -> bool:
    """Return whether the exchange is in its regular session at that moment, not in its break.

    Closed, as far as one can know, outside the calendar's years.  Raises NotFound for an exchange
    without a calendar.
    """
    return any(session.trades_at(at) for session in _around(exchange, at))


def next_open(exchange: str, at: datetime) -> datetime | None:
    """Return when the exchange opens next after that moment, or resumes after its break (UTC).

    None beyond the calendar.
    """
    return next((opening for opening in _openings(exchange, at) if opening > at), None)


def _openings(exchange: str, at: datetime) -> Iterator[datetime]:
    for session in _around(exchange, at):
        yield session.open_at
        if session.resume_at is not None:
            yield session.resume_at


def next_close(exchange: str, at: datetime) -> datetime | None:
    """Return when the exchange's session ends next after that moment (UTC), a break aside.

    None beyond the calendar.
    """
    return next((row.close_at for row in _around(exchange, at) if row.close_at > at), None)
