"""What happened in the market's own tables; prices themselves are facts of others, not events."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class InstrumentListed(DomainEvent):
    name: ClassVar[str] = "market.instrument.listed"

    symbol: str
    exchange: str
    asset_class: str
    currency: str


@dataclass(frozen=True, kw_only=True)
class InstrumentHalted(DomainEvent):
    name: ClassVar[str] = "market.instrument.halted"

    symbol: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class InstrumentResumed(DomainEvent):
    name: ClassVar[str] = "market.instrument.resumed"

    symbol: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class InstrumentRestricted(DomainEvent):
    name: ClassVar[str] = "market.instrument.restricted"

    symbol: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class InstrumentReleased(DomainEvent):
    """The instrument left the firm's restricted list."""

    name: ClassVar[str] = "market.instrument.released"

    symbol: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class BarsLoaded(DomainEvent):
    """`sha256` is the data's version; `changed` counts the rows that were new or different."""

    name: ClassVar[str] = "market.bars.loaded"

    source: str
    file: str
    sha256: str
    rows: int
    changed: int


@dataclass(frozen=True, kw_only=True)
class ReferenceRatesLoaded(DomainEvent):
    """`sha256` is the file's version; `changed` counts the rates that were new or different."""

    name: ClassVar[str] = "market.reference_rates.loaded"

    source: str
    sha256: str
    newest_date: str
    rates: int
    changed: int


@dataclass(frozen=True, kw_only=True)
class InstrumentDelisted(DomainEvent):
    """It trades no more; `new_symbol` is what its units go on as, where they do."""

    name: ClassVar[str] = "market.instrument.delisted"

    symbol: str
    new_symbol: str
