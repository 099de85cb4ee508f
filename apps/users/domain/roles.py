"""The roles; what each may do stands in `permissions.py` and `access_matrix.py`."""

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
