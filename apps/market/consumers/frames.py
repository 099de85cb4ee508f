"""The words of the live feed: what a client may send, and how an answer is written."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgpack
from rest_framework.exceptions import ParseError

from apps.core.domain.instruments import SYMBOL_PATTERN
from apps.infrastructure.api.parsers import parse_json

SUBPROTOCOL_JSON = "stratford.v1.json"
SUBPROTOCOL_MSGPACK = "stratford.v1.msgpack"
QUOTES = "quotes"
PRIVATE_CHANNELS = frozenset({"orders", "alerts", "notifications"})
CHANNELS = PRIVATE_CHANNELS | {QUOTES}
MAX_FRAME_BYTES = 16 * 1024
MAX_ID = 2**53
MAX_CONFLATE_MS = 60_000

# Why the server closes.
CLOSE_TRY_AGAIN = 1013
CLOSE_UNAUTHENTICATED = 4401
CLOSE_FORBIDDEN = 4403
CLOSE_TOO_MANY_CONNECTIONS = 4406
CLOSE_SLOW_CLIENT = 4408

SLUGS = {
    4000: "bad_request",
    4010: "unauthenticated",
    4030: "not_permitted",
    4040: "unknown_symbol",
    4041: "unknown_channel",
    4130: "too_many_symbols",
    4290: "rate_limited",
    5030: "unavailable",
}


class FrameError(Exception):
    """A frame that is refused; the connection lives on."""

    def __init__(self, code: int, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.code, self.detail, self.facts = code, detail, facts
        self.frame_id: int | None = None

    def message(self) -> dict[str, Any]:
        return {
            "type": "error",
            "id": self.frame_id,
            "code": self.code,
            "slug": SLUGS[self.code],
            "detail": self.detail,
            **self.facts,
        }


@dataclass(frozen=True, slots=True)
class Codec:
    """`pack` writes one message; `join` writes one around parts that were packed before."""

    is_binary: bool
    pack: Callable[[Any], bytes]
    join: Callable[[Mapping[str, Any], list[bytes]], bytes]

    def read(self, frame: str | bytes) -> dict[str, Any]:
        """Return the client's message; raises FrameError for anything that is not an object."""
        if isinstance(frame, bytes) is not self.is_binary:
            kind = "binary" if self.is_binary else "text"
            raise FrameError(4000, f"This connection takes {kind} frames.")
        if len(frame) > MAX_FRAME_BYTES:
            raise FrameError(4000, f"A frame has at most {MAX_FRAME_BYTES} bytes.")
        try:
            message = _unpack(frame) if isinstance(frame, bytes) else parse_json(frame.encode())
        except (ParseError, ValueError, TypeError, msgpack.UnpackException) as error:
            raise FrameError(4000, "The frame cannot be read.") from error
        if not isinstance(message, dict):
            raise FrameError(4000, "A frame is an object.")
        return message


def _unpack(frame: bytes) -> Any:
    return msgpack.unpackb(frame, strict_map_key=True, max_ext_len=0)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _json_join(head: Mapping[str, Any], parts: list[bytes]) -> bytes:
    return _json(head)[:-1] + b',"data":[' + b",".join(parts) + b"]}"


def _msgpack(value: Any) -> bytes:
    packed: bytes = msgpack.packb(value)
    return packed


def _msgpack_join(head: Mapping[str, Any], parts: list[bytes]) -> bytes:
    packer = msgpack.Packer(autoreset=False)
    packer.pack_map_header(len(head) + 1)
    for name, value in head.items():
        packer.pack(name)
        packer.pack(value)
    packer.pack("data")
    packer.pack_array_header(len(parts))
    return bytes(packer.bytes()) + b"".join(parts)


JSON = Codec(is_binary=False, pack=_json, join=_json_join)
MSGPACK = Codec(is_binary=True, pack=_msgpack, join=_msgpack_join)

FIELDS = {
    "auth": frozenset({"op", "id", "token"}),
    "subscribe": frozenset({"op", "id", "channel", "symbols", "conflate_ms"}),
    "unsubscribe": frozenset({"op", "id", "channel", "symbols"}),
}


@dataclass(frozen=True, slots=True)
class Request:
    """One valid frame of a client; `symbols` is empty for the private channels."""

    op: str
    frame_id: int | None
    token: str = ""
    channel: str = ""
    symbols: tuple[str, ...] = ()
    conflate_ms: int = 0


def _integer(value: Any, name: str, limit: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= limit:
        raise FrameError(4000, f"{name} is a whole number from 0 to {limit}.")
    return int(value)


def _symbols(value: Any, limit: int) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise FrameError(4000, "symbols is a list with at least one symbol.")
    if len(value) > limit:
        raise FrameError(4130, f"At most {limit} symbols.", limit=limit)
    if not all(isinstance(item, str) and SYMBOL_PATTERN.fullmatch(item) for item in value):
        raise FrameError(4000, "symbols holds something that is no symbol.")
    return tuple(dict.fromkeys(value))


def parse(message: Mapping[str, Any], *, max_symbols: int) -> Request:
    """Return the request; raises FrameError that carries the frame's id when it has one."""
    given = message.get("id")
    frame_id = None if given is None else _integer(given, "id", MAX_ID)
    try:
        return _request(message, frame_id, max_symbols)
    except FrameError as error:
        error.frame_id = frame_id
        raise


def _request(message: Mapping[str, Any], frame_id: int | None, max_symbols: int) -> Request:
    op = message.get("op")
    if not isinstance(op, str) or op not in FIELDS:
        raise FrameError(4000, "op is auth, subscribe or unsubscribe.")
    if unknown := sorted(set(message) - FIELDS[op]):
        raise FrameError(4000, f"There is no field {unknown[0][:50]}.")
    if op != "auth":
        return _subscription(op, frame_id, message, max_symbols)
    token = message.get("token")
    if not isinstance(token, str) or not token:
        raise FrameError(4000, "token is a text.")
    return Request(op, frame_id, token=token)


def _subscription(
    op: str, frame_id: int | None, message: Mapping[str, Any], max_symbols: int
) -> Request:
    channel = message.get("channel")
    if not isinstance(channel, str) or channel not in CHANNELS:
        raise FrameError(4041, "channel is quotes, orders, alerts or notifications.")
    if channel != QUOTES:
        if {"symbols", "conflate_ms"} & set(message):
            raise FrameError(4000, "Only quotes take symbols and conflate_ms.")
        return Request(op, frame_id, channel=channel)
    conflate_ms = _integer(message.get("conflate_ms", 0), "conflate_ms", MAX_CONFLATE_MS)
    symbols = _symbols(message.get("symbols"), max_symbols)
    return Request(op, frame_id, channel=channel, symbols=symbols, conflate_ms=conflate_ms)
