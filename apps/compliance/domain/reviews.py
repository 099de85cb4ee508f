"""When a client is looked at again, why, and how long that may take."""

import calendar
from datetime import date
from enum import StrEnum

from apps.compliance.domain.kyc import REVIEW_MONTHS, RiskRating


class ReviewReason(StrEnum):
    PERIODIC = "PERIODIC"
    DOCUMENT_EXPIRED = "DOCUMENT_EXPIRED"
    CLIENT_CHANGE = "CLIENT_CHANGE"
    OWNERSHIP_CHANGE = "OWNERSHIP_CHANGE"
    NEW_HIT = "NEW_HIT"
    TRUE_MATCH_ELSEWHERE = "TRUE_MATCH_ELSEWHERE"
    ALERT_CONFIRMED = "ALERT_CONFIRMED"
    OFFICER = "OFFICER"


# A review that is not finished in so many business days (about three months) has lapsed.
LAPSE_DAYS = 60
# The client is reminded so many days before the last identity document expires.
DOCUMENT_REMIND_DAYS = (60, 30, 7)


def next_review(approved: date, rating: RiskRating) -> date:
    """Return the day of the periodic review: 36, 24 or 12 months on, by the rating.

    The last day of the month where the month has no such day.
    """
    months = approved.month - 1 + REVIEW_MONTHS[rating]
    year, month = approved.year + months // 12, months % 12 + 1
    return date(year, month, min(approved.day, calendar.monthrange(year, month)[1]))
