"""Tokens that open one WebSocket connection each."""

import hashlib
import secrets
from uuid import UUID

import structlog
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from apps.core.errors import Unavailable
from apps.users.models import User

logger = structlog.get_logger(__name__)
LIFE_SECONDS = 60


def _redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def _key(token: str) -> str:
    return f"stratford:ws-token:{hashlib.sha256(token.encode(errors='replace')).hexdigest()}"


def ws_token_issue(user: User) -> str:
    """Return a token that names the user once, within LIFE_SECONDS; raise Unavailable."""
    token = secrets.token_urlsafe(32)
    try:
        with _redis() as client:
            client.set(_key(token), str(user.pk), ex=LIFE_SECONDS)
    except RedisError as error:
        raise Unavailable("Tokens cannot be issued now.", code="tokens_unavailable") from error
    return token


def ws_token_consume(token: str) -> UUID | None:
    """Return whose token it is and make it worthless; None for any other text."""
    try:
        with _redis() as client:
            value = client.getdel(_key(token))
    except RedisError as error:
        logger.warning("ws_token_consume_failed", error=type(error).__name__)
        return None
    return UUID(value.decode()) if isinstance(value, bytes) else None
