"""Two-level cache: this process's memory first, Redis second, and never a reason to fail."""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast
from weakref import WeakSet

import pybreaker
import redis
import structlog

from apps.infrastructure.keyvalue import redis_client
from apps.infrastructure.resilience import breaker

logger = structlog.get_logger(__name__)
T = TypeVar("T")
LOCAL_ENTRIES_MAX = 20_000
_instances: "WeakSet[TwoLevelCache]" = WeakSet()


class TwoLevelCache:
    """JSON values under `name`, shared by Redis for `ttl_seconds`.

    A value in memory is trusted for `local_ttl_seconds`.  While Redis does not answer, values in
    memory are served until `ttl_seconds` old, and everything else is a miss (None).
    """

    def __init__(self, name: str, ttl_seconds: float, local_ttl_seconds: float) -> None:
        self.name = name
        self.ttl_seconds = ttl_seconds
        self.local_ttl_seconds = local_ttl_seconds
        self._local: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._lock = threading.Lock()
        _instances.add(self)

    def get(self, key: str) -> Any | None:
        return self.get_many([key]).get(key)

    def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the known values by key; keys that nobody knows are absent."""
        wanted = list(dict.fromkeys(keys))
        found = self._from_local(wanted, self.local_ttl_seconds)
        missing = [key for key in wanted if key not in found]
        if not missing:
            return found
        names = [self._key(key) for key in missing]
        answer = self._ask(lambda client: cast("list[str | None]", client.mget(names)))
        if answer is None:
            return found | self._from_local(missing, self.ttl_seconds)
        fetched = {
            key: json.loads(text)
            for key, text in zip(missing, answer, strict=True)
            if text is not None
        }
        self._to_local(fetched)
        return found | fetched

    def set(self, key: str, value: Any) -> None:
        self.set_many({key: value})

    def set_many(self, mapping: Mapping[str, Any]) -> None:
        """Keep the values here and in Redis.  Raises TypeError for what JSON cannot hold."""
        texts = {key: json.dumps(value, separators=(",", ":")) for key, value in mapping.items()}
        self._to_local({key: json.loads(text) for key, text in texts.items()})

        def write(client: "redis.Redis") -> bool:
            with client.pipeline(transaction=False) as pipeline:
                for key, text in texts.items():
                    pipeline.set(self._key(key), text, px=int(self.ttl_seconds * 1000))
                pipeline.execute()
            return True

        if texts:
            self._ask(write)

    def delete(self, key: str) -> None:
        with self._lock:
            self._local.pop(key, None)
        self._ask(lambda client: client.delete(self._key(key)))

    def clear_local(self) -> None:
        with self._lock:
            self._local.clear()

    def _key(self, key: str) -> str:
        return f"cache:{self.name}:{key}"

    def _from_local(self, keys: Iterable[str], max_age_seconds: float) -> dict[str, Any]:
        oldest = time.monotonic() - max_age_seconds
        with self._lock:
            entries = {key: self._local[key] for key in keys if key in self._local}
        return {key: value for key, (stored_at, value) in entries.items() if stored_at > oldest}

    def _to_local(self, values: Mapping[str, Any]) -> None:
        now = time.monotonic()
        with self._lock:
            for key, value in values.items():
                self._local[key] = (now, value)
                self._local.move_to_end(key)
            while len(self._local) > LOCAL_ENTRIES_MAX:
                self._local.popitem(last=False)

    def _ask(self, question: "Callable[[redis.Redis], T]") -> T | None:
        """Ask Redis; None when it does not answer."""
        try:
            answer: T = breaker("redis").call(question, redis_client())
        except (redis.RedisError, OSError, pybreaker.CircuitBreakerError) as error:
            logger.warning("cache_unreachable", cache=self.name, error=type(error).__name__)
            return None
        return answer


def clear_local_caches() -> None:
    """Forget what this process's memory holds; Redis keeps its level."""
    for instance in list(_instances):
        instance.clear_local()
