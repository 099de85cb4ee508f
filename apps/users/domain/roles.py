"""Who may do what: the one table of roles and permissions."""

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """A role is a Django group of the same name."""

    CLIENT = "CLIENT"
    ADVISER = "ADVISER"
    COMPLIANCE_OFFICER = "COMPLIANCE_OFFICER"
    COMPLIANCE_SUPERVISOR = "COMPLIANCE_SUPERVISOR"
    OPERATIONS = "OPERATIONS"
    AUDITOR = "AUDITOR"
    ADMINISTRATOR = "ADMINISTRATOR"


STAFF_ROLES = frozenset(Role) - {Role.CLIENT}

# One permission a line, sorted; every context adds its own.
PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.CLIENT: frozenset(),
    Role.ADVISER: frozenset(),
    Role.COMPLIANCE_OFFICER: frozenset(
        {
            "compliance.decide_alert",
            "compliance.decide_kycrecord",
            "compliance.view_alert",
            "compliance.view_kycdocument",
            "compliance.view_kycrecord",
            "compliance.view_scenario",
            "compliance.view_screeninghit",
            "compliance.view_watchlistversion",
            "ledger.view_account",
            "ledger.view_entry",
            "trading.view_cashtransfer",
            "trading.view_execution",
            "trading.view_lot",
            "trading.view_order",
            "trading.view_portfolio",
        }
    ),
    Role.COMPLIANCE_SUPERVISOR: frozenset(
        {
            "compliance.assign_alert",
            "compliance.decide_alert",
            "compliance.decide_kycrecord",
            "compliance.view_alert",
            "compliance.view_kycdocument",
            "compliance.view_kycrecord",
            "compliance.view_scenario",
            "compliance.view_screeninghit",
            "compliance.view_watchlistversion",
            "ledger.view_account",
            "ledger.view_entry",
            "trading.view_cashtransfer",
            "trading.view_execution",
            "trading.view_lot",
            "trading.view_order",
            "trading.view_portfolio",
        }
    ),
    Role.OPERATIONS: frozenset(
        {
            "ledger.view_account",
            "ledger.view_entry",
            "market.halt_instrument",
            "market.restrict_instrument",
            "market.view_instrument",
            "trading.turn_firmswitch",
            "trading.view_cashtransfer",
            "trading.view_execution",
            "trading.view_firmswitch",
            "trading.view_lot",
            "trading.view_order",
            "trading.view_portfolio",
        }
    ),
    Role.AUDITOR: frozenset(
        {
            "audit.view_auditevent",
            "audit.view_checkpoint",
            "compliance.view_alert",
            "compliance.view_kycrecord",
            "compliance.view_scenario",
            "compliance.view_screeninghit",
            "compliance.view_watchlistversion",
            "ledger.view_account",
            "ledger.view_entry",
            "trading.view_cashtransfer",
            "trading.view_execution",
            "trading.view_firmswitch",
            "trading.view_lot",
            "trading.view_order",
            "trading.view_portfolio",
        }
    ),
    Role.ADMINISTRATOR: frozenset(
        {
            "users.view_user",
        }
    ),
}


def permissions_of(role_names: Iterable[str]) -> frozenset[str]:
    """Return the union of what the named roles may do; a name that is no role gives nothing."""
    known = {role.value for role in Role}
    return frozenset().union(*(PERMISSIONS[Role(name)] for name in role_names if name in known))
