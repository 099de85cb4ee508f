"""What the firm's officers and its checks did: refusals, limits, restrictions, cancel runs."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class OrderRefused(DomainEvent):
    """A check (`code`) stopped an order or a replacement.  `checks` as in OrderAccepted."""

    name: ClassVar[str] = "trading.order.refused"

    portfolio_id: str
    client_id: str
    symbol: str
    side: str
    order_type: str
    time_in_force: str
    quantity: str | None
    notional: str | None
    limit_price: str | None
    stop_price: str | None
    code: str
    checks: list[list[str]]


@dataclass(frozen=True, kw_only=True)
class CancelRunStarted(DomainEvent):
    """The firm asked for every resting order to be canceled."""

    name: ClassVar[str] = "trading.cancel_run.started"

    run_id: str
    orders: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class CancelRunFinished(DomainEvent):
    name: ClassVar[str] = "trading.cancel_run.finished"

    run_id: str


@dataclass(frozen=True, kw_only=True)
class LimitFacts:
    """What every event of a limit says; `value` None lifts it, `subject_id` is "" for the firm."""

    limit_id: str
    scope: str
    subject_id: str
    kind: str
    value: str | None


@dataclass(frozen=True, kw_only=True)
class LimitProposed(DomainEvent, LimitFacts):
    name: ClassVar[str] = "trading.limit.proposed"

    based_on: int
    owner: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class LimitConfirmed(DomainEvent, LimitFacts):
    """A second officer put the limit in force."""

    name: ClassVar[str] = "trading.limit.confirmed"

    version: int
    effective_from: str
    effective_to: str | None


@dataclass(frozen=True, kw_only=True)
class LimitDeclined(DomainEvent, LimitFacts):
    name: ClassVar[str] = "trading.limit.declined"


@dataclass(frozen=True, kw_only=True)
class RestrictionAdded(DomainEvent):
    """The symbol may not be traded, by one client or (`client_id` None) by anybody."""

    name: ClassVar[str] = "trading.restriction.added"

    restriction_id: str
    symbol: str
    client_id: str | None
    starts_at: str
    ends_at: str | None


@dataclass(frozen=True, kw_only=True)
class RestrictionLifted(DomainEvent):
    name: ClassVar[str] = "trading.restriction.lifted"

    restriction_id: str
    symbol: str
    client_id: str | None
