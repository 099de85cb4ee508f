"""The officers' pages of compliance; Django looks for them here."""

from apps.compliance.admin import (
    alerts,
    kyc,
    own_list,
    payments,
    screening,
    watchlists,
    work_items,
)

__all__ = ["alerts", "kyc", "own_list", "payments", "screening", "watchlists", "work_items"]
