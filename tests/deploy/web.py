"""The project's ASGI application, with one address more that tells what reached it."""

import json
from typing import Any

from stratford.asgi import application as stratford

paths: list[str] = []


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer /echo with the request as it arrived and every path before it; pass all else on."""
    if scope["type"] in {"http", "websocket"}:
        paths.append(scope["path"])
    if scope["type"] != "http" or scope["path"] != "/echo":
        await stratford(scope, receive, send)
        return
    headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
    ]
    body = {
        "headers": headers,
        "client": scope["client"][0],
        "scheme": scope["scheme"],
        "paths": paths,
    }
    content_type = (b"content-type", b"application/json")
    await send({"type": "http.response.start", "status": 200, "headers": [content_type]})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
