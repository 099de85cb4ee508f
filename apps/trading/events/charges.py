"""What happened around custody fees and interest on cash."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class ChargeRateFacts:
    """What every event of a rate says; `portfolio_id` is "" for every portfolio's rate.

    `rate_bps` is in basis points a year; None ends the rate.
    """

    rate_id: str
    kind: str
    currency: str
    portfolio_id: str
    rate_bps: str | None


@dataclass(frozen=True, kw_only=True)
class ChargeRateProposed(DomainEvent, ChargeRateFacts):
    name: ClassVar[str] = "trading.charge_rate.proposed"

    based_on: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class ChargeRateConfirmed(DomainEvent, ChargeRateFacts):
    name: ClassVar[str] = "trading.charge_rate.confirmed"

    version: int
    effective_on: str


@dataclass(frozen=True, kw_only=True)
class ChargeRateDeclined(DomainEvent, ChargeRateFacts):
    name: ClassVar[str] = "trading.charge_rate.declined"


@dataclass(frozen=True, kw_only=True)
class ChargeFacts:
    """What every event of a month's charge says; `month` is its first day."""

    charge_id: str
    portfolio_id: str
    client_id: str
    kind: str
    month: str
    amount: str
    currency: str


@dataclass(frozen=True, kw_only=True)
class ChargeBooked(DomainEvent, ChargeFacts):
    """The fee was taken, or the interest paid; `words` say which."""

    name: ClassVar[str] = "trading.charge.booked"

    words: str
    entry_id: str


@dataclass(frozen=True, kw_only=True)
class ChargeDeferred(DomainEvent, ChargeFacts):
    """There was not enough free cash for the fee: it stays due, and nothing moved."""

    name: ClassVar[str] = "trading.charge.deferred"
