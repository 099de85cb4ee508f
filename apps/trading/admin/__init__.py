"""Trading on the desk, one noun a file."""

from apps.trading.admin import (
    cash,
    corporate_actions,
    firm_switch,
    limits,
    orders,
    refusals,
    restrictions,
    venues,
)

__all__ = [
    "cash",
    "corporate_actions",
    "firm_switch",
    "limits",
    "orders",
    "refusals",
    "restrictions",
    "venues",
]
