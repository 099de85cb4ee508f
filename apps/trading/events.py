"""What happened in trading."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class PortfolioOpened(DomainEvent):
    name: ClassVar[str] = "trading.portfolio.opened"

    portfolio_id: str
    client_id: str
    currency: str
    mode: str


@dataclass(frozen=True, kw_only=True)
class CashTransferRequested(DomainEvent):
    """The client asked for a deposit or a withdrawal; no money moved yet."""

    name: ClassVar[str] = "trading.cash.requested"

    portfolio_id: str
    client_id: str
    transfer_id: str
    kind: str
    amount: str
    currency: str


@dataclass(frozen=True, kw_only=True)
class CashDeposited(DomainEvent):
    """Money arrived from the client's bank and may be spent."""

    name: ClassVar[str] = "trading.cash.deposited"

    portfolio_id: str
    client_id: str
    amount: str
    currency: str
    transfer_id: str


@dataclass(frozen=True, kw_only=True)
class CashWithdrawn(DomainEvent):
    """Money left for the client's bank."""

    name: ClassVar[str] = "trading.cash.withdrawn"

    portfolio_id: str
    client_id: str
    amount: str
    currency: str
    transfer_id: str


@dataclass(frozen=True, kw_only=True)
class CashTransferFailed(DomainEvent):
    """The bank refused; what was held for it is free again."""

    name: ClassVar[str] = "trading.cash.failed"

    portfolio_id: str
    client_id: str
    transfer_id: str
    kind: str
    code: str
