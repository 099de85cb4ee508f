"""One Redis client a process, for what Django's cache cannot say (GETDEL, many keys at once)."""

import os
from functools import lru_cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry


@lru_cache(maxsize=2)
def _client_of(_pid: int, url: str) -> "redis.Redis":
    return redis.Redis.from_url(
        url,
        socket_timeout=2,
        socket_connect_timeout=2,
        decode_responses=True,
        # A connection that died while idle is replaced once; an outage is the breaker's business.
        retry=Retry(NoBackoff(), 1),
    )


def redis_client() -> "redis.Redis":
    """Return this process's client; a forked child gets its own.  Text in, text out."""
    return _client_of(os.getpid(), settings.REDIS_URL)


def channel_of(name: str) -> str:
    """Return a channel of this database: Redis publishes across all of its databases."""
    return f"{name}.{redis_client().connection_pool.connection_kwargs.get('db') or 0}"
