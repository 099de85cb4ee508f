"""What happened in compliance.  References and codes only: nothing here names a person."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class AlertEvent(DomainEvent):
    """What every event of an alert carries."""

    name: ClassVar[str] = "compliance.alert.any"

    alert_id: str
    client_id: str
    kind: str
    scenario_code: str


@dataclass(frozen=True, kw_only=True)
class AlertRaised(AlertEvent):
    name: ClassVar[str] = "compliance.alert.raised"

    scenario_version: int
    score: str
    references: list[str]


@dataclass(frozen=True, kw_only=True)
class AlertEvidenceAdded(AlertEvent):
    name: ClassVar[str] = "compliance.alert.evidence_added"

    score: str
    references: list[str]
    proposal_withdrawn: bool


@dataclass(frozen=True, kw_only=True)
class AlertProposed(AlertEvent):
    name: ClassVar[str] = "compliance.alert.proposed"

    disposition: str
    reason_code: str
    note_id: int


@dataclass(frozen=True, kw_only=True)
class AlertProposalRejected(AlertEvent):
    name: ClassVar[str] = "compliance.alert.proposal_rejected"

    disposition: str
    proposed_by: str
    note_id: int


@dataclass(frozen=True, kw_only=True)
class AlertDecided(AlertEvent):
    """Two officers closed the alert; `references` are those of its evidence."""

    name: ClassVar[str] = "compliance.alert.decided"

    disposition: str
    reason_code: str
    proposed_by: str
    confirmed_by: str
    references: list[str]


@dataclass(frozen=True, kw_only=True)
class AlertAssigned(AlertEvent):
    name: ClassVar[str] = "compliance.alert.assigned"

    assignee_id: str | None


@dataclass(frozen=True, kw_only=True)
class AlertNoted(AlertEvent):
    name: ClassVar[str] = "compliance.alert.noted"

    note_id: int


@dataclass(frozen=True, kw_only=True)
class AlertViewed(AlertEvent):
    name: ClassVar[str] = "compliance.alert.viewed"


@dataclass(frozen=True, kw_only=True)
class AlertExported(DomainEvent):
    name: ClassVar[str] = "compliance.alert.exported"

    alert_ids: list[str]
