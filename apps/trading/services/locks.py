"""The one order in which trading takes its locks: portfolio, order, then the ledger's accounts."""

from uuid import UUID

from apps.core.errors import NotFound
from apps.trading.models import Order, Portfolio


def order_locked(order_id: UUID) -> Order:
    """Load the order and its portfolio for writing; call inside a command.  Raises NotFound."""
    found = Order.objects.filter(id=order_id).values_list("portfolio_id", flat=True).first()
    if found is None:
        raise NotFound("There is no such order.")
    portfolio = Portfolio.objects.locked(found)
    order = Order.objects.locked(order_id)
    order.portfolio = portfolio
    return order
