"""The live feed over a real server and a real client; and clients that do not read."""

import asyncio
import json

import pytest
import uvicorn
from asgiref.sync import sync_to_async
from websockets.asyncio.client import connect
from websockets.typing import Origin

from apps.market import services
from apps.market.consumers.frames import JSON
from apps.market.consumers.outlet import QUEUE_LENGTH, Outlet
from apps.users.services.ws_tokens import ws_token_issue
from tests.market.factories import make_instrument
from tests.market.test_consumers import application
from tests.market.test_services import quote
from tests.users.factories import make_user


@pytest.mark.django_db(transaction=True, databases=["default", "timescale"])
async def test_feed_over_a_real_server_delivers_a_quote() -> None:
    await sync_to_async(make_instrument)("AAPL")
    token = await sync_to_async(ws_token_issue)(await sync_to_async(make_user)())
    config = uvicorn.Config(
        application, port=0, ws="websockets-sansio", lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    address, origin = f"ws://127.0.0.1:{port}/ws/v1/stream", Origin(f"http://127.0.0.1:{port}")
    async with connect(address, origin=origin, proxy=None) as client:
        await client.send(json.dumps({"op": "auth", "id": 1, "token": token}))
        subscribe = {"op": "subscribe", "id": 2, "channel": "quotes", "symbols": ["AAPL"]}
        await client.send(json.dumps(subscribe))
        heard = [json.loads(await client.recv())["type"] for _ in range(5)]
        assert heard == ["welcome", "ack", "ack", "snapshot", "status"]
        await asyncio.sleep(0.2)
        await sync_to_async(services.quotes_ingest)(ticks=[quote()])
        message = {"type": ""}
        while message["type"] != "update":
            message = json.loads(await asyncio.wait_for(client.recv(), 5))
    server.should_exit = True
    await serving


async def _stuck(_: bytes) -> None:
    await asyncio.sleep(60)


async def test_outlet_client_that_does_not_read_is_closed_4408() -> None:
    codes: list[int] = []

    async def close(code: int) -> None:
        codes.append(code)

    outlet = Outlet(JSON, _stuck, close, send_timeout_seconds=0.05)
    outlet.put({"type": "heartbeat", "n": 1})
    await asyncio.wait_for(outlet.run(), 2)
    assert codes == [4408]

    full = Outlet(JSON, _stuck, close, send_timeout_seconds=5)
    for number in range(QUEUE_LENGTH + 1):
        full.put({"type": "heartbeat", "n": number})
    await asyncio.wait_for(full.run(), 2)
    assert codes == [4408, 4408]
