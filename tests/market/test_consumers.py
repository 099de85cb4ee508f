"""The live feed, spoken to frame by frame over Channels and a real Redis."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import msgpack
import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter
from channels.sessions import SessionMiddlewareStack
from django.conf import settings
from django.test import Client, override_settings

from apps.infrastructure.keyvalue import channel_of, redis_client
from apps.infrastructure.realtime import push
from apps.market import services
from apps.market.consumers import frames
from apps.market.domain.wire import QUOTES_CHANNEL
from apps.market.routing import websocket_urlpatterns
from apps.users.models import User
from apps.users.services.tokens import api_sessions_end_all
from apps.users.services.ws_tokens import ws_token_issue
from tests.market.factories import make_instrument, put_quote
from tests.market.test_services import quote
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "timescale"])
application = SessionMiddlewareStack(URLRouter(websocket_urlpatterns))
ORIGIN = (b"origin", b"http://localhost")
HOST = (b"host", b"localhost")


def faster(**changes: Any) -> Any:
    return override_settings(LIVE_FEED={**settings.LIVE_FEED, **changes})


class Socket(ApplicationCommunicator):
    """An ASGI client; the one of channels.testing needs a server that we do not use."""

    def __init__(self, headers: list[tuple[bytes, bytes]], subprotocols: list[str]) -> None:
        scope = {
            "type": "websocket",
            "path": "/ws/v1/stream",
            "query_string": b"",
            "headers": headers,
            "subprotocols": subprotocols,
        }
        super().__init__(application, scope)

    async def connect(self) -> tuple[bool, str | None]:
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(timeout=5)
        return answer["type"] == "websocket.accept", answer.get("subprotocol")

    async def leave(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(timeout=5)


class Caller:
    """A client that skips heartbeats unless it waits for one."""

    def __init__(self, socket: Socket, *, is_binary: bool) -> None:
        self.socket, self.is_binary = socket, is_binary

    async def write(self, **frame: Any) -> None:
        await self.socket.send_input({"type": "websocket.receive", **frame})

    async def say(self, **message: Any) -> None:
        if self.is_binary:
            await self.write(bytes=msgpack.packb(message))
        else:
            await self.write(text=json.dumps(message))

    async def hear(self, kind: str = "") -> dict[str, Any]:
        """Return the next message, or the next of that type."""
        while True:
            output = await self.socket.receive_output(timeout=5)
            assert output["type"] == "websocket.send", output
            raw = output.get("bytes") or output["text"]
            message: dict[str, Any] = (
                msgpack.unpackb(raw) if isinstance(raw, bytes) else json.loads(raw)
            )
            if kind in {"", message["type"]}:
                return message

    async def closed(self) -> int:
        """Return the code with which the server closes."""
        while True:
            output = await self.socket.receive_output(timeout=8)
            if output["type"] == "websocket.close":
                return int(output["code"])

    async def sign_in(self, user: User) -> None:
        token = await sync_to_async(ws_token_issue)(user)
        await self.say(op="auth", id=1, token=token)
        assert (await self.hear("ack"))["id"] == 1


@asynccontextmanager
async def calling(
    *headers: tuple[bytes, bytes], subprotocols: list[str] | None = None
) -> AsyncIterator[Caller]:
    own = [] if ORIGIN in headers else [ORIGIN]
    socket = Socket([HOST, *own, *headers], subprotocols or [])
    accepted, chosen = await socket.connect()
    assert accepted
    yield Caller(socket, is_binary=chosen == frames.SUBPROTOCOL_MSGPACK)
    await socket.leave()


@pytest.fixture
def user() -> User:
    make_instrument("AAPL")
    make_instrument("MSFT")
    return make_user()


ingest = sync_to_async(services.quotes_ingest)


async def test_stream_subscribe_gives_ack_snapshot_status_then_updates(user: User) -> None:
    await sync_to_async(put_quote)("AAPL", "10.00", "10.02", source="replay")
    async with calling() as caller:
        welcome = await caller.hear()
        assert welcome == {
            "type": "welcome",
            "v": 1,
            "hb_ms": 5000,
            "auth_by_ms": 10000,
            "limits": {"symbols": 200, "msgs_s": 10},
        }
        await caller.sign_in(user)
        await caller.say(op="subscribe", id=2, channel="quotes", symbols=["AAPL", "MSFT"])
        assert await caller.hear() == {
            "type": "ack",
            "id": 2,
            "subs": {"quotes": ["AAPL", "MSFT"]},
        }
        snapshot = await caller.hear()
        assert (snapshot["type"], snapshot["ch"], snapshot["seq"]) == ("snapshot", "quotes", 1)
        assert [(row["s"], row["b"], row["src"]) for row in snapshot["data"]] == [
            ("AAPL", "10.00000000", "replay")
        ]
        assert (await caller.hear())["type"] == "status"
        await asyncio.sleep(0.2)
        await ingest(ticks=[quote("MSFT", "20"), quote("AAPL", "11")])
        update = await caller.hear("update")
        assert (update["seq"], update["epoch"]) == (2, snapshot["epoch"])
        assert {row["s"] for row in update["data"]} <= {"AAPL", "MSFT"}
        assert update["data"][0]["t"].endswith("Z")


async def test_stream_conflation_sends_the_newest_and_counts_the_others(user: User) -> None:
    async with calling() as caller:
        await caller.sign_in(user)
        await caller.say(op="subscribe", id=2, channel="quotes", symbols=["AAPL"], conflate_ms=600)
        await caller.hear("status")
        await asyncio.sleep(0.2)
        await ingest(ticks=[quote(last="1", seconds=0.1)])
        assert (await caller.hear("update"))["conflated"] == 0
        for number in (2, 3, 4):
            await ingest(ticks=[quote(last=str(number), seconds=number)])
        update = await caller.hear("update")
        assert update["conflated"] == 2
        assert [row["l"] for row in update["data"]] == ["4"]


async def test_stream_unsubscribed_symbol_falls_silent(user: User) -> None:
    async with calling() as caller:
        await caller.sign_in(user)
        await caller.say(op="subscribe", id=2, channel="quotes", symbols=["AAPL", "MSFT"])
        await caller.say(op="unsubscribe", id=3, channel="quotes", symbols=["MSFT"])
        await caller.hear("status")
        assert (await caller.hear("ack"))["subs"] == {"quotes": ["AAPL"]}
        await asyncio.sleep(0.2)
        await ingest(ticks=[quote("MSFT", "20"), quote("AAPL", "11")])
        assert [row["s"] for row in (await caller.hear("update"))["data"]] == ["AAPL"]


async def test_stream_msgpack_speaks_the_same_words(user: User) -> None:
    await sync_to_async(put_quote)("AAPL", "10", "10.02")
    async with calling(subprotocols=["other", frames.SUBPROTOCOL_MSGPACK]) as caller:
        assert caller.is_binary
        await caller.sign_in(user)
        await caller.say(op="subscribe", id=2, channel="quotes", symbols=["AAPL"])
        assert (await caller.hear("snapshot"))["data"][0]["s"] == "AAPL"
        await caller.write(text="{}")
        assert (await caller.hear("error"))["slug"] == "bad_request"
        await caller.write(bytes=b"\xc1\xff")
        assert (await caller.hear("error"))["slug"] == "bad_request"


BAD_FRAMES: list[tuple[str, int]] = [
    ("{", 4000),
    ("[]", 4000),
    ("[" * 5000, 4000),
    ('{"op":"subscribe","op":"auth"}', 4000),
    ('{"id":NaN}', 4000),
    ('"\\ud800"', 4000),
    ("x" * 20000, 4000),
    ('{"op":"dance","id":7}', 4000),
    ('{"op":5}', 4000),
    ('{"op":"auth","id":"7"}', 4000),
    ('{"op":"auth","id":true}', 4000),
    ('{"op":"auth","token":5}', 4000),
    ('{"op":"auth","token":"x","extra":1}', 4000),
    ('{"op":"subscribe","channel":"secrets"}', 4041),
    ('{"op":"subscribe","channel":["quotes"]}', 4041),
    ('{"op":"subscribe","channel":"quotes"}', 4000),
    ('{"op":"subscribe","channel":"quotes","symbols":"AAPL"}', 4000),
    ('{"op":"subscribe","channel":"quotes","symbols":[1]}', 4000),
    ('{"op":"subscribe","channel":"quotes","symbols":["a b"]}', 4000),
    ('{"op":"subscribe","channel":"quotes","symbols":["NOPE"]}', 4040),
    ('{"op":"subscribe","channel":"quotes","symbols":["AAPL"],"conflate_ms":-1}', 4000),
    ('{"op":"subscribe","channel":"quotes","symbols":["AAPL"],"conflate_ms":1.5}', 4000),
    ('{"op":"subscribe","channel":"orders","symbols":["AAPL"]}', 4000),
]


@faster(msgs_s=10_000)
async def test_stream_bad_frames_get_an_error_and_the_connection_lives(user: User) -> None:
    async with calling() as caller:
        await caller.sign_in(user)
        for text, code in BAD_FRAMES:
            await caller.write(text=text)
            error = await caller.hear("error")
            assert (error["code"], error["slug"]) == (code, frames.SLUGS[code]), text
        await caller.write(bytes=b"\x00\x01")
        assert (await caller.hear("error"))["code"] == 4000
        await caller.say(op="subscribe", id=9, channel="quotes", symbols=["AAPL"])
        assert (await caller.hear("ack"))["id"] == 9


@faster(symbols=1)
async def test_stream_too_many_symbols_are_refused(user: User) -> None:
    async with calling() as caller:
        await caller.sign_in(user)
        await caller.say(op="subscribe", id=2, channel="quotes", symbols=["AAPL", "MSFT"])
        assert (await caller.hear("error"))["slug"] == "too_many_symbols"
        await caller.say(op="subscribe", id=3, channel="quotes", symbols=["AAPL"])
        await caller.say(op="subscribe", id=4, channel="quotes", symbols=["MSFT"])
        error = await caller.hear("error")
        assert (error["id"], error["code"], error["limit"]) == (4, 4130, 1)


async def test_stream_flood_is_rate_limited(user: User) -> None:
    async with calling() as caller:
        await caller.sign_in(user)
        for number in range(15):
            await caller.say(op="unsubscribe", id=number, channel="orders")
        error = await caller.hear("error")
        assert (error["code"], error["retry_ms"]) == (4290, 1000)


@faster(auth_by_ms=200)
async def test_stream_without_sign_in_closes_4401(user: User) -> None:
    async with calling() as caller:
        await caller.say(op="subscribe", id=2, channel="quotes", symbols=["AAPL"])
        assert (await caller.hear("error"))["slug"] == "unauthenticated"
        assert await caller.closed() == 4401


async def test_asvs_v4_4_4_stream_ticket_used_twice_closes_4401(user: User) -> None:
    token = await sync_to_async(ws_token_issue)(user)
    async with calling() as first, calling() as second:
        await first.say(op="auth", id=1, token=token)
        assert (await first.hear("ack"))["id"] == 1
        await first.say(op="auth", id=2, token=token)
        assert (await first.hear("error"))["code"] == 4000
        await second.say(op="auth", id=1, token=token)
        assert (await second.hear("error"))["code"] == 4010
        assert await second.closed() == 4401


@faster(connections=1)
async def test_stream_one_connection_too_many_closes_4406(user: User) -> None:
    async with calling() as first:
        await first.sign_in(user)
        async with calling() as second:
            token = await sync_to_async(ws_token_issue)(user)
            await second.say(op="auth", id=1, token=token)
            assert await second.closed() == 4406
    async with calling() as third:
        await third.sign_in(user)


@faster(heartbeat_ms=100, recheck_ms=100)
async def test_stream_disabled_user_closes_4401(user: User) -> None:
    async with calling() as caller:
        await caller.sign_in(user)
        first = await caller.hear("heartbeat")
        assert (await caller.hear("heartbeat"))["n"] == first["n"] + 1
        await sync_to_async(User.objects.filter(pk=user.pk).update)(is_active=False)
        assert await caller.closed() == 4401


def cookie_of(client: Client) -> tuple[bytes, bytes]:
    return (b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())


@faster(recheck_ms=100)
async def test_stream_portal_session_works_until_it_ends(user: User) -> None:
    client = Client()
    await sync_to_async(client.force_login)(user)
    async with calling(ORIGIN, cookie_of(client)) as caller:
        await caller.say(op="subscribe", id=2, channel="quotes", symbols=["AAPL"])
        assert (await caller.hear("ack"))["id"] == 2
        await sync_to_async(client.logout)()
        assert await caller.closed() == 4401


@faster(recheck_ms=100)
@pytest.mark.parametrize("how", ["api", "portal"])
async def test_stream_ends_with_the_sign_in_that_its_token_came_from(user: User, how: str) -> None:
    client = Client()
    await sync_to_async(client.force_login)(user)
    caller_of_api = client if how == "portal" else await sync_to_async(api_client)(user)
    answer = await sync_to_async(caller_of_api.post)("/api/v1/ws-tokens")
    async with calling() as caller:
        await caller.say(op="auth", id=1, token=answer.json()["token"])
        await caller.hear("ack")
        if how == "portal":
            await sync_to_async(client.logout)()
        else:
            await sync_to_async(api_sessions_end_all)(user=user, actor=user)
        assert await caller.closed() == 4401


async def test_stream_session_without_second_factor_is_nobody() -> None:
    client = Client()
    user = await sync_to_async(make_user)(with_totp=True)
    await sync_to_async(client.force_login)(user)
    async with calling(ORIGIN, cookie_of(client)) as caller:
        await caller.say(op="subscribe", id=2, channel="orders")
        assert (await caller.hear("error"))["slug"] == "unauthenticated"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"origin", b"http://evil.example")],
        [(b"origin", b"null")],
        [(b"origin", b"")],
        [(b"origin", b"http://[")],
        [(b"origin", b"http://localhost\xff")],
        [ORIGIN, (b"origin", b"http://evil.example")],
        [(b"origin", b"http://evil.example"), (b"host", b"evil.example")],
    ],
)
async def test_asvs_v4_4_2_stream_of_a_foreign_origin_is_refused(
    headers: list[tuple[bytes, bytes]],
) -> None:
    if not any(name == b"host" for name, _ in headers):
        headers = [HOST, *headers]
    socket = Socket(headers, [])
    accepted, _ = await socket.connect()
    assert not accepted
    await socket.leave()


async def test_stream_private_events_reach_their_user_only(user: User) -> None:
    other = await sync_to_async(make_user)()
    send = sync_to_async(push)
    async with calling() as caller, calling() as stranger:
        await caller.sign_in(user)
        await stranger.sign_in(other)
        for one in (caller, stranger):
            await one.say(op="subscribe", id=2, channel="orders")
            assert (await one.hear("ack"))["subs"] == {"orders": []}
        event_id = str(uuid4())
        await send(user_id=user.pk, channel="alerts", event_id="unwanted", data={})
        await send(user_id=user.pk, channel="orders", event_id=event_id, data={"status": "NEW"})
        update = await caller.hear("update")
        assert (update["ch"], update["seq"], update["event_id"]) == ("orders", 1, event_id)
        assert update["data"] == [{"status": "NEW"}]
        await send(user_id=other.pk, channel="orders", event_id="last", data={})
        assert (await stranger.hear("update"))["event_id"] == "last"


@faster(stale_after_seconds=0.3)
async def test_stream_silent_feed_is_called_stale_and_live_again(user: User) -> None:
    async with calling() as caller:
        await caller.sign_in(user)
        await caller.say(op="subscribe", id=2, channel="quotes", symbols=["AAPL"])
        await asyncio.sleep(0.2)
        await ingest(ticks=[quote()])
        states = [(await caller.hear("status"))["state"] for _ in range(3)]
        assert states[-2:] in (["live", "stale"], ["stale", "live"])


async def test_stream_survives_a_batch_that_nobody_can_read(user: User) -> None:
    async with calling() as caller:
        await caller.sign_in(user)
        await caller.say(op="subscribe", id=2, channel="quotes", symbols=["AAPL"])
        await caller.hear("snapshot")
        await asyncio.sleep(0.2)
        for text in ("not json", "[]", "{}", '{"quotes":[{}],"replayed_on":null}'):
            await sync_to_async(redis_client().publish)(channel_of(QUOTES_CHANNEL), text)
        await ingest(ticks=[quote()])
        assert (await caller.hear("update"))["ch"] == "quotes"


def test_frames_join_equals_packing_the_whole() -> None:
    head, rows = {"type": "update", "seq": 1}, [{"s": "AAPL"}, {"s": "ÄÖ"}]
    readers: list[tuple[frames.Codec, Callable[[bytes], Any]]] = [
        (frames.JSON, json.loads),
        (frames.MSGPACK, msgpack.unpackb),
    ]
    for codec, read in readers:
        joined = codec.join(head, [codec.pack(row) for row in rows])
        assert read(joined) == {**head, "data": rows}
