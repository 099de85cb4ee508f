"""The life of a KYC record: one table of (state, trigger), and every other pair is refused."""

from enum import StrEnum

from apps.core.errors import IllegalTransition


class KycStatus(StrEnum):
    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    SCREENING = "SCREENING"
    IN_REVIEW = "IN_REVIEW"
    NEEDS_INFORMATION = "NEEDS_INFORMATION"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    UNDER_REVIEW = "UNDER_REVIEW"
    SUSPENDED = "SUSPENDED"
    EXPIRED = "EXPIRED"
    CLOSED = "CLOSED"


class KycTrigger(StrEnum):
    SUBMIT = "SUBMIT"
    SCREEN = "SCREEN"
    SCREENED = "SCREENED"
    REQUEST_INFORMATION = "REQUEST_INFORMATION"
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    REVIEW = "REVIEW"
    SUSPEND = "SUSPEND"
    EXPIRE = "EXPIRE"
    CLOSE = "CLOSE"


class RiskRating(StrEnum):
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    PROHIBITED = "PROHIBITED"


_S, _T = KycStatus, KycTrigger

TRANSITIONS: dict[tuple[KycStatus, KycTrigger], KycStatus] = {
    (_S.DRAFT, _T.SUBMIT): _S.SUBMITTED,
    (_S.DRAFT, _T.CLOSE): _S.CLOSED,
    (_S.SUBMITTED, _T.SCREEN): _S.SCREENING,
    (_S.SCREENING, _T.SCREENED): _S.IN_REVIEW,
    (_S.IN_REVIEW, _T.APPROVE): _S.APPROVED,
    (_S.IN_REVIEW, _T.REJECT): _S.REJECTED,
    (_S.IN_REVIEW, _T.REQUEST_INFORMATION): _S.NEEDS_INFORMATION,
    (_S.NEEDS_INFORMATION, _T.SUBMIT): _S.SUBMITTED,
    (_S.NEEDS_INFORMATION, _T.REJECT): _S.REJECTED,
    (_S.NEEDS_INFORMATION, _T.CLOSE): _S.CLOSED,
    (_S.APPROVED, _T.REVIEW): _S.UNDER_REVIEW,
    (_S.APPROVED, _T.SUSPEND): _S.SUSPENDED,
    (_S.APPROVED, _T.EXPIRE): _S.EXPIRED,
    (_S.APPROVED, _T.CLOSE): _S.CLOSED,
    (_S.UNDER_REVIEW, _T.APPROVE): _S.APPROVED,
    (_S.UNDER_REVIEW, _T.REJECT): _S.REJECTED,
    (_S.UNDER_REVIEW, _T.REQUEST_INFORMATION): _S.NEEDS_INFORMATION,
    (_S.UNDER_REVIEW, _T.SUSPEND): _S.SUSPENDED,
    (_S.UNDER_REVIEW, _T.EXPIRE): _S.EXPIRED,
    (_S.UNDER_REVIEW, _T.CLOSE): _S.CLOSED,
    (_S.SUSPENDED, _T.REVIEW): _S.UNDER_REVIEW,
    (_S.SUSPENDED, _T.REJECT): _S.REJECTED,
    (_S.SUSPENDED, _T.CLOSE): _S.CLOSED,
    (_S.EXPIRED, _T.SUBMIT): _S.SUBMITTED,
    (_S.EXPIRED, _T.CLOSE): _S.CLOSED,
    (_S.REJECTED, _T.CLOSE): _S.CLOSED,
}

# The client may change answers and documents only here.
EDITABLE = frozenset({_S.DRAFT, _S.NEEDS_INFORMATION, _S.EXPIRED})
# An officer may decide only here.
DECIDABLE = frozenset({_S.IN_REVIEW, _S.UNDER_REVIEW})
# Orders and withdrawals pass only here; a review does not stop a client who was approved.
CLEARED = frozenset({_S.APPROVED, _S.UNDER_REVIEW})
# A client of the firm tells what changed; an officer then looks at it again.
UPDATABLE = EDITABLE | CLEARED
# Who was approved once and is not now may still sell, so that nobody is shut in.
REDUCING = frozenset({_S.SUBMITTED, _S.SCREENING, _S.IN_REVIEW, _S.NEEDS_INFORMATION, _S.EXPIRED})
# A change of a list is compared with these clients; a submission is screened anyway.
RESCREENED = CLEARED | {_S.IN_REVIEW, _S.NEEDS_INFORMATION, _S.SUSPENDED, _S.EXPIRED}
FROZEN = frozenset({_S.SUSPENDED, _S.CLOSED})
# Documents of these kinds prove who somebody is.
IDENTITY_KINDS = ("PASSPORT", "IDENTITY_CARD", "DRIVING_LICENCE")
# What the client reads; it never hints at lists or alerts.
CLIENT_TEXTS = {
    _S.DRAFT: "Not handed in yet.",
    _S.SUBMITTED: "We have received your answers and are checking them.",
    _S.NEEDS_INFORMATION: "We need something more from you.",
    _S.APPROVED: "Your identity check is complete.",
    _S.REJECTED: "We cannot open an account for you.",
    _S.SUSPENDED: "Your account is paused. Please contact us.",
    _S.EXPIRED: "Your identity check is out of date. Please renew it.",
    _S.CLOSED: "Your account is closed.",
}
# The state as the client is told it: neither how the check goes on inside, nor that one goes on
# again, may be read from it.
CLIENT_STATUS = {
    _S.SCREENING: _S.SUBMITTED,
    _S.IN_REVIEW: _S.SUBMITTED,
    _S.UNDER_REVIEW: _S.APPROVED,
}
# Months until the periodic review, by rating.
REVIEW_MONTHS = {RiskRating.LOW: 36, RiskRating.MEDIUM: 24, RiskRating.HIGH: 12}


def client_status(status: str) -> KycStatus:
    """Return the state as the client is told it."""
    return CLIENT_STATUS.get(KycStatus(status), KycStatus(status))


def next_status(status: str, trigger: KycTrigger) -> KycStatus:
    """Return the state that the trigger leads to; raises IllegalTransition for any other pair."""
    reached = TRANSITIONS.get((KycStatus(status), trigger))
    if reached is None:
        raise IllegalTransition(
            f"A KYC record that is {status} cannot {trigger.replace('_', ' ').lower()}.",
            status=str(status),
            trigger=str(trigger),
        )
    return reached


# What officers decide; the other triggers are the client's, screening's or the clock's.
DECISIONS = frozenset(
    {_T.APPROVE, _T.REJECT, _T.REQUEST_INFORMATION, _T.REVIEW, _T.SUSPEND, _T.EXPIRE, _T.CLOSE}
)


def outcomes_open(status: str) -> set[str]:
    """Return what an officer may decide in that state, by the table."""
    return {
        trigger.value for state, trigger in TRANSITIONS if state == status and trigger in DECISIONS
    }
