"""A broker on this machine that speaks Alpaca's documented protocols over real sockets, and errs.

It does not refuse a client_order_id that it has seen, unless told: what keeps orders single has to
be our own doing.
"""

import base64
import hashlib
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

KEY_ID, SECRET_KEY = "PKTEST", "a secret of the tests alone"
ACCOUNT_ID = "c8f1ef5d-edc0-4f23-9ee4-378f19cb92a4"
WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# How long a slow answer takes: longer than the tests' clients wait.
SLOW_SECONDS = 0.12
# `before`: the request is lost; `after`: it is carried out, and its answer is lost.
FAULTS = (
    *("busy", "error_before", "error_after", "reset_before", "reset_after", "slow_before"),
    *("slow_after", "late", "garbage_before", "garbage_after", "cut_after", "unauthorised"),
)
UNKNOWN = 404, {"code": 40410000, "message": "order not found"}
ENDS = {"filled", "canceled", "expired", "replaced", "rejected"}


def _text(value: Decimal) -> str:
    return f"{value.normalize():f}"


class AlpacaServer:
    """`faults` are used up one a request; `orders` are by id, in the order in which they came."""

    def __init__(self) -> None:
        self.faults: deque[str] = deque()
        self.orders: dict[str, dict[str, Any]] = {}
        self.activities: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.cash = Decimal(0)
        self.positions: dict[str, Decimal] = {}
        self.account_id = ACCOUNT_ID
        self.is_unique = False
        self.refusal: tuple[int, int] | None = None
        self.lock = threading.RLock()
        self.streams: list[socket.socket] = []
        self.timers: list[threading.Timer] = []
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.http.daemon_threads = True
        self.http.broker = self  # type: ignore[attr-defined]
        self.thread = threading.Thread(
            target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    def close(self) -> None:
        self.drop()
        for timer in self.timers:
            timer.cancel()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    # What happens at the market.

    def order(self, client_order_id: object) -> dict[str, Any]:
        found = [
            one for one in self.orders.values() if one["client_order_id"] == str(client_order_id)
        ]
        assert len(found) == 1, f"{len(found)} orders under one id"
        return found[0]

    def fill(
        self,
        client_order_id: object,
        quantity: str,
        price: str = "100",
        *,
        quiet: bool = False,
        is_late: bool = False,
    ) -> bytes:
        """Trade; return the stream's message, which is sent unless `quiet`."""
        with self.lock:
            order, units = self.order(client_order_id), Decimal(quantity)
            filled = Decimal(order["filled_qty"]) + units
            order["filled_qty"] = _text(filled)
            is_full = filled == Decimal(order["qty"])
            if not is_late or is_full:
                order["status"] = "filled" if is_full else "partially_filled"
            at = datetime.now(UTC)
            execution = {
                "qty": quantity,
                "price": price,
                "side": order["side"],
                "symbol": order["symbol"],
            }
            kind = "fill" if is_full else "partial_fill"
            self.activities.append(
                {
                    **execution,
                    "id": f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}::{uuid4()}",
                    "activity_type": "FILL",
                    "type": kind,
                    "cum_qty": order["filled_qty"],
                    "leaves_qty": _text(Decimal(order["qty"]) - filled),
                    "order_id": order["id"],
                    "transaction_time": at.isoformat().replace("+00:00", "Z"),
                }
            )
            sign = 1 if order["side"] == "buy" else -1
            symbol = order["symbol"]
            self.positions[symbol] = self.positions.get(symbol, Decimal(0)) + sign * units
            self.cash -= sign * units * Decimal(price)
            message = self.message(kind, order, **execution, execution_id=str(uuid4()))
        return message if quiet else self.push(message)

    def end(self, client_order_id: object, status: str, *, quiet: bool = False) -> bytes:
        """Let the order become canceled, expired or rejected."""
        with self.lock:
            order = self.order(client_order_id)
            order["status"] = status
            message = self.message(status, order)
        return message if quiet else self.push(message)

    def routed(self, client_order_id: object, *, quiet: bool = False) -> bytes:
        """Let the order reach its market; what it replaces is gone then."""
        with self.lock:
            order = self.order(client_order_id)
            order["status"] = "new"
            former = self.orders.get(order["replaces"] or "")
            if former is not None:
                former["status"] = "replaced"
                self.push(self.message("replaced", former))
            message = self.message("new", order)
        return message if quiet else self.push(message)

    def message(self, event: str, order: dict[str, Any], **more: Any) -> bytes:
        at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        data = {"event": event, "timestamp": at, "order": dict(order), **more}
        return json.dumps({"stream": "trade_updates", "data": data}).encode()

    def push(self, message: bytes) -> bytes:
        """Send a binary frame to everybody who listens."""
        for stream in list(self.streams):
            with suppress(OSError):
                stream.sendall(_frame(2, message))
        return message

    def drop(self) -> None:
        """Cut every stream off, without a goodbye."""
        for stream in self.streams:
            with suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
        self.streams.clear()

    # What is asked by REST.

    def act(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        with self.lock:
            if self.refusal is not None and method in {"POST", "PATCH"}:
                status, code = self.refusal
                return status, {"code": code, "message": "no"}
            if path == "/v2/account":
                return 200, {"id": self.account_id, "currency": "USD", "cash": _text(self.cash)}
            if path == "/v2/positions":
                return 200, [
                    {
                        "symbol": symbol,
                        "qty": _text(units),
                        "side": "long" if units > 0 else "short",
                    }
                    for symbol, units in self.positions.items()
                    if units
                ]
            if path == "/v2/account/activities/FILL":
                return 200, self._page(query)
            return self._orders(method, path, query, body)

    def _page(self, query: dict[str, str]) -> list[dict[str, Any]]:
        after = datetime.fromisoformat(query["after"])
        wanted = [
            one
            for one in self.activities
            if datetime.fromisoformat(one["transaction_time"]) > after
        ]
        names = [one["id"] for one in wanted]
        start = names.index(query["page_token"]) + 1 if "page_token" in query else 0
        return wanted[start : start + int(query["page_size"])]

    def _orders(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if path == "/v2/orders:by_client_order_id":
            name = query["client_order_id"]
            found = [one for one in self.orders.values() if one["client_order_id"] == name]
            return (200, dict(found[-1])) if found else UNKNOWN
        if path == "/v2/orders" and method == "GET":
            return 200, [one for one in self.orders.values() if one["status"] not in ENDS]
        if path == "/v2/orders":
            return self._take(body)
        order = self.orders.get(path.rpartition("/")[2])
        return UNKNOWN if order is None else self._change(method, order, body)

    def _change(self, method: str, order: dict[str, Any], body: Any) -> tuple[int, Any]:
        if order["status"] in ENDS:
            return 422, {"code": 42210000, "message": "order is not open"}
        if method == "DELETE":
            order["status"] = "pending_cancel"
            return 204, None
        terms = {**order, **body, "replaces": order["id"]}
        order["status"] = "pending_replace"
        return self._take(terms, status="accepted")

    def _take(self, body: Any, status: str = "new") -> tuple[int, Any]:
        seen = {one["client_order_id"] for one in self.orders.values()}
        if self.is_unique and body["client_order_id"] in seen:
            return 422, {"code": 40010001, "message": "client_order_id must be unique"}
        order = {"replaces": None, **body, "id": str(uuid4()), "status": status, "filled_qty": "0"}
        self.orders[order["id"]] = order
        return 200, dict(order)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    @property
    def broker(self) -> AlpacaServer:
        broker: AlpacaServer = self.server.broker  # type: ignore[attr-defined]
        return broker

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/stream":
            self._stream()
            return
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        broker = self.broker
        broker.requests.append(f"{self.command} {parts.path}")
        fault = broker.faults.popleft() if broker.faults else ""
        try:
            self._answer(fault, lambda: broker.act(self.command, parts.path, query, body))
        except OSError:
            self.close_connection = True

    def _answer(self, fault: str, act: Any) -> None:
        if self.headers.get("APCA-API-SECRET-KEY") != SECRET_KEY or fault == "unauthorised":
            self._write(401, json.dumps({"code": 40110000, "message": "no"}).encode())
            return
        if fault == "busy":
            self._write(429, b'{"message": "too many"}', {"Retry-After": "2"})
            return
        if fault == "late":
            timer = threading.Timer(SLOW_SECONDS, act)
            self.broker.timers.append(timer)
            timer.start()
        is_done = fault == "" or fault.endswith("_after")
        status, answer = act() if is_done else (200, {})
        kind = fault.partition("_")[0]
        if kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        if kind in {"slow", "late"}:
            time.sleep(SLOW_SECONDS)
        content = b"" if answer is None else json.dumps(answer).encode()
        if kind == "error":
            status, content = 504, b"<html>gateway time-out</html>"
        elif kind == "garbage":
            content = b"\xff\xfe\x00{]"
        self._write(status, content, is_cut=kind == "cut")

    def _write(
        self,
        status: int,
        content: bytes,
        headers: dict[str, str] | None = None,
        *,
        is_cut: bool = False,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if is_cut else content)
        if is_cut:
            self.close_connection = True

    def _stream(self) -> None:
        """Speak as much of RFC 6455 as Alpaca's clients need: sign in, listen, hear."""
        key = self.headers["Sec-WebSocket-Key"].encode()
        accept = base64.b64encode(
            hashlib.sha1(key + WEBSOCKET_GUID, usedforsecurity=False).digest()
        )
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept.decode())
        self.end_headers()
        self.close_connection = True
        with suppress(OSError, ValueError, struct.error):
            while True:
                opcode, payload = self._read_frame()
                if opcode == 8:
                    self.connection.sendall(_frame(8, payload))
                    return
                if opcode == 9:
                    self.connection.sendall(_frame(10, payload))
                elif opcode in {1, 2}:
                    self._told(json.loads(payload))

    def _told(self, message: dict[str, Any]) -> None:
        if message["action"] == "auth":
            is_good = (message["key"], message["secret"]) == (KEY_ID, SECRET_KEY)
            status = "authorized" if is_good else "unauthorized"
            data: dict[str, Any] = {"action": "authenticate", "status": status}
            self._say("authorization", data)
        elif message["action"] == "listen":
            self._say("listening", message["data"])
            self.broker.streams.append(self.connection)

    def _say(self, stream: str, data: dict[str, Any]) -> None:
        payload = json.dumps({"stream": stream, "data": data}).encode()
        self.connection.sendall(_frame(2, payload))

    def _read_frame(self) -> tuple[int, bytes]:
        first, second = struct.unpack("BB", self.rfile.read(2))
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", self.rfile.read(2))
        mask = self.rfile.read(4)
        payload = self.rfile.read(length)
        return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


for verb in ("GET", "POST", "PATCH", "DELETE"):
    setattr(_Handler, f"do_{verb}", _Handler._serve)


def _frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    head = struct.pack("BB", 0x80 | opcode, size) if size < 126 else b""
    if 126 <= size < 65536:
        head = struct.pack(">BBH", 0x80 | opcode, 126, size)
    return head + payload


@contextmanager
def alpaca_server() -> Iterator[AlpacaServer]:
    server = AlpacaServer()
    server.thread.start()
    try:
        yield server
    finally:
        server.close()


def account_of(server: AlpacaServer, **more: Any) -> dict[str, Any]:
    """Return settings.ALPACA for the server, with the patience of a test."""
    return {
        "url": server.url,
        "account": "PAPER",
        "key_id": KEY_ID,
        "secret_key": SECRET_KEY,
        "connect": 0.5,
        "answer": SLOW_SECONDS / 2,
        "settle": 3 * SLOW_SECONDS,
        "overlap": timedelta(minutes=5).total_seconds(),
        **more,
    }
