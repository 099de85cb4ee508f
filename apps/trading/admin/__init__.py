"""Trading on the desk, one noun a file."""

from apps.trading.admin import cash, orders

__all__ = ["cash", "orders"]
