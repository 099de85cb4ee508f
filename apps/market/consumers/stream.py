"""/ws/v1/stream: sign in, subscribe, and hear prices and private events."""

import asyncio
import time
import uuid
from collections.abc import Coroutine
from typing import Any

import structlog
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from apps.infrastructure.realtime import user_group
from apps.infrastructure.security_log import record
from apps.market import selectors
from apps.market.consumers import frames
from apps.market.consumers.connections import (
    connection_claim,
    connection_keep,
    connection_release,
)
from apps.market.consumers.frames import FrameError, Request
from apps.market.consumers.hub import current_hub
from apps.market.consumers.identity import (
    Identity,
    identity_of_session,
    identity_of_token,
    identity_refusal,
    origin_is_foreign,
)
from apps.market.consumers.outlet import Outlet
from apps.market.domain.quotes import Quote
from apps.market.domain.wire import client_quote

logger = structlog.get_logger(__name__)
JOIN_TIMEOUT_SECONDS = 2


class StreamConsumer(AsyncWebsocketConsumer):
    """One client.  Everything it is sent passes its outlet, so that it waits for nobody else."""

    # Private events are read by a task of our own, which outlives an outage of Redis.
    channel_layer_alias = ""

    async def connect(self) -> None:
        if origin_is_foreign(self.scope):
            record("origin.refused")
            await self.close()
            return
        limits = settings.LIVE_FEED
        offered = self.scope.get("subprotocols") or []
        known = (frames.SUBPROTOCOL_MSGPACK, frames.SUBPROTOCOL_JSON)
        chosen = next((name for name in offered if name in known), None)
        is_binary = chosen == frames.SUBPROTOCOL_MSGPACK
        self.codec = frames.MSGPACK if is_binary else frames.JSON
        self.connection_id = uuid.uuid4().hex
        self.identity: Identity | None = None
        self.private: set[str] = set()
        self.private_task: asyncio.Task[None] | None = None
        self.has_joined = asyncio.Event()
        self.recheck = asyncio.Event()
        self.is_closing = False
        self.allowance, self.allowed_at = float(limits["msgs_s"]), time.monotonic()
        self.epoch = uuid.uuid4().hex[:8]
        await self.accept(subprotocol=chosen)
        self.outlet = Outlet(self.codec, self._write, self._end, limits["send_timeout_seconds"])
        self.hub = current_hub()
        self.hub.join(self.outlet)
        self.tasks = {self._start(self.outlet.run()), self._start(self._beat())}
        self.outlet.put(
            {
                "type": "welcome",
                "v": 1,
                "hb_ms": limits["heartbeat_ms"],
                "auth_by_ms": limits["auth_by_ms"],
                "limits": {"symbols": limits["symbols"], "msgs_s": limits["msgs_s"]},
            }
        )
        try:
            await self._admit(await identity_of_session(self.scope))
        except DatabaseError as error:
            logger.warning("session_not_read", error=type(error).__name__)
            self.outlet.finish(frames.CLOSE_TRY_AGAIN)

    @staticmethod
    def _start(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        return asyncio.create_task(work)

    async def disconnect(self, code: int) -> None:
        if not hasattr(self, "outlet"):
            return
        tasks = [*self.tasks, *([self.private_task] if self.private_task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.hub.leave(self.outlet)
        if self.identity is not None:
            self.hub.unwatch(self.identity.user_id, self.recheck)
            await sync_to_async(connection_release)(
                user_id=self.identity.user_id, connection_id=self.connection_id
            )

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer one frame; whatever it holds, the worst that happens is an error frame."""
        if self.is_closing:
            return
        try:
            self._count_frame()
            frame = text_data if text_data is not None else bytes_data or b""
            message = self.codec.read(frame)
            request = frames.parse(message, max_symbols=settings.LIVE_FEED["symbols"])
            try:
                await self._answer(request)
            except FrameError as error:
                error.frame_id = request.frame_id
                raise
        except FrameError as error:
            self.outlet.put(error.message())
        except DatabaseError:
            self.outlet.put(FrameError(5030, "Not available now; try again.").message())

    def _count_frame(self) -> None:
        """Spend one of the frames that the client may send a second; raises FrameError."""
        rate, now = float(settings.LIVE_FEED["msgs_s"]), time.monotonic()
        self.allowance = min(rate, self.allowance + (now - self.allowed_at) * rate)
        self.allowed_at = now
        if self.allowance < 1:
            raise FrameError(4290, "Too many frames.", retry_ms=1000)
        self.allowance -= 1

    async def _answer(self, request: Request) -> None:
        if request.op == "auth":
            await self._authenticate(request)
            return
        if self.identity is None:
            raise FrameError(4010, "Authenticate first.")
        if request.op == "subscribe":
            if not self.identity.may_hear(request.channel):
                record(
                    "authorisation.denied",
                    user_id=self.identity.user_id,
                    channel=request.channel,
                )
                raise FrameError(4030, "This channel is not open to you.")
            await self._subscribe(request)
        else:
            self._unsubscribe(request)

    async def _authenticate(self, request: Request) -> None:
        if self.identity is not None:
            raise FrameError(4000, "The connection is authenticated already.")
        identity = await identity_of_token(request.token)
        if identity is None:
            record("ws_token.refused")
            self.outlet.put(
                {**FrameError(4010, "The token is not valid.").message(), "id": request.frame_id}
            )
            self.outlet.finish(frames.CLOSE_UNAUTHENTICATED)
        elif await self._admit(identity):
            self._acknowledge(request)

    async def _admit(self, identity: Identity | None) -> bool:
        """Let the user in unless the user's connections are too many."""
        if identity is None:
            return False
        has_place = await sync_to_async(connection_claim)(
            user_id=identity.user_id,
            connection_id=self.connection_id,
            limit=settings.LIVE_FEED["connections"],
            life_seconds=self._place_seconds(),
        )
        if has_place:
            self.identity = identity
            self.hub.watch(identity.user_id, self.recheck)
            self.tasks.add(self._start(self._guard(identity)))
        else:
            self.outlet.finish(frames.CLOSE_TOO_MANY_CONNECTIONS)
        return has_place

    @staticmethod
    def _place_seconds() -> float:
        return 3 * float(settings.LIVE_FEED["heartbeat_ms"]) / 1000

    def _acknowledge(self, request: Request) -> None:
        subs: dict[str, list[str]] = {channel: [] for channel in sorted(self.private)}
        if symbols := self.hub.subscriptions(self.outlet):
            subs[frames.QUOTES] = sorted(symbols)
        self.outlet.put({"type": "ack", "id": request.frame_id, "subs": subs})

    async def _subscribe(self, request: Request) -> None:
        if request.channel != frames.QUOTES:
            await self._subscribe_private(request)
            return
        wanted = set(request.symbols)
        limit = settings.LIVE_FEED["symbols"]
        if len(wanted | self.hub.subscriptions(self.outlet)) > limit:
            raise FrameError(4130, f"At most {limit} symbols.", limit=limit)
        if unknown := wanted - await _known_symbols(wanted):
            raise FrameError(4040, "There is no such symbol.", symbols=sorted(unknown))
        cold = wanted - set(self.hub.latest)
        self.hub.seed(await _last_quotes(cold) if cold else {})
        self.outlet.conflate_seconds = request.conflate_ms / 1000
        self.hub.subscribe(self.outlet, wanted)
        self._acknowledge(request)
        latest = self.hub.latest
        known = [symbol for symbol in request.symbols if symbol in latest]
        parts = {symbol: latest[symbol].packed(self.codec) for symbol in known}
        self.outlet.put_snapshot(self.hub.epoch, parts)
        self.outlet.put(self.hub.status())

    async def _subscribe_private(self, request: Request) -> None:
        if self.private_task is None:
            self.private_task = self._start(self._hear_private())
        try:
            await asyncio.wait_for(self.has_joined.wait(), JOIN_TIMEOUT_SECONDS)
        except TimeoutError as error:
            raise FrameError(5030, "Not available now; try again.") from error
        self.private.add(request.channel)
        self._acknowledge(request)

    def _unsubscribe(self, request: Request) -> None:
        if request.channel == frames.QUOTES:
            self.hub.unsubscribe(self.outlet, set(request.symbols))
        else:
            self.private.discard(request.channel)
        self._acknowledge(request)

    async def _beat(self) -> None:
        """Demand authentication in time, then send a heartbeat each beat and keep the place."""
        limits = settings.LIVE_FEED
        deadline = time.monotonic() + limits["auth_by_ms"] / 1000
        pause, number = limits["heartbeat_ms"] / 1000, 0
        while True:
            wait = pause if self.identity else min(pause, max(0.0, deadline - time.monotonic()))
            await asyncio.sleep(wait)
            if self.identity is None:
                if time.monotonic() >= deadline:
                    self.outlet.finish(frames.CLOSE_UNAUTHENTICATED)
                    return
            else:
                await sync_to_async(connection_keep)(
                    user_id=self.identity.user_id,
                    connection_id=self.connection_id,
                    life_seconds=self._place_seconds(),
                )
            number += 1
            self.outlet.put({"type": "heartbeat", "n": number})

    async def _guard(self, identity: Identity) -> None:
        """End the connection with its sign-in: when told to look, and every few seconds anyway."""
        while True:
            try:
                seconds = settings.LIVE_FEED["recheck_ms"] / 1000
                await asyncio.wait_for(self.recheck.wait(), seconds)
            except TimeoutError:
                pass
            self.recheck.clear()
            try:
                code = await identity_refusal(identity)
            except DatabaseError as error:
                # An outage of the database signs nobody out.
                logger.warning("identity_not_checked", error=type(error).__name__)
                continue
            if code is not None:
                self.outlet.cut(code)
                return

    async def _hear_private(self) -> None:
        """Pass the user's own events on; survives outages of the channel layer."""
        if self.identity is None:
            return
        group, pause = user_group(self.identity.user_id), 0.1
        while True:
            layer = get_channel_layer()
            try:
                channel = await layer.new_channel()
                await layer.group_add(group, channel)
                self.has_joined.set()
                pause = 0.1
                try:
                    while True:
                        self._pass_on(await layer.receive(channel))
                finally:
                    await layer.group_discard(group, channel)
            except (RedisError, OSError) as error:
                logger.warning("private_events_lost", error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    def _pass_on(self, message: dict[str, Any]) -> None:
        channel = message["channel"]
        if channel not in self.private or self.identity is None:
            return
        if not self.identity.is_within_reach(message["data"]):
            return
        self.outlet.put(
            {
                "type": "update",
                "ch": channel,
                "epoch": self.epoch,
                "seq": self.outlet.next_seq(channel),
                "event_id": message["event_id"],
                "data": [message["data"]],
            }
        )

    async def _write(self, frame: bytes) -> None:
        if self.codec.is_binary:
            await self.send(bytes_data=frame)
        else:
            await self.send(text_data=frame.decode())

    async def _end(self, code: int) -> None:
        """Close once; a client that does not read hears it when it reads again."""
        if self.is_closing:
            return
        self.is_closing = True
        await self.hub.leave(self.outlet)
        await self.close(code)


@database_sync_to_async
def _known_symbols(symbols: set[str]) -> set[str]:
    listed = selectors.instrument_list(only_tradable=False).filter(symbol__in=symbols)
    return set(listed.values_list("symbol", flat=True))


@database_sync_to_async
def _last_quotes(symbols: set[str]) -> dict[str, dict[str, str]]:
    quotes: dict[str, Quote] = selectors.quotes_get(symbols)
    return {symbol: client_quote(quote) for symbol, quote in quotes.items()}
