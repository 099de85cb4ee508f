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
