"""What happened in the officers' queue.  References only: nothing here names a person."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class WorkAssigned(DomainEvent):
    """In the stream of what is worked on; nobody is None."""

    name: ClassVar[str] = "compliance.work.assigned"
    kind: str
    subject_id: str
    assignee_id: str | None


@dataclass(frozen=True, kw_only=True)
class WorkEscalated(DomainEvent):
    """An officer handed it to the supervisors; why stands with the item."""

    name: ClassVar[str] = "compliance.work.escalated"
    kind: str
    subject_id: str


@dataclass(frozen=True, kw_only=True)
class WorkExported(DomainEvent):
    name: ClassVar[str] = "compliance.work.exported"
    query: str
    count: int


@dataclass(frozen=True, kw_only=True)
class SavedViewChanged(DomainEvent):
    """An officer kept, shared or dropped a filter of the queue (`change`)."""

    name: ClassVar[str] = "compliance.work.view_changed"
    view_id: str
    change: str
