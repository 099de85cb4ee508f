"""The one order in which trading takes its locks: portfolio, orders by id, then the ledger's
accounts.
"""

from uuid import UUID

from apps.core.errors import NotFound
from apps.trading.models import Order, Portfolio


def order_locked(order_id: UUID) -> Order:
    """Load the order, its portfolio and its group for writing; call inside a command.

    The others of its group are in `linked`.  Raises NotFound.
    """
    found = Order.objects.filter(id=order_id).values_list("portfolio_id", "group_id").first()
    if found is None:
        raise NotFound("There is no such order.")
    portfolio_id, group_id = found
    # What is left to say of an order outlives its portfolio: an event may come twice, and late.
    portfolio = Portfolio.objects.locked(portfolio_id, may_be_closed=True)
    if group_id is None:
        order = Order.objects.locked(order_id)
        order.portfolio = portfolio
        return order
    group = Order.objects.locked_group(group_id)
    for order in group:
        order.portfolio = portfolio
        order.linked = tuple(other for other in group if other is not order)
    return next(order for order in group if order.id == order_id)
