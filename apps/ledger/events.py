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
