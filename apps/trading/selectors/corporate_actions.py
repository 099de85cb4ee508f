"""Queries of corporate actions: what they would do to whom, and what prices suggest."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q
from django.utils import timezone

from apps.core.errors import NotFound
from apps.market.selectors import traded_bars
from apps.trading.domain.corporate_actions import (
    DIVIDENDS,
    Candidate,
    Effect,
    PriceDay,
    candidates,
    effect_of,
)
from apps.trading.domain.gains import market_day, market_midnight
from apps.trading.models import CorporateAction, Entitlement, Lot, Order, Portfolio
from apps.trading.repositories import CorporateActionQuerySet
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """What the action would do to one portfolio, and how many of its open orders it touches."""

    portfolio: Portfolio
    effect: Effect
    open_orders: int


def action_get(action_id: UUID) -> CorporateAction:
    """Return the action, for the firm's own staff; raises NotFound."""
    action = CorporateAction.objects.filter(id=action_id).first()
    if action is None:
        raise NotFound("There is no such corporate action.")
    return action


def action_units(action: CorporateAction, portfolio_id: UUID | None = None) -> dict[UUID, Decimal]:
    """Return the units that the action is for, by portfolio.

    A dividend is for what was held just before the ex date began, sold since or not; the others
    are for what is left of the units that were there by then.
    """
    lots = Lot.objects.all() if portfolio_id is None else Lot.objects.of(portfolio_id)
    moment = market_midnight(action.ex_date)
    if action.kind in DIVIDENDS:
        return lots.order_by().units_held(action.symbol, moment)
    return lots.order_by().units_left(action.symbol, moment)


def action_reaches(action: CorporateAction, portfolio_id: UUID | None = None) -> set[UUID]:
    """Return the portfolios that the action is for: its holders and, where it changes orders,
    those that have open ones in the old units.
    """
    return {*action_units(action, portfolio_id), *_orders(action, portfolio_id)}


def _orders(action: CorporateAction, portfolio_id: UUID | None = None) -> Counter[UUID]:
    """Return how many open orders the action changes or ends, by portfolio."""
    if action.kind in DIVIDENDS:
        return Counter()
    found = Order.objects.open().placed(action.symbol, action.orders_before)
    if portfolio_id is not None:
        found = found.filter(portfolio=portfolio_id)
    return Counter(found.values_list("portfolio_id", flat=True))


def action_is_late(action: CorporateAction) -> bool:
    """Say whether units changed at the exchange already, and not yet here."""
    return action.kind not in DIVIDENDS and market_midnight(action.ex_date) <= timezone.now()


def action_is_due(symbol: str) -> bool:
    """Say whether units of the symbol wait to be changed by an action whose ex date has come."""
    today = market_day(timezone.now())
    return (
        CorporateAction.objects.filter(symbol=symbol, status="CONFIRMED", ex_date__lte=today)
        .exclude(kind__in=DIVIDENDS)
        .exists()
    )


def action_preview(action: CorporateAction) -> list[PreviewRow]:
    """Return what the action would do as things are, by portfolio; largest holding first."""
    units, orders = action_units(action), _orders(action)
    had = set(action.entitlements.values_list("portfolio_id", flat=True))
    rows = [
        PreviewRow(
            portfolio,
            effect_of(action.terms, units.get(portfolio.id, Decimal(0))),
            orders[portfolio.id],
        )
        for portfolio in Portfolio.objects.filter(id__in=({*units, *orders}) - had)
    ]
    return sorted(rows, key=lambda row: (-row.effect.units, str(row.portfolio.id)))


def action_list(user: User) -> CorporateActionQuerySet:
    """Return confirmed actions on what the user's portfolios hold or had, each with its effects.

    The effects are `own`, of the portfolios that the user may read.
    """
    portfolios = Portfolio.objects.visible_to(user)
    entitlements = Entitlement.objects.visible_to(user).of_units().order_by("created_at", "id")
    had = Entitlement.objects.of_units().filter(action=OuterRef("pk"), portfolio__in=portfolios)
    holds = Lot.objects.open().filter(symbol=OuterRef("symbol"), portfolio__in=portfolios)
    return (
        CorporateAction.objects.exclude(status__in=["PROPOSED", "REJECTED"])
        .filter(Q(Exists(had)) | Q(Exists(holds), status="CONFIRMED"))
        .prefetch_related(Prefetch("entitlements", queryset=entitlements, to_attr="own"))
    )


def candidate_list(symbol: str, start: date, end: date) -> list[Candidate]:
    """Return the splits and dividends that the daily prices as traded suggest, oldest first.

    What is entered already (symbol and ex date) is left out.
    """
    known = set(
        CorporateAction.objects.filter(symbol=symbol)
        .exclude(status__in=["REJECTED", "REVERSED"])
        .values_list("ex_date", flat=True)
    )
    return [found for found in candidates(_days(symbol, start, end)) if found.ex_date not in known]


def _days(symbol: str, start: date, end: date) -> Sequence[PriceDay]:
    return [
        PriceDay(
            day=bar.time.date(), open=bar.open, close=bar.close, adjusted_close=bar.adjusted_close
        )
        for bar in traded_bars(symbol, start, end)
        if bar.open is not None and bar.close is not None
    ]
