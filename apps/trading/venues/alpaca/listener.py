"""The trade_updates stream of Alpaca: signed in, listening, one message after the other."""

import json
import ssl
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from apps.trading.venues.alpaca.wire import decoded, told
from apps.trading.venues.base import Garbage, Told, VenueUnreachable

logger = structlog.get_logger(__name__)
MESSAGE_BYTES = 1024 * 1024
STREAM = "trade_updates"


class AlpacaListener:
    """Connects when it is made; raises VenueUnreachable."""

    def __init__(self, account: Mapping[str, Any]) -> None:
        self.connect_seconds: float = account["connect"]
        parts = urlsplit(account["url"])
        scheme = "wss" if parts.scheme == "https" else "ws"
        self.exits = ExitStack()
        try:
            self.connection = self._connected(f"{scheme}://{parts.netloc}/stream")
            self._sign_in(account)
        except (OSError, WebSocketException, Garbage) as error:
            self.close()
            raise VenueUnreachable(type(error).__name__) from error

    def _connected(self, url: str) -> ClientConnection:
        connecting = connect(
            url,
            ssl=_tls() if url.startswith("wss:") else None,
            open_timeout=self.connect_seconds,
            close_timeout=self.connect_seconds,
            max_size=MESSAGE_BYTES,
        )
        return self.exits.enter_context(connecting)

    def _sign_in(self, account: Mapping[str, Any]) -> None:
        self._send(action="auth", key=account["key_id"], secret=account["secret_key"])
        if self._answer("authorization").get("status") != "authorized":
            raise Garbage("not authorised")
        self._send(action="listen", data={"streams": [STREAM]})
        if STREAM not in self._answer("listening").get("streams", []):
            raise Garbage("not listening")

    def _send(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def _answer(self, stream: str) -> dict[str, Any]:
        """Return the data of the next message of that stream; others before it are skipped."""
        until = time.monotonic() + self.connect_seconds
        while (left := until - time.monotonic()) > 0:
            message = decoded(self.connection.recv(left))
            if isinstance(message, dict) and message.get("stream") == stream:
                data = message.get("data")
                return data if isinstance(data, dict) else {}
        raise TimeoutError

    def heard(self, timeout_seconds: float) -> Iterable[Told] | None:
        """Return what the next message says; None for silence.  Raises Garbage (the message is
        lost, the connection is not) and VenueUnreachable (it ended).
        """
        try:
            raw = self.connection.recv(timeout_seconds)
        except TimeoutError:
            return None
        except (OSError, WebSocketException) as error:
            raise VenueUnreachable(type(error).__name__) from error
        message = decoded(raw)
        if not isinstance(message, dict):
            raise Garbage("no message")
        return told(message.get("data")) if message.get("stream") == STREAM else []

    def close(self) -> None:
        self.exits.close()


def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=settings.OUTBOUND_CA_FILE or None)
