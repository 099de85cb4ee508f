"""What happened in trading."""

from dataclasses import dataclass, field
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
class CurrencyConverted(DomainEvent):
    """`sold` became `bought`; `rate` is units bought for one sold, after the firm's spread."""

    name: ClassVar[str] = "trading.currency.converted"

    portfolio_id: str
    client_id: str
    conversion_id: str
    sold: str
    sold_currency: str
    bought: str
    bought_currency: str
    rate: str


@dataclass(frozen=True, kw_only=True)
class DividendPaid(DomainEvent):
    """A dividend was credited; `withheld` of `gross` went to the tax authority at its source."""

    name: ClassVar[str] = "trading.dividend.paid"

    portfolio_id: str
    client_id: str
    symbol: str
    gross: str
    withheld: str
    currency: str
    entry_id: str


@dataclass(frozen=True, kw_only=True)
class PortfolioRenamed(DomainEvent):
    """It has another name; the name itself is the client's own words and stays out."""

    name: ClassVar[str] = "trading.portfolio.renamed"

    portfolio_id: str
    client_id: str


@dataclass(frozen=True, kw_only=True)
class PortfolioClosed(DomainEvent):
    """It was empty and takes nothing from now on."""

    name: ClassVar[str] = "trading.portfolio.closed"

    portfolio_id: str
    client_id: str


@dataclass(frozen=True, kw_only=True)
class PortfolioTransferMade(DomainEvent):
    """Cash or units went from one portfolio of the client to another; `value` is in `currency`."""

    name: ClassVar[str] = "trading.transfer.made"

    transfer_id: str
    client_id: str
    source_id: str
    target_id: str
    kind: str
    asset: str
    quantity: str
    value: str
    currency: str


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
class CashTransferHeld(DomainEvent):
    """The other side is not the client: the money waits until its name was compared with lists.

    A deposit of this kind has arrived and cannot be spent, a withdrawal has not left.
    """

    name: ClassVar[str] = "trading.cash.held"

    portfolio_id: str
    client_id: str
    transfer_id: str
    kind: str


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


@dataclass(frozen=True, kw_only=True)
class OrderFacts:
    """What every event of an order says."""

    order_id: str
    portfolio_id: str
    client_id: str
    symbol: str
    side: str


@dataclass(frozen=True, kw_only=True)
class OrderTerms(OrderFacts):
    """The terms; `checks` are rows of code, outcome (PASSED, WARNED), limit and measured value."""

    order_type: str
    time_in_force: str
    quantity: str
    limit_price: str | None
    stop_price: str | None
    held: str
    currency: str
    checks: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class OrderSubmitted(DomainEvent, OrderTerms):
    """A live order passed every check, its cash or units are held, and the venue is told."""

    name: ClassVar[str] = "trading.order.submitted"


@dataclass(frozen=True, kw_only=True)
class OrderAccepted(DomainEvent, OrderTerms):
    """The order passed every check, its cash or units are held, and its venue has it."""

    name: ClassVar[str] = "trading.order.accepted"


@dataclass(frozen=True, kw_only=True)
class OrderTriggered(DomainEvent, OrderFacts):
    """The trade price reached the order's stop."""

    name: ClassVar[str] = "trading.order.triggered"

    last: str


@dataclass(frozen=True, kw_only=True)
class OrderFilled(DomainEvent, OrderFacts):
    """Units traded: `quantity` at `price`, all of the order or (`remaining` > 0) a part of it."""

    name: ClassVar[str] = "trading.order.filled"

    quantity: str
    price: str
    currency: str
    execution_id: str
    fees: str
    remaining: str


@dataclass(frozen=True, kw_only=True)
class OrderCancelRequested(DomainEvent, OrderFacts):
    """`reason` is a code; `note` is what the firm's officer gave as the reason of theirs."""

    name: ClassVar[str] = "trading.order.cancel_requested"

    reason: str = "by_client"
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class OrderReplaceRequested(DomainEvent, OrderFacts):
    """The venue is asked to work the order under new `terms` (amounts by their names)."""

    name: ClassVar[str] = "trading.order.replace_requested"

    replacement_id: str
    terms: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class OrderReplaced(DomainEvent, OrderFacts):
    """The order goes on under these terms; without a `replacement_id` another order of its group
    traded and changed the quantity that is left for it.
    """

    name: ClassVar[str] = "trading.order.replaced"

    replacement_id: str | None
    terms: dict[str, str]
    held: str


@dataclass(frozen=True, kw_only=True)
class OrderReplaceRejected(DomainEvent, OrderFacts):
    """The order goes on under its old terms; `reason` is a code."""

    name: ClassVar[str] = "trading.order.replace_rejected"

    replacement_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class OrderCanceled(DomainEvent, OrderFacts):
    """No more of the order trades; `filled` units had traded before, `reason` is a code."""

    name: ClassVar[str] = "trading.order.canceled"

    filled: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class OrderRejected(DomainEvent, OrderFacts):
    """The venue did not take the order; `reason` is a code."""

    name: ClassVar[str] = "trading.order.rejected"

    filled: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class OrderExpired(DomainEvent, OrderFacts):
    """The order's time in force ended; `filled` units had traded before."""

    name: ClassVar[str] = "trading.order.expired"

    filled: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class FirmStateChanged(DomainEvent):
    """The firm's switch for new orders moved."""

    name: ClassVar[str] = "trading.firm.state_changed"

    before: str
    after: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class LotMethodChanged(DomainEvent):
    """Sales from `effective_at` on choose lots by the new method; earlier ones stay as they are."""

    name: ClassVar[str] = "trading.portfolio.lot_method_changed"

    portfolio_id: str
    client_id: str
    before: str
    after: str
    effective_at: str


@dataclass(frozen=True, kw_only=True)
class OrderCancelRejected(DomainEvent, OrderFacts):
    """The venue did not cancel: the order works on."""

    name: ClassVar[str] = "trading.order.cancel_rejected"

    reason: str
