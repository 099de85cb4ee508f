"""The production configuration at work: nginx in front of uvicorn, on certificates of a trial."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml

from stratford.embedded import BASE_DIR, Child
from tests.e2e.demo import free_port

COMPOSE = BASE_DIR / "docker-compose.production.yml"
HOST = "stratford.example"
# Settings of a deployment; nothing listens at these addresses.
ENVIRONMENT = {
    "DATABASE_URL": "postgres://app@127.0.0.1:9/stratford",
    "TIMESCALE_URL": "postgres://app@127.0.0.1:9/timescale",
    "REDIS_URL": "rediss://127.0.0.1:9/0",
    "MONGO_URL": "mongodb://127.0.0.1:9/stratford?tls=true",
    "DJANGO_SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests-only-for-tests",
    "PUBLIC_URL": f"https://{HOST}",
    "ALLOWED_HOSTS": f"{HOST},web",
    "RATELIMIT_ENABLE": "false",
    "TRUSTED_PROXIES": "127.0.0.1/32",
    "PYTHONWARNINGS": "ignore",
}


def binary(name: str, package: str, *folders: str) -> str:
    """Return where the program is; skip the test where it is not installed."""
    path = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", *folders]))
    if path is None:
        pytest.skip(f"There is no {name} here (Debian: apt-get install {package}).")
    return path


def compose(service: str) -> dict[str, Any]:
    """Return what the production compose file says of a service."""
    services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return dict(services[service])


def opens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class Site:
    """Where nginx and the web replica behind it listen, and with which certificates."""

    https: int
    http: int
    web: int
    certificates: Path
    foreign: Path
    log: Path

    def context(self, client: str = "") -> ssl.SSLContext:
        """Return a client's TLS that believes the trial's authority, as `client` if named."""
        home = self.certificates / (client or "app")
        context = ssl.create_default_context(cafile=str(home / "ca.crt"))
        if client:
            context.load_cert_chain(home / "tls.crt", home / "tls.key")
        return context

    def connect(self, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        raw = socket.create_connection(("127.0.0.1", self.https), timeout=10)
        return (context or self.context()).wrap_socket(raw, server_hostname=HOST)

    def send(self, request: bytes) -> bytes:
        """Send raw bytes over TLS and return all that comes back until the connection ends."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_all(connection)


def read_all(connection: socket.socket, seconds: float = 1.5) -> bytes:
    """Return what arrives until the other side closes or is silent for `seconds`."""
    connection.settimeout(seconds)
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except (TimeoutError, ConnectionResetError):
        pass
    return received


def _certificates(folder: Path) -> Path:
    script = BASE_DIR / "deploy" / "certificates" / "make.py"
    names = ("--public-host", HOST, "--also", "localhost", "--also", "127.0.0.1")
    subprocess.run([sys.executable, str(script), str(folder), *names], check=True)
    return folder


@pytest.fixture(scope="package")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _certificates(tmp_path_factory.mktemp("tls") / "certificates")


@pytest.fixture(scope="package")
def foreign_certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same certificates by an authority that nobody here believes."""
    return _certificates(tmp_path_factory.mktemp("tls") / "foreign")


def _web(port: int, certificates: Path, log: Path) -> Child:
    role, *options = compose("web1")["command"]
    assert role == "web"
    placed = [option.replace("/certificates/web", str(certificates / "web")) for option in options]
    command = (
        *(sys.executable, "-m", "uvicorn", "tests.deploy.web:application"),
        *("--host", "127.0.0.1", "--port", str(port), "--ws", "websockets-sansio"),
        *placed,
    )
    return Child("web", command, log, lambda _: opens(port), env=ENVIRONMENT)


def _nginx(folder: Path, values: dict[str, str], web_port: int) -> Path:
    """Write the deployed configuration with this test's addresses; return the main file."""
    source = BASE_DIR / "deploy" / "nginx"
    (folder / "conf.d").mkdir()
    template = Template((source / "stratford.conf.template").read_text())
    (folder / "conf.d" / "stratford.conf").write_text(template.safe_substitute(values))
    upstream = (source / "upstream.conf").read_text()
    (folder / "conf.d" / "upstream.conf").write_text(
        re.sub(r"server web\d:8000", f"server 127.0.0.1:{web_port}", upstream)
    )
    main = (source / "nginx.conf").read_text()
    main = main.replace("/etc/nginx/conf.d", str(folder / "conf.d"))
    main = main.replace("/run/nginx.pid", str(folder / "nginx.pid"))
    (folder / "nginx.conf").write_text(main)
    return folder / "nginx.conf"


@contextmanager
def running_nginx(folder: Path, ports: Site) -> Iterator[None]:
    """Run the deployed configuration on the ports, on certificates of the trial."""
    nginx = binary("nginx", "nginx")
    values = {
        "PUBLIC_HOST": HOST,
        "HTTP_PORT": str(ports.http),
        "HTTPS_PORT": str(ports.https),
        "PUBLIC_CERTIFICATE": str(ports.certificates / "public"),
        "PROXY_CERTIFICATE": str(ports.certificates / "nginx"),
    }
    main = _nginx(folder, values, ports.web)
    tested = subprocess.run([nginx, "-t", "-c", str(main)], capture_output=True, check=False)
    assert tested.returncode == 0, tested.stderr.decode()
    proxy = Child(
        "nginx",
        (nginx, "-c", str(main), "-g", "daemon off;"),
        ports.log,
        lambda _: opens(ports.https),
    )
    try:
        proxy.start()
        proxy.wait_ready()
        yield
    finally:
        proxy.stop()


@pytest.fixture(scope="package")
def site(
    tmp_path_factory: pytest.TempPathFactory, certificates: Path, foreign_certificates: Path
) -> Iterator[Site]:
    """Run nginx in front of one web replica, both configured as for production."""
    folder = tmp_path_factory.mktemp("site")
    ports = Site(
        *(free_port(), free_port(), free_port()),
        *(certificates, foreign_certificates),
        folder / "nginx.log",
    )
    web = _web(ports.web, certificates, folder / "web.log")
    with running_nginx(folder, ports):
        try:
            web.start()
            web.wait_ready()
            yield ports
        finally:
            web.stop()


@contextmanager
def answering(home: Path) -> Iterator[int]:
    """Answer 200 to every request on a port, with the certificate of the folder; yield the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(home / "ca.crt"))
    context.load_cert_chain(home / "tls.crt", home / "tls.key")
    context.verify_mode = ssl.CERT_REQUIRED

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                raw, _ = listener.accept()
                with suppress(ssl.SSLError), context.wrap_socket(raw, server_side=True) as wrapped:
                    wrapped.recv(65536)
                    wrapped.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        pool.submit(serve, listener)
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
