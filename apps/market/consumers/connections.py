"""How many connections a user has, over all processes; each keeps its place by its heartbeat."""

import time
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from apps.infrastructure.keyvalue import redis_client

logger = structlog.get_logger(__name__)


def _key(user_id: UUID) -> str:
    return f"stratford:ws-connections:{user_id.hex}"


def connection_claim(*, user_id: UUID, connection_id: str, limit: int, life_seconds: float) -> bool:
    """Take a place for `life_seconds`; False when the user's `limit` places are taken.

    While Redis does not answer nobody is refused.
    """
    count = _touch(user_id, connection_id, life_seconds)
    if count > limit:
        connection_release(user_id=user_id, connection_id=connection_id)
    return count <= limit


def connection_keep(*, user_id: UUID, connection_id: str, life_seconds: float) -> None:
    """Keep the place that was taken for another `life_seconds`."""
    _touch(user_id, connection_id, life_seconds)


def _touch(user_id: UUID, connection_id: str, life_seconds: float) -> int:
    now = time.time()
    try:
        with redis_client().pipeline(transaction=True) as pipeline:
            pipeline.zremrangebyscore(_key(user_id), 0, now - life_seconds)
            pipeline.zadd(_key(user_id), {connection_id: now})
            pipeline.expire(_key(user_id), int(life_seconds) + 1)
            pipeline.zcard(_key(user_id))
            return int(pipeline.execute()[-1])
    except RedisError as error:
        logger.warning("connections_not_counted", error=type(error).__name__)
        return 0


def connection_release(*, user_id: UUID, connection_id: str) -> None:
    try:
        redis_client().zrem(_key(user_id), connection_id)
    except RedisError as error:
        logger.warning("connection_not_released", error=type(error).__name__)
