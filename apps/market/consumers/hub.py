"""One hub a process: one Redis subscription, each quote serialised once, all clients served."""

import asyncio
import json
import time
import uuid
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import redis.asyncio
import structlog
from django.conf import settings
from redis.exceptions import RedisError

from apps.infrastructure.keyvalue import channel_of
from apps.infrastructure.realtime import RECHECK_CHANNEL
from apps.market.consumers.frames import Codec
from apps.market.consumers.outlet import Outlet
from apps.market.domain.wire import QUOTES_CHANNEL

logger = structlog.get_logger(__name__)
POLL_SECONDS = 0.5
BACKOFF_CEILING_SECONDS = 5.0


class Part:
    """One quote, packed at most once per format, whatever the number of clients."""

    __slots__ = ("_packed", "quote")

    def __init__(self, quote: dict[str, str]) -> None:
        self.quote = quote
        self._packed: dict[bool, bytes] = {}

    def packed(self, codec: Codec) -> bytes:
        if codec.is_binary not in self._packed:
            self._packed[codec.is_binary] = codec.pack(self.quote)
        return self._packed[codec.is_binary]


class Hub:
    """Lives while the process has clients.

    `epoch` changes when the subscription to Redis was lost: quotes may be missing in between.
    """

    def __init__(self) -> None:
        self.epoch = uuid.uuid4().hex[:8]
        self.state = ""
        self.replayed_on: str | None = None
        self.latest: dict[str, Part] = {}
        self._subscribers: dict[str, set[Outlet]] = {}
        self._outlets: dict[Outlet, set[str]] = {}
        self._rechecks: dict[str, set[asyncio.Event]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._heard_at = time.monotonic()

    def join(self, outlet: Outlet) -> None:
        self._outlets[outlet] = set()
        if not self._tasks:
            self._heard_at = time.monotonic()
            self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]

    async def leave(self, outlet: Outlet) -> None:
        """Forget the client; after the last one the hub rests."""
        if outlet not in self._outlets:
            return
        self.unsubscribe(outlet, self.subscriptions(outlet))
        del self._outlets[outlet]
        if not self._outlets:
            tasks, self._tasks = self._tasks, []
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.latest.clear()

    def watch(self, user_id: UUID, recheck: asyncio.Event) -> None:
        """Set the event whenever something may have ended the user's sign-ins."""
        self._rechecks.setdefault(user_id.hex, set()).add(recheck)

    def unwatch(self, user_id: UUID, recheck: asyncio.Event) -> None:
        events = self._rechecks.get(user_id.hex, set())
        events.discard(recheck)
        if not events:
            self._rechecks.pop(user_id.hex, None)

    def subscriptions(self, outlet: Outlet) -> set[str]:
        return set(self._outlets.get(outlet, ()))

    def subscribe(self, outlet: Outlet, symbols: set[str]) -> None:
        self._outlets[outlet] |= symbols
        for symbol in symbols:
            self._subscribers.setdefault(symbol, set()).add(outlet)

    def unsubscribe(self, outlet: Outlet, symbols: set[str]) -> None:
        self._outlets[outlet] -= symbols
        outlet.forget(symbols)
        for symbol in symbols:
            outlets = self._subscribers.get(symbol, set())
            outlets.discard(outlet)
            if not outlets:
                self._subscribers.pop(symbol, None)

    def status(self) -> dict[str, Any]:
        """Return the feed's state as clients hear it: live or stale, and the replayed day."""
        return {
            "type": "status",
            "src": settings.MARKET_PROVIDER,
            "state": self.state or "stale",
            "replayed_on": self.replayed_on,
        }

    def seed(self, quotes: dict[str, dict[str, str]]) -> None:
        """Remember quotes read from the table, where nothing newer came by the feed."""
        for symbol, quote in quotes.items():
            self.latest.setdefault(symbol, Part(quote))

    async def _listen(self) -> None:
        pause = 0.1
        while True:
            try:
                async with redis.asyncio.Redis.from_url(
                    settings.REDIS_URL, socket_connect_timeout=2, decode_responses=True
                ) as client:
                    pubsub = client.pubsub()
                    rechecks = channel_of(RECHECK_CHANNEL)
                    await pubsub.subscribe(channel_of(QUOTES_CHANNEL), rechecks)
                    pause = 0.1
                    async for message in pubsub.listen():
                        if message["type"] != "message":
                            continue
                        if message["channel"] == rechecks:
                            self._recheck(message["data"])
                        else:
                            self._hear(message["data"])
            except (RedisError, OSError) as error:
                logger.warning("feed_subscription_lost", error=type(error).__name__)
            self.epoch = uuid.uuid4().hex[:8]
            await asyncio.sleep(pause)
            pause = min(pause * 2, BACKOFF_CEILING_SECONDS)

    def _recheck(self, user_hex: str) -> None:
        for event in self._rechecks.get(user_hex, ()):
            event.set()

    def _hear(self, text: str) -> None:
        """Spread a batch; one that cannot be read is dropped and does not end the feed."""
        try:
            self._spread(json.loads(text))
        except (ValueError, KeyError, TypeError):
            logger.exception("feed_batch_unreadable")

    def _spread(self, batch: dict[str, Any]) -> None:
        self._heard_at = time.monotonic()
        for quote in batch["quotes"]:
            symbol, part = quote["s"], Part(quote)
            self.latest[symbol] = part
            for outlet in self._subscribers.get(symbol, ()):
                outlet.put_quote(self.epoch, symbol, part.packed(outlet.codec))
        self._tell("live", batch["replayed_on"])

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if time.monotonic() - self._heard_at > settings.LIVE_FEED["stale_after_seconds"]:
                self._tell("stale", self.replayed_on)

    def _tell(self, state: str, replayed_on: str | None) -> None:
        if (state, replayed_on) == (self.state, self.replayed_on):
            return
        self.state, self.replayed_on = state, replayed_on
        for outlet, symbols in self._outlets.items():
            if symbols:
                outlet.put(self.status())


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def current_hub() -> Hub:
    """Return the hub of this event loop, which is the process's only one in service."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
