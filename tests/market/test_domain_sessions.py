"""When exchanges are open: summer time, early closes, breaks and holidays of several of them."""

from datetime import UTC, date, datetime

import pytest

from apps.core.domain.dates import DateRange
from apps.core.errors import NotFound
from apps.market.domain.sessions import is_open, next_close, next_open, sessions


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("exchange", "day", "opens", "closes", "is_half_day"),
    [
        ("XNYS", "2026-03-06", "14:30", "21:00", False),
        ("XNAS", "2026-03-09", "13:30", "20:00", False),
        ("XNYS", "2024-02-29", "14:30", "21:00", False),
        ("XNYS", "2026-11-27", "14:30", "18:00", True),
        ("XLON", "2026-03-27", "08:00", "16:30", False),
        ("XLON", "2026-03-30", "07:00", "15:30", False),
        ("XLON", "2026-12-24", "08:00", "12:30", True),
    ],
    ids=[
        "winter",
        "us-summer-time",
        "leap-day",
        "after-thanksgiving",
        "london-winter",
        "london-summer",
        "christmas-eve",
    ],
)
def test_session_follows_the_exchanges_clock(
    exchange: str, day: str, opens: str, closes: str, is_half_day: bool
) -> None:
    (session,) = sessions(exchange, DateRange(date.fromisoformat(day), date.fromisoformat(day)))

    assert (session.open_at, session.close_at) == (utc(f"{day} {opens}"), utc(f"{day} {closes}"))
    assert session.is_half_day is is_half_day
    assert session.break_at is None
    assert not is_open(exchange, session.close_at)


@pytest.mark.filterwarnings("ignore:DatetimeIndex.weekday is deprecated")
def test_exchange_with_a_break_at_noon_is_closed_meanwhile_and_its_session_goes_on() -> None:
    noon = utc("2026-02-12 04:30")

    assert is_open("XHKG", utc("2026-02-12 03:59"))
    assert not is_open("XHKG", noon)
    assert is_open("XHKG", utc("2026-02-12 05:00"))
    assert next_open("XHKG", noon) == utc("2026-02-12 05:00")
    assert next_close("XHKG", noon) == utc("2026-02-12 08:00")
    # New Year's Eve has a morning only, then the holidays follow.
    assert next_close("XHKG", utc("2026-02-16 01:00")) == utc("2026-02-16 04:00")
    assert next_open("XHKG", utc("2026-02-16 04:00")) == utc("2026-02-20 01:30")


def test_session_that_opens_on_the_day_before_in_utc_is_found() -> None:
    assert is_open("XASX", utc("2026-01-14 23:30"))
    assert next_close("XASX", utc("2026-01-14 23:30")) == utc("2026-01-15 05:00")


def test_longest_closure_of_tokyo_is_looked_beyond() -> None:
    assert next_open("XTKS", utc("2019-04-26 06:00")) == utc("2019-05-07 00:00")


def test_exchange_without_a_calendar_is_not_found() -> None:
    with pytest.raises(NotFound):
        is_open("ZZZZ", utc("2026-01-14 12:00"))
