"""What waits to be written to one client; nobody but the client's own writer waits for it."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from apps.market.consumers.frames import CLOSE_SLOW_CLIENT, QUOTES, Codec

QUEUE_LENGTH = 256
Send = Callable[[bytes], Awaitable[None]]
Close = Callable[[int], Awaitable[None]]


class Outlet:
    """Ordered messages in a bounded queue, quotes conflated beside it.

    Of several quotes of one symbol the newest is sent, and `conflated` counts the others.  The
    client is closed with 4408 when the queue is full or one frame takes longer than
    `send_timeout_seconds`.
    """

    def __init__(self, codec: Codec, send: Send, close: Close, send_timeout_seconds: float) -> None:
        self.codec = codec
        self.conflate_seconds = 0.0
        self.is_broken = False
        self._close_code: int | None = None
        self._send, self._close = send, close
        self._send_timeout_seconds = send_timeout_seconds
        self._queue: deque[bytes] = deque()
        self._quotes: dict[str, bytes] = {}
        self._conflated = 0
        self._epoch = ""
        self._seq: dict[str, int] = {}
        self._due_at = 0.0
        self._wake = asyncio.Event()

    def put(self, message: dict[str, Any]) -> None:
        """Queue a message that must arrive, in order."""
        self._append(self.codec.pack(message))

    def _append(self, frame: bytes) -> None:
        if len(self._queue) >= QUEUE_LENGTH:
            self.is_broken = True
        else:
            self._queue.append(frame)
        self._wake.set()

    def put_snapshot(self, epoch: str, parts: dict[str, bytes]) -> None:
        """Queue a snapshot; what was pending for its symbols is older and is dropped."""
        for symbol in parts:
            self._quotes.pop(symbol, None)
        head = {"type": "snapshot", "ch": QUOTES, "epoch": epoch, "seq": self.next_seq(QUOTES)}
        self._append(self.codec.join(head, list(parts.values())))

    def put_quote(self, epoch: str, symbol: str, part: bytes) -> None:
        if symbol in self._quotes:
            self._conflated += 1
        self._quotes[symbol] = part
        self._epoch = epoch
        self._wake.set()

    def forget(self, symbols: set[str]) -> None:
        for symbol in symbols:
            self._quotes.pop(symbol, None)

    def finish(self, code: int) -> None:
        """Close with that code once everything in the queue was written; the first code counts."""
        if self._close_code is None:
            self._close_code = code
        self._wake.set()

    def cut(self, code: int) -> None:
        """Close with that code now: what waits is for nobody any more."""
        self._queue.clear()
        self._quotes.clear()
        self.finish(code)

    def next_seq(self, channel: str) -> int:
        self._seq[channel] = self._seq.get(channel, 0) + 1
        return self._seq[channel]

    async def run(self) -> None:
        """Write until cancelled or until the client turns out to be stuck."""
        code = CLOSE_SLOW_CLIENT
        try:
            while not self.is_broken:
                await self._wait()
                await self._drain()
                if self._close_code is not None and not self.is_broken:
                    code = self._close_code
                    break
                if self._quotes and time.monotonic() >= self._due_at:
                    await self._write(self._update())
        except TimeoutError:
            self.is_broken = True
        except OSError:
            return  # the client has gone
        await self._close(code)

    async def _drain(self) -> None:
        while self._queue and not self.is_broken:
            await self._write(self._queue.popleft())

    async def _wait(self) -> None:
        """Sleep until something new comes, or until the quotes that wait are due."""
        pause = max(0.0, self._due_at - time.monotonic()) if self._quotes else None
        try:
            await asyncio.wait_for(self._wake.wait(), pause)
        except TimeoutError:
            return
        self._wake.clear()

    def _update(self) -> bytes:
        head = {
            "type": "update",
            "ch": QUOTES,
            "epoch": self._epoch,
            "seq": self.next_seq(QUOTES),
            "conflated": self._conflated,
        }
        frame = self.codec.join(head, list(self._quotes.values()))
        self._quotes, self._conflated = {}, 0
        self._due_at = time.monotonic() + self.conflate_seconds
        return frame

    async def _write(self, frame: bytes) -> None:
        await asyncio.wait_for(self._send(frame), self._send_timeout_seconds)
