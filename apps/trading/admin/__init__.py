"""Trading on the desk, one noun a file."""

from apps.trading.admin import (
    batches,
    cash,
    charges,
    corporate_actions,
    firm_switch,
    imports,
    limits,
    orders,
    refusals,
    restrictions,
    venues,
)

__all__ = [
    "batches",
    "cash",
    "charges",
    "corporate_actions",
    "firm_switch",
    "imports",
    "limits",
    "orders",
    "refusals",
    "restrictions",
    "venues",
]
