"""What happened around lots that come from another broker."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class ImportFacts:
    """What every event of an import says."""

    import_id: str
    portfolio_id: str
    client_id: str
    lots: int


@dataclass(frozen=True, kw_only=True)
class ImportRequested(DomainEvent, ImportFacts):
    """Lots were named for a live portfolio; they count once operations have them."""

    name: ClassVar[str] = "trading.import.requested"


@dataclass(frozen=True, kw_only=True)
class ImportApplied(DomainEvent, ImportFacts):
    """The lots are in the portfolio, worth `value` in `currency` when they came."""

    name: ClassVar[str] = "trading.import.applied"

    entry_id: str
    value: str
    currency: str


@dataclass(frozen=True, kw_only=True)
class ImportDeclined(DomainEvent, ImportFacts):
    """Operations did not receive these lots."""

    name: ClassVar[str] = "trading.import.declined"

    reason: str
