"""What trading asks of a venue.

Orders of paper portfolios and of live ones are different types, and each venue takes one of them:
a paper order does not fit a live adapter.
"""

from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from apps.market.domain.quotes import Quote
from apps.trading.domain.fills import Fill, FillModel, WorkingOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperOrder:
    """An order of a paper portfolio, with the model that its venue fills it by."""

    order_id: UUID
    working: WorkingOrder
    model: FillModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a venue says of an order.  `execution_id` is the venue's own, one a fill."""

    is_triggered: bool
    fill: Fill | None
    execution_id: str


OrderT_contra = TypeVar("OrderT_contra", contravariant=True)


class Venue(Protocol[OrderT_contra]):
    @property
    def name(self) -> str: ...

    def work(self, order: OrderT_contra, quote: Quote) -> Report:
        """Try the order against the quote and report; asking again gives the same report."""
        ...
