"""Queries of money that entered and left portfolios."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Q, Sum

from apps.core.errors import NotFound
from apps.trading.models import CashTransfer
from apps.trading.repositories import CashTransferQuerySet
from apps.trading.selectors.portfolios import portfolio_get
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class CashFlow:
    """A settled transfer: money in (+) or out (-), in the portfolio's currency."""

    portfolio_id: UUID
    at: datetime
    amount: Decimal


def transfer_list(user: User, portfolio_id: UUID, kind: str | None = None) -> CashTransferQuerySet:
    """Return the portfolio's transfers (all, or DEPOSIT or WITHDRAWAL), newest first.

    Raises NotFound for anybody else's portfolio.
    """
    portfolio = portfolio_get(user, portfolio_id)
    transfers = CashTransfer.objects.filter(portfolio=portfolio).newest_first()
    return transfers.filter(kind=kind) if kind else transfers


def transfer_get(user: User, transfer_id: UUID) -> CashTransfer:
    """Return the user's transfer; raise NotFound for anybody else's."""
    transfer = CashTransfer.objects.visible_to(user).filter(id=transfer_id).first()
    if transfer is None:
        raise NotFound("There is no such transfer.")
    return transfer


def cash_flows(portfolio_ids: Iterable[UUID]) -> list[CashFlow]:
    """Return the settled transfers of the portfolios, oldest first."""
    rows = CashTransfer.objects.filter(portfolio_id__in=list(portfolio_ids), status="SETTLED")
    return [
        CashFlow(portfolio_id, at, amount if kind == CashTransfer.Kind.DEPOSIT else -amount)
        for portfolio_id, at, kind, amount in rows.order_by("settled_at", "id").values_list(
            "portfolio_id", "settled_at", "kind", "amount"
        )
        if at is not None
    ]


def transfer_totals(
    portfolio_ids: Iterable[UUID] | None = None,
) -> dict[UUID, tuple[Decimal, Decimal]]:
    """Return what was deposited and what was withdrawn, settled, by portfolio (None: all)."""
    rows = CashTransfer.objects.filter(status="SETTLED")
    if portfolio_ids is not None:
        rows = rows.filter(portfolio_id__in=list(portfolio_ids))
    totals = rows.values("portfolio_id").annotate(
        deposits=Sum("amount", filter=Q(kind="DEPOSIT"), default=Decimal(0)),
        withdrawals=Sum("amount", filter=Q(kind="WITHDRAWAL"), default=Decimal(0)),
    )
    return {row["portfolio_id"]: (row["deposits"], row["withdrawals"]) for row in totals}
