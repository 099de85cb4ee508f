"""A WebSocket client of the live feed, as a developer would write it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.e2e.api import Api


def wait_for(condition: Callable[[], Any], *, seconds: float = 60, what: str = "") -> Any:
    """Return the first true value of the condition; fail when it does not come in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.3)
    raise AssertionError(f"Not within {seconds} s: {what}")


@contextmanager
def stream_of(api: Api) -> Iterator["Stream"]:
    """Open one connection to /ws/v1/stream, authenticated with a one-use token."""
    token = api.call("POST", "/ws-tokens").body["token"]
    url = api.base_url.replace("http", "ws", 1) + "/ws/v1/stream"
    with connect(url, origin=Origin(api.base_url)) as socket:
        stream = Stream(socket)
        assert stream.receive("welcome")["v"] == 1
        stream.send({"op": "auth", "id": 1, "token": token})
        assert stream.receive("ack")["id"] == 1
        yield stream


class Stream:
    """What one sends to and hears from the live feed."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def send(self, message: dict[str, Any]) -> None:
        self.socket.send(json.dumps(message))

    def receive(self, kind: str, *, seconds: float = 30, channel: str = "") -> dict[str, Any]:
        """Return the next message of the kind (and channel), passing over the others."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            message: dict[str, Any] = json.loads(self.socket.recv(timeout=left))
            if message["type"] == kind and channel in {"", message.get("ch")}:
                return message
        raise AssertionError(f"No {kind} within {seconds} s")
