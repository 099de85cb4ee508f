"""Bugs: what the caller sees, and that the process goes on."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from django.test import Client
from pytest_django.fixtures import Settings

from apps.infrastructure import error_pages
from stratford.processes import application_children
from tests.infrastructure.test_pipeline import signed_in

pytestmark = pytest.mark.django_db
SECRETS = ("ZeroDivisionError", "Traceback", "line ", ".py", "hunter2", "division")


def _fail(*_: object, **__: object) -> None:
    raise ZeroDivisionError("hunter2")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Client:
    """Return a browser whose settings page and account have a bug."""
    monkeypatch.setattr("apps.users.selectors.account_get", _fail)
    monkeypatch.setattr("apps.portal.views.settings.render", _fail)
    return signed_in(raise_request_exception=False)


@pytest.mark.parametrize("path", ["/api/v1/account", "/settings/"])
def test_asvs_v16_5_1_bug_is_answered_without_its_details(broken: Client, path: str) -> None:
    answer = broken.get(path, headers={"X-Request-ID": "abcd-1234-efgh"})

    assert answer.status_code == 500
    text = answer.content.decode()
    assert not [secret for secret in SECRETS if secret in text]
    assert answer["X-Request-ID"] == "abcd-1234-efgh"


@pytest.mark.parametrize("path", ["/api/v1/account", "/settings/"])
def test_asvs_v16_5_4_bug_in_the_error_page_itself_has_a_plain_answer_and_no_end(
    broken: Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(error_pages, "record_once", _fail)

    answer = broken.get(path)

    assert answer.status_code == 500
    text = answer.content.decode()
    assert "This is our fault" in text
    assert not [secret for secret in SECRETS if secret in text]
    assert answer["X-Content-Type-Options"] == "nosniff"
    monkeypatch.undo()
    assert broken.get(path).status_code == 200


def test_asvs_v16_5_4_last_resort_taken_out_leaves_the_error_to_the_server(
    broken: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(error_pages, "record_once", _fail)
    part = "apps.infrastructure.middleware.last_resort"
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != part]

    with pytest.raises(ZeroDivisionError):
        broken.get("/settings/")


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing", "/settings/"])
def test_asvs_v13_4_2_error_shows_no_settings_addresses_or_variables(
    broken: Client, path: str
) -> None:
    text = broken.get(path).content.decode()

    for shown_by_debug in ("DEBUG", "Request Method", "urlpatterns", "^", "SECRET", "urls.py"):
        assert shown_by_debug not in text


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    """Run the web server with the demo's own options; yield its port."""
    web = application_children(Path(), host="127.0.0.1", port=0, env={})[0]
    options = list(web.command)[list(web.command).index("uvicorn") + 1 :]
    context = uvicorn.main.make_context("uvicorn", options)
    asked = {"ws": "websockets-sansio", "server_header": context.params["server_header"]}
    server = uvicorn.Server(
        uvicorn.Config("stratford.asgi:application", port=0, log_config=None, loop="none", **asked)
    )
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(30):
        while not server.started:  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def head_of(port: int, request: str, stack: ExitStack) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    # A caller that hangs up early would leave the server's files to the garbage collector.
    stack.callback(writer.close)
    writer.write(request.replace("\n", "\r\n").encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    return head.decode("latin-1").lower()


UPGRADE = """GET /ws/v1/nothing HTTP/1.1
Host: localhost
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==

"""
REQUESTS = [
    ("GET /livez HTTP/1.1\nHost: localhost\n\n", "200"),
    ("GET /nothing HTTP/1.1\nHost: localhost\n\n", "404"),
    ("HEAD /static/css/base.css HTTP/1.1\nHost: localhost\n\n", "200"),
    ("GARBAGE\n\n", "400"),
    (UPGRADE, ""),
]
BANNERS = ("server:", "x-powered-by", "uvicorn", "python/", "django/", "websockets/", "via:")


# Django leaves the body's file of an ASGI request to the garbage collector.
@pytest.mark.filterwarnings("ignore:Unclosed file <tempfile:ResourceWarning")
@pytest.mark.django_db(transaction=True)
async def test_asvs_v13_4_6_no_answer_names_the_server_or_its_version() -> None:
    with ExitStack() as stack:
        async with served() as port:
            for request, status in REQUESTS:
                head = await head_of(port, request, stack)
                assert head.startswith(f"http/1.1 {status}")
                assert not [banner for banner in BANNERS if banner in head], head
    gc.collect()
