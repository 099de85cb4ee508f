"""push(): tell one user's open connections what happened, after it was committed."""

import asyncio
from typing import Any, Literal
from uuid import UUID

import redis
import structlog
from asgiref.sync import async_to_sync
from channels.exceptions import ChannelFull
from channels.layers import get_channel_layer
from django.db import transaction

from apps.infrastructure.keyvalue import channel_of, redis_client

logger = structlog.get_logger(__name__)
SEND_TIMEOUT_SECONDS = 2
RECHECK_CHANNEL = "stratford.sockets-recheck"
PrivateChannel = Literal["orders", "alerts", "notifications"]


def user_group(user_id: UUID) -> str:
    """Return the channel-layer group that all connections of the user join."""
    return f"user.{user_id.hex}"


def push(*, user_id: UUID, channel: PrivateChannel, event_id: str, data: dict[str, Any]) -> None:
    """Send a private event to the user's connections once the transaction has committed.

    Delivery is best effort: a client that misses one resumes by event id from the API.  Nothing
    is raised when the channel layer does not answer; the loss is logged.
    """
    message = {"type": "private.event", "channel": channel, "event_id": event_id, "data": data}
    transaction.on_commit(lambda: _send(user_group(user_id), message), robust=True)


def sockets_recheck(*, user_id: UUID) -> None:
    """Make every open socket of the user look, after the commit, whether its sign-in still holds.

    Best effort: sockets look by themselves too, every LIVE_FEED["recheck_ms"].
    """
    transaction.on_commit(lambda: _publish_recheck(user_id), robust=True)


def _publish_recheck(user_id: UUID) -> None:
    try:
        redis_client().publish(channel_of(RECHECK_CHANNEL), user_id.hex)
    except redis.RedisError as error:
        logger.warning("recheck_not_sent", error=type(error).__name__)


def _send(group: str, message: dict[str, Any]) -> None:
    try:
        async_to_sync(_group_send)(group, message)
    except (redis.RedisError, OSError, TimeoutError, ChannelFull) as error:
        logger.warning("push_failed", channel=message["channel"], error=type(error).__name__)


async def _group_send(group: str, message: dict[str, Any]) -> None:
    await asyncio.wait_for(get_channel_layer().group_send(group, message), SEND_TIMEOUT_SECONDS)
