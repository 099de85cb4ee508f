"""DateRange: a closed interval of days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from apps.core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class DateRange:
    """From `start` to `end`, both included."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise InvalidInput("The range ends before it starts.", field="end")

    def __contains__(self, day: date) -> bool:
        return self.start <= day <= self.end

    def __iter__(self) -> Iterator[date]:
        for offset in range((self.end - self.start).days + 1):
            yield self.start + timedelta(days=offset)
