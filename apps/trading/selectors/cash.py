"""Queries of money and value that entered and left portfolios."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Q, Sum
from django.utils import timezone

from apps.core.errors import NotFound
from apps.ledger.domain.legs import FLOORED_KINDS, AccountKind, is_currency
from apps.ledger.selectors import balances_of
from apps.market.domain.fx import FxRate
from apps.market.selectors import fx_rates
from apps.trading.domain.parties import Party
from apps.trading.models import CashTransfer, ValueFlow
from apps.trading.repositories import CashTransferQuerySet
from apps.trading.selectors.portfolios import portfolio_get
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Value that came in (+) or went out (-), in the portfolio's currency."""

    portfolio_id: UUID
    at: datetime
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Payment:
    """A deposit or withdrawal with its other side, for whoever must know who that is."""

    transfer_id: UUID
    client_id: UUID
    kind: str
    status: str
    amount: Decimal
    currency: str
    at: datetime
    party: Party
    is_held: bool


@dataclass(frozen=True, slots=True)
class CashView:
    """Cash in one currency, free and held for orders; `fx` leads to the portfolio's currency.

    `worth` is both in the portfolio's currency, None without a recent rate.
    """

    currency: str
    free: Decimal
    held: Decimal
    fx: FxRate | None
    worth: Decimal | None


def cash_list(portfolio_id: UUID, own: str) -> list[CashView]:
    """Return a portfolio's cash by currency, its `own` first even where it is zero.

    The caller has checked whose portfolio it is.
    """
    free: defaultdict[str, Decimal] = defaultdict(Decimal)
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in balances_of(portfolio_id):
        if is_currency(row.asset) and row.kind in FLOORED_KINDS:
            (held if row.kind is AccountKind.HELD else free)[row.asset] += row.balance
    found = {currency for currency in {*free, *held} if free[currency] or held[currency]}
    rates = fx_rates({own, *found}, own, on=timezone.now().date())
    views = []
    for currency in sorted({own, *found}, key=lambda code: (code != own, code)):
        fx, total = rates.get(currency), free[currency] + held[currency]
        worth = fx.convert(total, own).amount if fx else None
        views.append(CashView(currency, free[currency], held[currency], fx, worth))
    return views


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


def payment_get(transfer_id: UUID) -> Payment:
    """Return a transfer with its other side, for the firm's own work; raises NotFound."""
    row = CashTransfer.objects.filter(id=transfer_id).select_related("portfolio").first()
    if row is None:
        raise NotFound("There is no such transfer.")
    return _payment(row)


def payments_of(client_id: UUID, *, since: datetime) -> list[Payment]:
    """Return the client's transfers made since then that name the other side, oldest first."""
    rows = CashTransfer.objects.filter(
        portfolio__client_id=client_id, created_at__gte=since, party__isnull=False
    )
    return [_payment(row) for row in rows.select_related("portfolio").order_by("created_at", "id")]


def _payment(row: CashTransfer) -> Payment:
    return Payment(
        transfer_id=row.id,
        client_id=row.portfolio.client_id,
        kind=row.kind,
        status=row.status,
        amount=row.amount,
        currency=row.currency,
        at=row.created_at,
        party=row.other_side,
        is_held=row.is_held,
    )


def cash_flows(portfolio_ids: Iterable[UUID]) -> list[CashFlow]:
    """Return what entered and left the portfolios, oldest first.

    Settled transfers of the bank, and the value of what came from or went to another portfolio or
    was imported.
    """
    ids = list(portfolio_ids)
    rows = CashTransfer.objects.filter(portfolio_id__in=ids, status="SETTLED")
    banked = [
        CashFlow(portfolio_id, at, amount if kind == CashTransfer.Kind.DEPOSIT else -amount)
        for portfolio_id, at, kind, amount in rows.order_by("settled_at", "id").values_list(
            "portfolio_id", "settled_at", "kind", "amount"
        )
        if at is not None
    ]
    others = ValueFlow.objects.filter(portfolio_id__in=ids).order_by("occurred_at", "id")
    moved = [CashFlow(row.portfolio_id, row.occurred_at, row.amount) for row in others]
    return sorted([*banked, *moved], key=lambda flow: flow.at)


def transfer_totals(
    portfolio_ids: Iterable[UUID] | None = None,
) -> dict[UUID, tuple[Decimal, Decimal]]:
    """Return what entered and what left, as `cash_flows` counts it, by portfolio (None: all)."""
    rows, others = CashTransfer.objects.filter(status="SETTLED"), ValueFlow.objects.all()
    if portfolio_ids is not None:
        ids = list(portfolio_ids)
        rows, others = rows.filter(portfolio_id__in=ids), others.filter(portfolio_id__in=ids)
    totals = rows.values("portfolio_id").annotate(
        deposits=Sum("amount", filter=Q(kind="DEPOSIT"), default=Decimal(0)),
        withdrawals=Sum("amount", filter=Q(kind="WITHDRAWAL"), default=Decimal(0)),
    )
    sums = {row["portfolio_id"]: (row["deposits"], row["withdrawals"]) for row in totals}
    moved = others.values("portfolio_id").annotate(
        gained=Sum("amount", filter=Q(amount__gt=0), default=Decimal(0)),
        lost=Sum("amount", filter=Q(amount__lt=0), default=Decimal(0)),
    )
    for row in moved:
        deposits, withdrawals = sums.get(row["portfolio_id"], (Decimal(0), Decimal(0)))
        sums[row["portfolio_id"]] = (deposits + row["gained"], withdrawals - row["lost"])
    return sums
