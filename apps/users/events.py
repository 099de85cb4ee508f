"""What happened to users; ids and codes only, never an e-mail address or a name."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class UserRegistered(DomainEvent):
    name: ClassVar[str] = "users.user.registered"

    user_id: str
    roles: list[str]


@dataclass(frozen=True, kw_only=True)
class SignInSucceeded(DomainEvent):
    """`channel` is PORTAL or API; `methods` as in RFC 8176.

    `is_known` tells that this device signed in to the account from this network before.
    """

    name: ClassVar[str] = "users.sign_in.succeeded"

    user_id: str
    channel: str
    methods: list[str]
    is_known: bool = False


@dataclass(frozen=True, kw_only=True)
class SignInFailed(DomainEvent):
    """`subject` is a user's id, or a keyed hash of an address that nobody has."""

    name: ClassVar[str] = "users.sign_in.failed"

    subject: str
    channel: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ApiSessionRevoked(DomainEvent):
    name: ClassVar[str] = "users.api_session.revoked"

    user_id: str
    session_id: str


@dataclass(frozen=True, kw_only=True)
class SessionEnded(DomainEvent):
    """Its user ended one session of the portal."""

    name: ClassVar[str] = "users.session.ended"

    user_id: str
    session_id: str


@dataclass(frozen=True, kw_only=True)
class SessionsEnded(DomainEvent):
    """All sessions of a user ended at once, but one that they may have kept."""

    name: ClassVar[str] = "users.sessions.ended"

    user_id: str
    reason: str
    count: int


@dataclass(frozen=True, kw_only=True)
class RefreshTokenReused(DomainEvent):
    """A refresh token came a second time: somebody copied it, and its session ended."""

    name: ClassVar[str] = "users.refresh_token.reused"

    user_id: str
    session_id: str


@dataclass(frozen=True, kw_only=True)
class SecondFactorChanged(DomainEvent):
    """`change` is ENROLLED, REPLACED, REMOVED, RESET, RECOVERY_CODES_RENEWED, PASSKEY_ADDED or
    PASSKEY_REMOVED.
    """

    name: ClassVar[str] = "users.second_factor.changed"

    user_id: str
    change: str


@dataclass(frozen=True, kw_only=True)
class SecondFactorConfirmed(DomainEvent):
    """The second factor was proven again in a session; `channel` is PORTAL or API."""

    name: ClassVar[str] = "users.second_factor.confirmed"

    user_id: str
    channel: str


@dataclass(frozen=True, kw_only=True)
class PasswordChanged(DomainEvent):
    name: ClassVar[str] = "users.password.changed"

    user_id: str


@dataclass(frozen=True, kw_only=True)
class EmailChanged(DomainEvent):
    """The user signs in with another e-mail address, which they confirmed."""

    name: ClassVar[str] = "users.email.changed"

    user_id: str
    change_id: str


@dataclass(frozen=True, kw_only=True)
class SocialAccountChanged(DomainEvent):
    """`change` is CONNECTED or DISCONNECTED; `provider` is the name in the settings."""

    name: ClassVar[str] = "users.social_account.changed"

    user_id: str
    provider: str
    change: str


@dataclass(frozen=True, kw_only=True)
class PasswordExpired(DomainEvent):
    """An administrator made the password useless; its owner has to choose another."""

    name: ClassVar[str] = "users.password.expired"

    user_id: str


@dataclass(frozen=True, kw_only=True)
class ApiKeyCreated(DomainEvent):
    """`mode` is the portfolios' that the key reaches, PAPER or LIVE."""

    name: ClassVar[str] = "users.api_key.created"

    user_id: str
    key_id: str
    mode: str
    scopes: list[str]
    expires_at: str


@dataclass(frozen=True, kw_only=True)
class ApiKeyRevoked(DomainEvent):
    name: ClassVar[str] = "users.api_key.revoked"

    user_id: str
    key_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RoleGiven(DomainEvent):
    name: ClassVar[str] = "users.role.given"

    user_id: str
    role: str


@dataclass(frozen=True, kw_only=True)
class RoleRemoved(DomainEvent):
    name: ClassVar[str] = "users.role.removed"

    user_id: str
    role: str


@dataclass(frozen=True, kw_only=True)
class UserDisabled(DomainEvent):
    name: ClassVar[str] = "users.user.disabled"

    user_id: str


@dataclass(frozen=True, kw_only=True)
class UserEnabled(DomainEvent):
    name: ClassVar[str] = "users.user.enabled"

    user_id: str


@dataclass(frozen=True, kw_only=True)
class AccessChangeProposed(DomainEvent):
    """`kind` is GIVE_ROLE, ENABLE_USER or RESET_SECOND_FACTOR; `role` only with the first."""

    name: ClassVar[str] = "users.access_change.proposed"

    user_id: str
    change_id: str
    kind: str
    role: str


@dataclass(frozen=True, kw_only=True)
class AccessChangeDecided(DomainEvent):
    """`status` is CONFIRMED or DECLINED."""

    name: ClassVar[str] = "users.access_change.decided"

    user_id: str
    change_id: str
    status: str


@dataclass(frozen=True, kw_only=True)
class AdviserAssigned(DomainEvent):
    """From now on the adviser reads the client's account."""

    name: ClassVar[str] = "users.adviser.assigned"

    assignment_id: str
    adviser_id: str
    client_id: str


@dataclass(frozen=True, kw_only=True)
class AdviserUnassigned(DomainEvent):
    name: ClassVar[str] = "users.adviser.unassigned"

    assignment_id: str
    adviser_id: str
    client_id: str
