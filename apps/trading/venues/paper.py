"""The simulated venue: real prices, no market."""

from apps.market.domain.quotes import Quote
from apps.trading.domain.fills import QuoteMarket
from apps.trading.venues.base import PaperOrder, Report


class PaperVenue:
    """Fills orders by the pure fill model; an order trades at most once on one quote."""

    name = "PAPER"

    def work(self, order: PaperOrder, quote: Quote) -> Report:
        market = QuoteMarket(bid=quote.bid, ask=quote.ask, last=quote.last, volume=quote.volume)
        outcome = order.model.apply(order.working, market)
        return Report(
            is_triggered=outcome.is_triggered,
            fill=outcome.fill,
            execution_id=f"{order.order_id}@{quote.at.isoformat()}",
        )
