"""The simulated venue: real prices, no market."""

from apps.market.domain.quotes import Quote
from apps.trading.domain.fills import FillModel, QuoteMarket
from apps.trading.venues.base import OrderReport, PaperOrder, QuoteReport, VenueStatus


class PaperVenue:
    """Fills orders by the pure fill model; an order trades at most once on one quote.

    It agrees to everything at once.
    """

    name = "PAPER"

    def settles(self, currency: str) -> bool:
        return True

    def submit(self, order: PaperOrder) -> OrderReport:
        return OrderReport(status=VenueStatus.WORKING)

    def replace(self, order: PaperOrder) -> OrderReport:
        return OrderReport(status=VenueStatus.REPLACED)

    def cancel(self, order: PaperOrder) -> OrderReport:
        return OrderReport(status=VenueStatus.CANCELED)

    def work(self, order: PaperOrder, quote: Quote, model: FillModel) -> QuoteReport:
        """Try the order against the quote and report; asking again gives the same report."""
        market = QuoteMarket(bid=quote.bid, ask=quote.ask, last=quote.last, volume=quote.volume)
        outcome = model.apply(order.working, market)
        return QuoteReport(
            is_triggered=outcome.is_triggered,
            fill=outcome.fill,
            execution_id=f"{order.order_id}@{quote.at.isoformat()}",
        )
