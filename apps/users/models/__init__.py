"""The tables of users, one noun a file."""

from apps.users.models.access import AccessChange, AdviserAssignment, EmailChange
from apps.users.models.api_key import ApiKey
from apps.users.models.second_factor import (
    CODE_DIGITS,
    STEP_SECONDS,
    OwnDevice,
    Passkey,
    RecoveryCode,
    RecoverySheet,
    TotpDevice,
)
from apps.users.models.session import ApiSession, PortalSession, RefreshToken
from apps.users.models.user import User, UserManager

__all__ = [
    "CODE_DIGITS",
    "STEP_SECONDS",
    "AccessChange",
    "AdviserAssignment",
    "ApiKey",
    "ApiSession",
    "EmailChange",
    "OwnDevice",
    "Passkey",
    "PortalSession",
    "RecoveryCode",
    "RecoverySheet",
    "RefreshToken",
    "TotpDevice",
    "User",
    "UserManager",
]
