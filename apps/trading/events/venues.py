"""What happened between us and a live venue."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class VenueBound(DomainEvent):
    """From now on live orders go to this account at the venue and to no other."""

    name: ClassVar[str] = "trading.venue.bound"

    venue: str
    account_id: str
    environment: str


@dataclass(frozen=True, kw_only=True)
class VenueFillHeldBack(DomainEvent):
    """The venue reports a trade that cannot be booked as it is; `problem` is a code."""

    name: ClassVar[str] = "trading.venue.fill_held_back"

    venue: str
    execution_id: str
    symbol: str
    side: str
    quantity: str
    price: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class VenueDifferenceChanged(DomainEvent):
    """A venue's account and our ledger differ (OPEN), agree again (CLEARED), or operations say why
    they differ by exactly these figures (EXPLAINED, with a reason).
    """

    name: ClassVar[str] = "trading.venue.difference_changed"

    difference_id: str
    venue: str
    kind: str
    asset: str
    ours: str
    theirs: str
    status: str
    reason: str
