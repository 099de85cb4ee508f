"""What happens to a KYC record between its decisions."""

from dataclasses import dataclass
from typing import ClassVar

from apps.compliance.events import KycEvent


@dataclass(frozen=True, kw_only=True)
class InformationRequested(KycEvent):
    """The client is to answer `items` (kind and subject); `due_dates` are in the same order."""

    name: ClassVar[str] = "compliance.information.requested"
    items: list[str]
    due_dates: list[str]


@dataclass(frozen=True, kw_only=True)
class InformationAnswered(KycEvent):
    name: ClassVar[str] = "compliance.information.answered"
    item_id: str
    item: str


@dataclass(frozen=True, kw_only=True)
class InformationWaived(KycEvent):
    """An officer does not need it any more."""

    name: ClassVar[str] = "compliance.information.waived"
    item_id: str
    item: str


@dataclass(frozen=True, kw_only=True)
class InformationReminded(KycEvent):
    """What the client has not answered yet is due soon, or today."""

    name: ClassVar[str] = "compliance.information.reminded"
    items: list[str]
    due_dates: list[str]


@dataclass(frozen=True, kw_only=True)
class KycReviewOpened(KycEvent):
    """A client is looked at again, or one more reason for that came up."""

    name: ClassVar[str] = "compliance.review.opened"
    review_id: str
    reasons: list[str]
    due_date: str


@dataclass(frozen=True, kw_only=True)
class KycReviewEnded(KycEvent):
    name: ClassVar[str] = "compliance.review.ended"
    review_id: str
    outcome: str


@dataclass(frozen=True, kw_only=True)
class DocumentExpiring(KycEvent):
    """The last valid identity document expires soon, or has."""

    name: ClassVar[str] = "compliance.document.expiring"
    expiry_date: str
    has_expired: bool


@dataclass(frozen=True, kw_only=True)
class RatingOverrideChanged(KycEvent):
    """`status` says what became of it; `end_reason` is REVIEW, OUTGROWN or REPLACED."""

    name: ClassVar[str] = "compliance.override.changed"
    override_id: str
    computed_rating: str
    rating: str
    reason_code: str
    status: str
    end_reason: str


@dataclass(frozen=True, kw_only=True)
class MatchWithdrawalChanged(KycEvent):
    """A true match shall be, was or was not taken back, as `status` says."""

    name: ClassVar[str] = "compliance.match_withdrawal.changed"
    hit_id: str
    withdrawal_id: str
    reason_code: str
    status: str


@dataclass(frozen=True, kw_only=True)
class DueDiligenceDone(KycEvent):
    """An officer wrote down what was found out on one item; the words are not here."""

    name: ClassVar[str] = "compliance.diligence.done"
    item: str
    evidence_version: int
