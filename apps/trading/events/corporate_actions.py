"""What happened around corporate actions."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class CorporateActionProposed(DomainEvent):
    """`terms` are the amounts, dates and symbols that its kind has, by name."""

    name: ClassVar[str] = "trading.corporate_action.proposed"

    action_id: str
    kind: str
    symbol: str
    currency: str
    ex_date: str
    terms: dict[str, str]
    source: str


@dataclass(frozen=True, kw_only=True)
class CorporateActionConfirmed(DomainEvent):
    """A second person agreed: it is applied to every holder when it is due."""

    name: ClassVar[str] = "trading.corporate_action.confirmed"

    action_id: str


@dataclass(frozen=True, kw_only=True)
class CorporateActionRejected(DomainEvent):
    name: ClassVar[str] = "trading.corporate_action.rejected"

    action_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CorporateActionReversalProposed(DomainEvent):
    name: ClassVar[str] = "trading.corporate_action.reversal_proposed"

    action_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CorporateActionReversalConfirmed(DomainEvent):
    name: ClassVar[str] = "trading.corporate_action.reversal_confirmed"

    action_id: str


@dataclass(frozen=True, kw_only=True)
class CorporateActionApplied(DomainEvent):
    """What it did to one portfolio; `net` is the cash after tax, in `currency`."""

    name: ClassVar[str] = "trading.corporate_action.applied"

    action_id: str
    portfolio_id: str
    client_id: str
    kind: str
    symbol: str
    units: str
    units_after: str
    net: str
    currency: str


@dataclass(frozen=True, kw_only=True)
class CorporateActionReversed(DomainEvent):
    """What it had done to one portfolio was taken back."""

    name: ClassVar[str] = "trading.corporate_action.reversed"

    action_id: str
    portfolio_id: str
    client_id: str
    kind: str
    symbol: str
