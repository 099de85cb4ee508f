"""Questions to the tables of trading."""

from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import models

from apps.core.errors import NotFound

if TYPE_CHECKING:
    from apps.trading.models import CashTransfer, Portfolio
    from apps.users.models import User


class PortfolioQuerySet(models.QuerySet["Portfolio"]):
    def visible_to(self, user: "User") -> Self:
        """Keep the client's own; staff read others' through the admin, under its permissions."""
        return self.filter(client=user)

    def locked(self, portfolio_id: UUID) -> "Portfolio":
        """Load the portfolio for writing: commands on one portfolio wait for each other here."""
        row = self.select_for_update(no_key=True, of=("self",)).filter(id=portfolio_id).first()
        if row is None:
            raise NotFound("There is no such portfolio.")
        return row


class CashTransferQuerySet(models.QuerySet["CashTransfer"]):
    def visible_to(self, user: "User") -> Self:
        return self.filter(portfolio__client=user)

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")

    def locked(self, transfer_id: UUID) -> "CashTransfer":
        rows = self.select_for_update(no_key=True, of=("self",)).select_related("portfolio")
        row = rows.filter(id=transfer_id).first()
        if row is None:
            raise NotFound("There is no such transfer.")
        return row
