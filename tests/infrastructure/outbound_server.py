"""A real HTTP server for calls that leave: it answers as its test says and keeps what it got."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """`statuses` are answered in order, the last one again and again."""

    statuses: list[int] = field(default_factory=lambda: [200])
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b"ok"
    drip_seconds: float = 0
    drips_body: bool = False
    port: int = 0
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def url(self, host: str = "127.0.0.1", path: str = "/hook", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.receiver = receiver

    def handle_error(self, *_: object) -> None:
        """Say nothing: callers that hang up are what is tested."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver.received.append((self.path, dict(self.headers.items()), body))
        if receiver.drip_seconds:
            self.drip(receiver.drip_seconds)
            return
        statuses = receiver.statuses
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        for name, value in receiver.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(receiver.answer)

    def do_GET(self) -> None:
        receiver = self.server.receiver
        receiver.received.append((self.path, dict(self.headers.items()), b""))
        statuses = receiver.statuses
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        for name, value in receiver.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(receiver.answer)

    def drip(self, seconds: float) -> None:
        """Send headers, or after them a body, without an end."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n")
        piece = b"X-Drip: 1\r\n"
        if self.server.receiver.drips_body:
            self.wfile.write(b"\r\n")
            piece = b"x"
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.wfile.write(piece)
            self.wfile.flush()
            time.sleep(0.02)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def never_agreeing(seconds: float) -> Iterator[int]:
    """Accept connections and drip the beginning of a TLS handshake; yield the port."""
    end, is_over = time.monotonic() + seconds, threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.02)

        def serve() -> None:
            lines: list[socket.socket] = []
            while time.monotonic() < end and not is_over.is_set():
                with suppress(TimeoutError):
                    line, _ = listener.accept()
                    line.sendall(b"\x16\x03\x03\x40\x00")
                    lines.append(line)
                for line in lines:
                    with suppress(OSError):
                        line.sendall(b"\0")
            for line in lines:
                line.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            is_over.set()
            thread.join()


@contextmanager
def receiving(receiver: Receiver, context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Serve on a free port of this machine for the block."""
    server = Server(receiver)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
