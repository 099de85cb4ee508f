"""The command that changes how a portfolio's sales choose their lots."""

from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import InvalidInput, NotFound
from apps.trading.models import Portfolio
from apps.users.models import User


@command
def lot_method_change(*, actor: User, portfolio_id: UUID, method: str) -> Portfolio:
    """Let the portfolio's sales from now on choose lots by the method and return the portfolio.

    What was sold keeps the lots that it took.  The same method again changes nothing.  Raises
    NotFound (also for another client's portfolio) and InvalidInput.
    """
    if method not in Portfolio.LotMethod.values:
        raise InvalidInput("There is no such method.", field="method")
    if not Portfolio.objects.owned_by(actor).filter(id=portfolio_id).exists():
        raise NotFound("There is no such portfolio.")
    portfolio = Portfolio.objects.locked(portfolio_id)
    if portfolio.lot_method != method:
        event = portfolio.choose_lots(method, at=timezone.now())
        portfolio.save(update_fields=["lot_method", "updated_at"])
        emit(event, actor=actor)
    return portfolio
