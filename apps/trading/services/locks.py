"""The one order in which trading takes its locks: portfolios by id, orders by id, then the
ledger's accounts, lots last.
"""

from collections.abc import Iterable
from uuid import UUID

from apps.trading.models import Order, Portfolio
from apps.users.models import User


def portfolios_locked(actor: User, portfolio_ids: Iterable[UUID]) -> dict[UUID, Portfolio]:
    """Load several of the actor's portfolios for writing, always in the order of their ids.

    Raises NotFound, and Conflict `portfolio_closed`.
    """
    wanted = sorted(set(portfolio_ids))
    return {one: Portfolio.objects.locked_of_owner(actor, one) for one in wanted}


def order_locked(order_id: UUID) -> Order:
    """Load the order, its portfolio and its group for writing; call inside a command.

    The others of its group are in `linked`.  Raises NotFound.
    """
    # What is left to say of an order outlives its portfolio: an event may come twice, and late.
    portfolio = Portfolio.objects.locked_of_order(order_id)
    group = Order.objects.locked_group(order_id)
    for order in group:
        order.portfolio = portfolio
        order.linked = tuple(other for other in group if other is not order)
    return next(order for order in group if order.id == order_id)
