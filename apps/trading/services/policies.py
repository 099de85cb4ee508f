"""The firm's settings for trading as the domain's own objects."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from apps.trading.domain.costs import Commission, Slippage
from apps.trading.domain.fills import FillModel
from apps.trading.domain.risk import Limits


def _optional(name: str) -> Decimal | None:
    value = settings.ORDER_LIMITS[name]
    return None if value is None else Decimal(value)


def limits() -> Limits:
    """Return the pre-trade limits of settings.ORDER_LIMITS."""
    raw = settings.ORDER_LIMITS
    return Limits(
        price_collar=Decimal(raw["price_collar"]),
        hold_buffer=Decimal(raw["hold_buffer"]),
        quote_age=timedelta(seconds=raw["quote_age_seconds"]),
        order_minimum=Decimal(raw["order_minimum"]),
        order_notional=_optional("order_notional"),
        concentration=_optional("concentration"),
        orders_a_day=raw["orders_a_day"],
        duplicate_window=timedelta(seconds=raw["duplicate_seconds"]),
        duplicates_stop=raw["duplicates_stop"],
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
