"""Trading on the desk, one noun a file."""

from apps.trading.admin import cash, corporate_actions, orders

__all__ = ["cash", "corporate_actions", "orders"]
