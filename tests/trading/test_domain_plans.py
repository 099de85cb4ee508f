"""When a plan is due after its day was changed."""

from datetime import date

import pytest

from apps.trading.domain.plans import Frequency, Schedule


@pytest.mark.parametrize(
    ("frequency", "day", "today", "last", "due"),
    [
        (Frequency.MONTHLY, 20, date(2026, 3, 5), date(2026, 3, 1), date(2026, 4, 20)),
        (Frequency.MONTHLY, 20, date(2026, 3, 5), date(2026, 2, 1), date(2026, 3, 20)),
        (Frequency.MONTHLY, 20, date(2026, 3, 5), None, date(2026, 3, 20)),
        (Frequency.MONTHLY, 20, date(2026, 12, 5), date(2026, 12, 1), date(2027, 1, 20)),
        # 2026-03-04 is a Wednesday.
        (Frequency.WEEKLY, 5, date(2026, 3, 4), date(2026, 3, 3), date(2026, 3, 13)),
        (Frequency.WEEKLY, 5, date(2026, 3, 4), date(2026, 2, 24), date(2026, 3, 6)),
    ],
    ids=["same-month", "month-before", "never-yet", "over-the-year", "same-week", "week-before"],
)
def test_plan_with_another_day_is_due_once_in_a_period(
    frequency: Frequency, day: int, today: date, last: date | None, due: date
) -> None:
    schedule = Schedule(frequency=frequency, day=day, start=date(2026, 1, 1))

    assert schedule.next_due(today, last) == due


def test_plan_that_ends_before_the_next_period_is_not_due_again() -> None:
    schedule = Schedule(
        frequency=Frequency.MONTHLY, day=20, start=date(2026, 1, 1), end=date(2026, 3, 31)
    )

    assert schedule.next_due(date(2026, 3, 5), date(2026, 3, 1)) is None
