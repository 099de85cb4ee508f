"""Tokens that open one WebSocket connection each."""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from apps.core.errors import Unavailable
from apps.infrastructure.keyvalue import redis_client
from apps.users.models import User

logger = structlog.get_logger(__name__)
LIFE_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class WsTicket:
    """Who a token stands for, and the sign-in whose end must close the connection ("" is none)."""

    user_id: UUID
    api_session_id: str = ""
    portal_session_id: str = ""
    api_key_id: str = ""


def _key(token: str) -> str:
    return f"stratford:ws-token:{hashlib.sha256(token.encode(errors='replace')).hexdigest()}"


def ws_token_issue(
    user: User, *, api_session_id: str = "", portal_session_id: str = "", api_key_id: str = ""
) -> str:
    """Return a token that names the user once, within LIFE_SECONDS; raise Unavailable."""
    token = secrets.token_urlsafe(32)
    ticket = WsTicket(
        user_id=user.pk,
        api_session_id=api_session_id,
        portal_session_id=portal_session_id,
        api_key_id=api_key_id,
    )
    try:
        redis_client().set(_key(token), json.dumps(asdict(ticket), default=str), ex=LIFE_SECONDS)
    except RedisError as error:
        raise Unavailable("Tokens cannot be issued now.", code="tokens_unavailable") from error
    return token


def ws_token_consume(token: str) -> WsTicket | None:
    """Return what the token stands for and make it worthless; None for any other text."""
    try:
        value = redis_client().getdel(_key(token))
    except RedisError as error:
        logger.warning("ws_token_consume_failed", error=type(error).__name__)
        return None
    if not isinstance(value, str):
        return None
    ticket = json.loads(value)
    return WsTicket(**{**ticket, "user_id": UUID(ticket["user_id"])})
