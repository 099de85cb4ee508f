"""What became of payments whose other side is not the client."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class PaymentScreened(DomainEvent):
    """The other side was compared with the lists; `status` is CLEAR or HELD."""

    name: ClassVar[str] = "compliance.payment.screened"
    transfer_id: str
    client_id: str
    status: str
    hit_count: int


@dataclass(frozen=True, kw_only=True)
class PaymentDecided(DomainEvent):
    """Two officers decided; `status` is RELEASED or BLOCKED."""

    name: ClassVar[str] = "compliance.payment.decided"
    transfer_id: str
    client_id: str
    status: str
    alert_id: str


@dataclass(frozen=True, kw_only=True)
class PaymentRescreened(DomainEvent):
    """A held payment was compared with newer lists; `status` is HELD, or DELISTED: it went on."""

    name: ClassVar[str] = "compliance.payment.rescreened"
    transfer_id: str
    client_id: str
    status: str
    list_versions: dict[str, int]
    hit_count: int
    new_hit_count: int


@dataclass(frozen=True, kw_only=True)
class PaymentViewed(DomainEvent):
    name: ClassVar[str] = "compliance.payment.viewed"
    transfer_id: str
    client_id: str


@dataclass(frozen=True, kw_only=True)
class PaymentExitChanged(DomainEvent):
    """How a blocked payment shall leave; `status` is PROPOSED, DONE or DECLINED."""

    name: ClassVar[str] = "compliance.payment.exit_changed"
    transfer_id: str
    client_id: str
    exit_id: str
    action: str
    licence: str
    status: str
