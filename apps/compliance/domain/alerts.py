"""What an alert may become, and for which reasons."""

from enum import StrEnum

from apps.core.errors import IllegalTransition, InvalidInput, Refused


class AlertStatus(StrEnum):
    OPEN = "OPEN"
    PROPOSED = "PROPOSED"
    CLOSED = "CLOSED"


class AlertKind(StrEnum):
    SCREENING = "SCREENING"
    MONITORING = "MONITORING"


class AlertTrigger(StrEnum):
    PROPOSE = "PROPOSE"
    CONFIRM = "CONFIRM"
    REJECT_PROPOSAL = "REJECT_PROPOSAL"
    ADD_EVIDENCE = "ADD_EVIDENCE"


# Every pair that is not here is refused.  New evidence withdraws a proposal: it was made without.
TRANSITIONS: dict[tuple[AlertStatus, AlertTrigger], AlertStatus] = {
    (AlertStatus.OPEN, AlertTrigger.PROPOSE): AlertStatus.PROPOSED,
    (AlertStatus.OPEN, AlertTrigger.ADD_EVIDENCE): AlertStatus.OPEN,
    (AlertStatus.PROPOSED, AlertTrigger.CONFIRM): AlertStatus.CLOSED,
    (AlertStatus.PROPOSED, AlertTrigger.REJECT_PROPOSAL): AlertStatus.OPEN,
    (AlertStatus.PROPOSED, AlertTrigger.ADD_EVIDENCE): AlertStatus.OPEN,
}

# The officers said on the KYC record what each hit is; the alert adds nothing to that.
HITS_DECIDED = "HITS_DECIDED"
# The dispositions of each kind, and the reason codes that each one takes.
REASONS: dict[AlertKind, dict[str, tuple[str, ...]]] = {
    AlertKind.SCREENING: {
        "TRUE_MATCH": (
            *("IDENTIFIERS_MATCH", "NAME_AND_BIRTH_DATE_MATCH", "CLIENT_CONFIRMED", HITS_DECIDED),
        ),
        "FALSE_POSITIVE": (
            *("DIFFERENT_BIRTH_DATE", "DIFFERENT_COUNTRY", "DIFFERENT_IDENTIFIER"),
            *("DIFFERENT_ENTITY_TYPE", "NAME_ONLY", HITS_DECIDED),
        ),
        "INCONCLUSIVE": ("INSUFFICIENT_DATA", "INFORMATION_REQUESTED", HITS_DECIDED),
    },
    AlertKind.MONITORING: {
        "SUSPICIOUS": (
            *("PATTERN_UNEXPLAINED", "SOURCE_OF_FUNDS_UNCLEAR", "INCONSISTENT_WITH_PROFILE"),
        ),
        "NOT_SUSPICIOUS": (
            *("CONSISTENT_WITH_PROFILE", "EXPLAINED_BY_DOCUMENTS", "ONE_OFF", "DATA_ERROR"),
        ),
    },
}
# What says that there was something in it.
CONFIRMED = ("TRUE_MATCH", "SUSPICIOUS")
MAX_NOTE = 4000


def next_status(status: str, trigger: AlertTrigger) -> AlertStatus:
    """Return the state after the trigger; raises IllegalTransition for a pair not in the table."""
    target = TRANSITIONS.get((AlertStatus(status), trigger))
    if target is None:
        raise IllegalTransition(
            f"An alert that is {status} cannot take {trigger}.", state=status, trigger=trigger
        )
    return target


def check_disposition(kind: str, disposition: str, reason_code: str) -> None:
    """Raise Refused unless the kind takes the disposition and that takes the reason."""
    reasons = REASONS[AlertKind(kind)].get(disposition)
    if reasons is None:
        raise Refused(
            "This alert does not take that disposition.",
            code="unfit_disposition",
            field="disposition",
        )
    if reason_code not in reasons:
        raise Refused(
            "That reason does not fit the disposition.", code="unfit_reason", field="reason_code"
        )


def note_text(note: str) -> str:
    """Return what the officer wrote, trimmed; raises InvalidInput unless it has 1 to MAX_NOTE."""
    text = note.strip()
    if not text or len(text) > MAX_NOTE or "\x00" in text:
        raise InvalidInput(f"A note of 1 to {MAX_NOTE} characters is needed.", field="note")
    return text
