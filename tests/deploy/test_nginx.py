"""What nginx lets through to the application, and what not."""

import json
import socket
import uuid
from collections.abc import Iterator

import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.deploy.conftest import HOST, Site, read_all

HEAD = f"Host: {HOST}\r\n"


def get(path: str, *headers: str) -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"GET {path} HTTP/1.1\r\n{HEAD}{lines}Connection: close\r\n\r\n".encode()


def body_of(answer: bytes) -> dict[str, object]:
    _, _, body = answer.partition(b"\r\n\r\n")
    found: dict[str, object] = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
    return found


def seen(site: Site) -> list[str]:
    """Return the paths of all requests that have reached the application."""
    return list(map(str, body_of(site.send(get("/echo")))["paths"]))  # type: ignore[call-overload]


def smuggled(path: str) -> str:
    return f"GET {path} HTTP/1.1\r\n{HEAD}\r\n"


def ambiguous(path: str) -> Iterator[tuple[str, str]]:
    """Return requests whose end two parsers may see in two places; each hides a request."""
    inner = smuggled(path)
    whole = f"0\r\n\r\n{inner}"
    chunk = f"{len(inner):x}\r\n{inner}\r\n0\r\n\r\n"

    def post(headers: str, body: str) -> str:
        return f"POST /livez HTTP/1.1\r\n{HEAD}{headers}\r\n{body}"

    length = f"Content-Length: {len(whole)}\r\n"
    chunked = "Transfer-Encoding: chunked\r\n"
    yield "CL.TE", post(length + chunked, whole)
    yield "TE.CL", post(chunked + "Content-Length: 4\r\n", chunk)
    for name, header in {
        "TE.TE unknown": "Transfer-Encoding: xchunked\r\n",
        "TE.TE twice": chunked + "Transfer-Encoding: identity\r\n",
        "TE.TE list": "Transfer-Encoding: identity, chunked\r\n",
        "TE.TE quoted": 'Transfer-Encoding: "chunked"\r\n',
        "TE.TE tab": "Transfer-Encoding:\tchunked, identity\r\n",
        "TE.TE vertical tab": "Transfer-Encoding: \x0bchunked\r\n",
        "TE.TE space before colon": "Transfer-Encoding : chunked\r\n",
        "TE.TE folded": "Transfer-Encoding:\r\n chunked\r\n",
    }.items():
        yield name, post(length + header, whole)
    yield "CL.CL", post(f"Content-Length: 0\r\nContent-Length: {len(inner)}\r\n", inner)
    yield "CL list", post(f"Content-Length: 0, {len(inner)}\r\n", inner)
    yield "CL signed", post(f"Content-Length: +{len(inner)}\r\n", inner)
    yield "CL hexadecimal", post("Content-Length: 0x10\r\n", inner)
    yield "chunk size negative", post(chunked, f"-1\r\n\r\n{inner}")
    yield "chunk size overflow", post(chunked, f"{'f' * 17}\r\n{inner}")
    yield "bare line feed", post("X: a\nTransfer-Encoding: chunked\r\n" + length, whole)
    yield "NUL in a header", post("X: a\x00b\r\nContent-Length: 0\r\n", inner)


@pytest.mark.parametrize("name", [name for name, _ in ambiguous("/")])
def test_asvs_v4_2_1_ambiguous_length_is_refused_and_nothing_is_smuggled(
    site: Site, name: str
) -> None:
    path = f"/smuggled-{uuid.uuid4().hex}"

    answer = site.send(dict(ambiguous(path))[name].encode("latin-1"))

    assert answer.count(b"HTTP/1.1 ") <= 1, answer
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 ")), answer
    assert path not in seen(site)


def test_asvs_v4_2_1_body_of_one_request_is_never_read_as_the_next(site: Site) -> None:
    path = f"/smuggled-{uuid.uuid4().hex}"
    inner = smuggled(path)
    request = f"POST /livez HTTP/1.1\r\n{HEAD}Content-Length: {len(inner)}\r\n\r\n{inner}"
    marker = f"/after-{uuid.uuid4().hex}"

    answer = site.send(request.encode() + get(marker))

    assert answer.count(b"HTTP/1.1 ") == 2, answer
    assert path not in seen(site)
    assert marker in seen(site)


# Given both headers, h11 follows Transfer-Encoding, as RFC 9112 (6.1) allows; nginx sends one.
OF_ONE_MEANING = {"CL.TE", "TE.TE tab", "TE.TE folded", "bare line feed"}


@pytest.mark.parametrize("name", [n for n, _ in ambiguous("/") if n not in OF_ONE_MEANING])
def test_asvs_v4_2_1_replica_holds_without_the_proxy(site: Site, name: str) -> None:
    path = f"/smuggled-{uuid.uuid4().hex}"
    raw = socket.create_connection(("127.0.0.1", site.web), timeout=5)
    with site.context("nginx").wrap_socket(raw, server_hostname="web") as connection:
        connection.sendall(dict(ambiguous(path))[name].encode("latin-1"))
        read_all(connection, 0.3)

    assert path not in seen(site)


