"""Trading on the desk, one noun a file."""

from apps.trading.admin import cash

__all__ = ["cash"]
