"""Trading on the desk, one noun a file."""

from apps.trading.admin import (
    batches,
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
    "batches",
    "cash",
    "corporate_actions",
    "firm_switch",
    "limits",
    "orders",
    "refusals",
    "restrictions",
    "venues",
]