FORGED = (
    *("X-Forwarded-For: 6.6.6.6", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http"),
    *(
        "X-Forwarded-Port: 1",
        "X-Forwarded-Prefix: /x",
        "X-Forwarded-Ssl: off",
        "X-Real-IP: 6.6.6.6",
    ),
    *("X-Real-IP: 6.6.6.6", "Forwarded: for=6.6.6.6"),
    *("X-User-ID: 6.6.6.6", "X-Remote-User: 6.6.6.6", "Proxy: 6.6.6.6"),
    *("X_Forwarded_For: 6.6.6.6", "True-Client-IP: 6.6.6.6", "X-Original-URL: /6.6.6.6"),
    *("X-Rewrite-URL: /6.6.6.6", "X-HTTP-Method-Override: 6.6.6.6", "X-Client-IP: 6.6.6.6"),
)


def test_headers_that_a_client_forged_do_not_arrive(site: Site) -> None:
    arrived = body_of(site.send(get("/echo", *FORGED)))

    headers = arrived["headers"]
    assert isinstance(headers, list)
    named = dict(headers)
    assert named["x-forwarded-for"] == "127.0.0.1"
    assert named["x-forwarded-proto"] == "https"
    assert named["host"] == HOST
    assert "6.6.6.6" not in json.dumps(headers)
    assert {name for name in named if name.startswith(("x-forwarded", "x-real", "forwarded"))} == {
        "x-forwarded-for",
        "x-forwarded-proto",
    }
    assert (arrived["client"], arrived["scheme"]) == ("127.0.0.1", "https")


@pytest.mark.parametrize("path", ["/metrics", "/%6detrics", "/readyz", "/x/../metrics"])
def test_machinery_is_not_public(site: Site, path: str) -> None:
    before = len(seen(site))

    assert site.send(get(path)).startswith(b"HTTP/1.1 404 ")
    assert len(seen(site)) == before + 1, "the question itself is counted"


def test_pages_of_the_application_come_with_its_headers(site: Site) -> None:
    answer = site.send(get("/livez")).decode()

    assert answer.startswith("HTTP/1.1 200 ")
    assert "strict-transport-security: max-age=" in answer.lower()
    assert "server: nginx\r\n" in answer.lower(), "no version"


def test_request_for_another_host_is_not_answered(site: Site) -> None:
    request = get("/livez").replace(HOST.encode(), b"evil.example")

    assert site.send(request).startswith(b"HTTP/1.1 421 ")


def test_plain_http_leads_to_https_and_nowhere_else(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.http), timeout=5) as connection:
        connection.sendall(get("/orders/?a=1"))
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 308 ")
    assert f"Location: https://{HOST}/orders/?a=1\r\n".encode() in answer


def test_asvs_v4_1_2_plain_http_call_of_the_api_is_refused_by_the_proxy(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.http), timeout=5) as connection:
        connection.sendall(get("/api/v1/account", "Authorization: Bearer shown"))
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"Location:" not in answer
    assert body_of(answer)["code"] == "https_required"


def test_asvs_v3_4_4_answer_of_the_proxy_itself_forbids_guessing_its_type(site: Site) -> None:
    for path in ("/livez", "/metrics", "/nothing"):
        head = site.send(get(path)).partition(b"\r\n\r\n")[0].lower()
        assert head.count(b"x-content-type-options: nosniff") == 1, head


def test_body_beyond_the_limit_is_refused_before_it_is_read(site: Site) -> None:
    request = f"POST /livez HTTP/1.1\r\n{HEAD}Content-Length: 99999999\r\n\r\n".encode()

    assert site.send(request).startswith(b"HTTP/1.1 413 ")


def test_websocket_passes_to_the_live_feed(site: Site) -> None:
    address = f"wss://{HOST}:{site.https}/ws/v1/stream"
    raw = socket.create_connection(("127.0.0.1", site.https), timeout=10)
    with connect(
        address,
        sock=raw,
        ssl=site.context(),
        server_hostname=HOST,
        origin=Origin(f"https://{HOST}"),
    ) as feed:
        assert json.loads(feed.recv(timeout=10))["type"] == "welcome"


def test_links_of_mails_and_queries_do_not_reach_the_log(site: Site) -> None:
    for path in (
        "/accounts/password/reset/key/1-5eCr3t/",
        "/accounts/confirm-email/5eCr3t/",
        "/echo?code=5eCr3t",
    ):
        site.send(get(path))

    logged = site.log.read_text()
    assert "/accounts/password/reset/key/..." in logged
    assert "/accounts/confirm-email/..." in logged
    assert "5eCr3t" not in logged
