"""What waits for an officer: kinds of work, how urgent each is, and how long it may take."""

from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from apps.compliance.domain.alerts import AlertKind
from apps.compliance.domain.business_calendar import FIRM
from apps.compliance.domain.kyc import RiskRating


class WorkKind(StrEnum):
    KYC = "KYC"
    HIT = "HIT"
    ALERT = "ALERT"
    CASE = "CASE"
    THRESHOLD = "THRESHOLD"
    OWN_LIST = "OWN_LIST"
    IMPORT = "IMPORT"
    LIMIT = "LIMIT"
    PAYMENT = "PAYMENT"
    OVERRIDE = "OVERRIDE"
    DILIGENCE = "DILIGENCE"
    MATCH = "MATCH"


class Priority(IntEnum):
    """The lower comes first."""

    URGENT = 1
    HIGH = 2
    NORMAL = 3


KIND_WORDS = {
    WorkKind.KYC: "KYC record",
    WorkKind.HIT: "Screening hit",
    WorkKind.ALERT: "Alert",
    WorkKind.CASE: "Case",
    WorkKind.THRESHOLD: "Screening threshold",
    WorkKind.OWN_LIST: "Own list",
    WorkKind.IMPORT: "List that shrank",
    WorkKind.LIMIT: "Trading limit",
    WorkKind.PAYMENT: "Blocked payment",
    WorkKind.OVERRIDE: "Rating override",
    WorkKind.DILIGENCE: "Due diligence",
    WorkKind.MATCH: "Match taken back",
}
# Who may work on a kind; for what waits for a second officer, who may be that officer.
DECIDE: dict[str, str] = {
    WorkKind.KYC: "compliance.decide_kycrecord",
    WorkKind.HIT: "compliance.decide_kycrecord",
    WorkKind.ALERT: "compliance.decide_alert",
    WorkKind.CASE: "compliance.decide_alert",
    WorkKind.THRESHOLD: "compliance.change_screeningthreshold",
    WorkKind.OWN_LIST: "compliance.propose_watchlist",
    WorkKind.IMPORT: "compliance.propose_watchlist",
    WorkKind.LIMIT: "trading.decide_tradinglimit",
    WorkKind.PAYMENT: "compliance.decide_alert",
    WorkKind.OVERRIDE: "compliance.decide_kycrecord",
    WorkKind.DILIGENCE: "compliance.approve_duediligence",
    WorkKind.MATCH: "compliance.decide_kycrecord",
}
BY_RISK: dict[str, Priority] = {
    RiskRating.PROHIBITED: Priority.URGENT,
    RiskRating.HIGH: Priority.HIGH,
    RiskRating.MEDIUM: Priority.NORMAL,
    RiskRating.LOW: Priority.NORMAL,
}
# Business hours until it shall be decided, by priority; a business day has eight.
SLA_HOURS: dict[WorkKind, dict[Priority, int]] = {
    WorkKind.KYC: {Priority.URGENT: 8, Priority.HIGH: 16, Priority.NORMAL: 16},
    WorkKind.HIT: {Priority.URGENT: 4, Priority.HIGH: 8, Priority.NORMAL: 8},
    WorkKind.ALERT: {Priority.URGENT: 4, Priority.HIGH: 8, Priority.NORMAL: 24},
    WorkKind.CASE: {Priority.URGENT: 24, Priority.HIGH: 40, Priority.NORMAL: 80},
    WorkKind.THRESHOLD: {Priority.NORMAL: 16},
    WorkKind.OWN_LIST: {Priority.HIGH: 8},
    WorkKind.IMPORT: {Priority.HIGH: 8},
    WorkKind.LIMIT: {Priority.HIGH: 8},
    WorkKind.PAYMENT: {Priority.HIGH: 8},
    WorkKind.OVERRIDE: {Priority.HIGH: 8},
    WorkKind.DILIGENCE: {Priority.HIGH: 16},
    WorkKind.MATCH: {Priority.HIGH: 8},
}
# How long something has waited: code, words, from, to.
AGES = (
    ("fresh", "under 4 h", timedelta(0), timedelta(hours=4)),
    ("day", "4 to 24 h", timedelta(hours=4), timedelta(hours=24)),
    ("days", "1 to 3 days", timedelta(hours=24), timedelta(hours=72)),
    ("old", "over 3 days", timedelta(hours=72), timedelta(days=36500)),
)
# Business hours before its time at which something is due soon.
SOON_HOURS = 2
# An open page prolongs its lock once a minute; one that was left frees it after this.
LOCK_DURATION = timedelta(minutes=5)


def alert_priority(kind: str, risk: str) -> Priority:
    """Return how urgent an alert is: by the client's rating, a listed name never as the rest."""
    least = Priority.HIGH if kind == AlertKind.SCREENING else Priority.NORMAL
    return min(BY_RISK.get(risk, Priority.NORMAL), least)


def due_at(kind: WorkKind, priority: Priority, opened_at: datetime) -> datetime:
    """Return by when work of that kind and priority shall be decided."""
    return FIRM.time_after(opened_at, SLA_HOURS[kind][priority])


def soon_at(at: datetime) -> datetime:
    """Return until when something that is not late at `at` counts as due soon."""
    return FIRM.time_after(at, SOON_HOURS)
