"""The firm's settings for trading as the domain's own objects."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from apps.trading.domain.costs import Commission, Slippage
from apps.trading.domain.fills import FillModel
from apps.trading.domain.limits import LimitInForce, LimitKind, LimitScope, strictest
from apps.trading.domain.risk import DayLimits, Limits


def limits(rules: Sequence[LimitInForce] = ()) -> Limits:
    """Return what bounds an order: settings.ORDER_LIMITS, and the limits in force."""
    raw = settings.ORDER_LIMITS
    # A client's daily limits are measured over all portfolios, the others over the order's own.
    narrow = (LimitScope.FIRM, LimitScope.PORTFOLIO)
    watched = strictest(rules, LimitKind.DUPLICATE_SECONDS)
    return Limits(
        hold_buffer=Decimal(raw["hold_buffer"]),
        quote_age=timedelta(seconds=raw["quote_age_seconds"]),
        order_minimum=Decimal(raw["order_minimum"]),
        duplicate_window=timedelta(seconds=int(watched or raw["duplicate_seconds"])),
        duplicates_stop=watched is not None,
        price_collar=strictest(rules, LimitKind.PRICE_COLLAR),
        order_notional=strictest(rules, LimitKind.ORDER_NOTIONAL),
        concentration=strictest(rules, LimitKind.POSITION_CONCENTRATION),
        portfolio_day=_day(rules, narrow),
        client_day=_day(rules, (LimitScope.CLIENT,)),
    )


def _day(rules: Sequence[LimitInForce], scopes: Sequence[LimitScope]) -> DayLimits:
    return DayLimits(
        orders=strictest(rules, LimitKind.ORDERS_A_DAY, scopes=scopes),
        notional=strictest(rules, LimitKind.NOTIONAL_A_DAY, scopes=scopes),
    )


def _built(setting: dict[str, Any]) -> Any:
    options = {name: Decimal(value) for name, value in setting["options"].items()}
    return import_string(setting["model"])(**options)


def commission() -> Commission:
    """Return the commission model of settings.COMMISSION."""
    model: Commission = _built(settings.COMMISSION)
    return model


def paper_fills(lot_size: Decimal) -> FillModel:
    """Return the paper venue's fill model of settings.PAPER_VENUE for an instrument's lot size."""
    slippage: Slippage = _built(settings.PAPER_VENUE["slippage"])
    share = Decimal(settings.PAPER_VENUE["volume_share"])
    return FillModel(slippage=slippage, volume_share=share, lot_size=lot_size)
