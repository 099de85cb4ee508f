"""What happened around targets, rebalancing and investment plans."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class TargetSet(DomainEvent):
    """The portfolio has another version of target weights."""

    name: ClassVar[str] = "trading.target.set"

    portfolio_id: str
    client_id: str
    number: int


@dataclass(frozen=True, kw_only=True)
class BatchConfirmed(DomainEvent):
    """Orders are placed together: the client confirmed them, or a plan of the client's is due."""

    name: ClassVar[str] = "trading.batch.confirmed"

    batch_id: str
    portfolio_id: str
    client_id: str
    kind: str
    orders: int


@dataclass(frozen=True, kw_only=True)
class PlanChanged(DomainEvent):
    """A plan was CREATED, CHANGED, PAUSED, RESUMED or ENDED."""

    name: ClassVar[str] = "trading.plan.changed"

    plan_id: str
    portfolio_id: str
    client_id: str
    change: str
    amount: str
    currency: str


@dataclass(frozen=True, kw_only=True)
class PlanRunEnded(DomainEvent):
    """A due run of a plan is DONE (with a code where orders were refused) or FAILED (why)."""

    name: ClassVar[str] = "trading.plan.run_ended"

    plan_id: str
    run_id: str
    portfolio_id: str
    client_id: str
    due_date: str
    status: str
    code: str
