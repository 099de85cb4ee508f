"""What happened in the ledger."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class EntryPosted(DomainEvent):
    """An entry was posted; `legs` has [owner or null, kind, asset, amount] per account."""

    name: ClassVar[str] = "ledger.entry.posted"

    entry_id: str
    kind: str
    reference: str
    reverses_id: str | None
    digest: str
    legs: list[list[str | None]]


@dataclass(frozen=True, kw_only=True)
class ReversalProposed(DomainEvent):
    """An officer asked to reverse an entry."""

    name: ClassVar[str] = "ledger.reversal.proposed"

    entry_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ReversalDecided(DomainEvent):
    """A second officer decided; `outcome` is CONFIRMED or REJECTED."""

    name: ClassVar[str] = "ledger.reversal.decided"

    entry_id: str
    reversal_id: str | None
    outcome: str
