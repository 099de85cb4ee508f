"""Who may do something: groups of roles, and callers that are no role."""

from apps.users.domain.roles import Role

Audience = frozenset[str]

CLIENT, ADVISER = frozenset({Role.CLIENT}), frozenset({Role.ADVISER})
SUPERVISOR, OPERATIONS_TEAM = (
    frozenset({Role.COMPLIANCE_SUPERVISOR}),
    frozenset({Role.OPERATIONS}),
)
AUDITOR, ADMINISTRATOR = frozenset({Role.AUDITOR}), frozenset({Role.ADMINISTRATOR})
OFFICERS = SUPERVISOR | {Role.COMPLIANCE_OFFICER}
DESK = OFFICERS | OPERATIONS_TEAM | AUDITOR | ADMINISTRATOR
MACHINERY = OPERATIONS_TEAM | AUDITOR | ADMINISTRATOR
BOOKS = OFFICERS | OPERATIONS_TEAM | AUDITOR
# Whose accounts: clients their own, advisers those of their clients, auditors all.
ACCOUNT_READERS = CLIENT | ADVISER | AUDITOR
# Not roles: whoever has signed in, whoever comes, a scraper on the same machine, nobody at all.
SIGNED_IN: Audience = frozenset({"SIGNED_IN"})
ANYONE: Audience = frozenset({"ANYONE"})
LOCAL: Audience = frozenset({"LOCAL"})
NOBODY: Audience = frozenset()
