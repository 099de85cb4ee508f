"""The tables of trading, under the one name that Django looks for."""

from apps.trading.models.cash_transfer import CashTransfer
from apps.trading.models.portfolio import Portfolio

__all__ = ["CashTransfer", "Portfolio"]
