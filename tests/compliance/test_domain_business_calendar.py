"""Deadlines by business days and hours: weekends, holidays, changes of the clock, bounds."""

from datetime import UTC, date, datetime, timedelta

import pytest

from apps.compliance.domain.business_calendar import FIRM, is_exchange_day
from apps.core.errors import InvalidInput

FRIDAY = date(2026, 11, 20)
THANKSGIVING = date(2026, 11, 26)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_business_day_is_what_the_exchange_says() -> None:
    assert is_exchange_day(FRIDAY)
    assert not is_exchange_day(FRIDAY + timedelta(days=1))
    assert not is_exchange_day(THANKSGIVING)
    assert is_exchange_day(date(2060, 1, 2))
    assert not is_exchange_day(date(2060, 1, 3))


def test_days_after_step_over_weekends_and_holidays() -> None:
    assert FIRM.day_after(FRIDAY, 1) == date(2026, 11, 23)
    assert FIRM.day_after(date(2026, 11, 25), 1) == date(2026, 11, 27)
    assert FIRM.day_after(FRIDAY, 10) == date(2026, 12, 7)
    assert FIRM.day_after(THANKSGIVING, 0) == date(2026, 11, 27)
    assert FIRM.day_after(FRIDAY, 0) == FRIDAY


def test_days_between_are_those_after_the_first() -> None:
    assert FIRM.days_between(FRIDAY, date(2026, 12, 7)) == 10
    assert FIRM.days_between(FRIDAY, FRIDAY) == 0
    assert FIRM.days_between(FRIDAY, date(2026, 1, 1)) == 0


def test_hours_after_count_only_while_the_firm_is_open() -> None:
    # New York is five hours behind: the day is 14:00 to 22:00 UTC.
    assert FIRM.time_after(at(20, 20), 4) == at(23, 16)
    assert FIRM.time_after(at(21, 3), 8) == at(23, 22)
    assert FIRM.time_after(at(25, 21), 2) == at(27, 15)
    assert FIRM.time_after(at(23, 15, 30), 0) == at(23, 15, 30)
    assert FIRM.end_of(date(2026, 7, 1)) == datetime(2026, 7, 1, 21, tzinfo=UTC)


def test_time_between_is_the_inverse_of_hours_after() -> None:
    for start in (at(20, 20), at(21, 3), at(25, 21), at(26, 12)):
        for hours in (1, 4, 8, 23):
            end = FIRM.time_after(start, hours)
            assert FIRM.time_between(start, end) == timedelta(hours=hours)
    assert FIRM.time_between(at(23, 16), at(20, 16)) == timedelta(0)
    assert FIRM.time_between(at(21, 0), at(22, 23)) == timedelta(0)


@pytest.mark.parametrize("count", [-1, 1001])
def test_day_after_out_of_bounds_is_refused(count: int) -> None:
    with pytest.raises(InvalidInput):
        FIRM.day_after(FRIDAY, count)
    with pytest.raises(InvalidInput):
        FIRM.time_after(at(20, 20), count * 8)
