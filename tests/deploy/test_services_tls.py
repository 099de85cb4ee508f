"""The connections to PostgreSQL, Redis and MongoDB: TLS with a verified certificate, or none."""

import asyncio
import os
import pwd
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import psycopg
import pytest
import redis
import yaml
from django.conf import settings
from kombu import Connection
from pymongo import MongoClient
from pymongo.errors import ServerSelectionTimeoutError
from pytest_django.fixtures import Settings

from apps.infrastructure.checks import check_transport
from stratford import settings as project
from stratford.embedded import BASE_DIR, Child
from tests.deploy.conftest import binary, compose, opens, read_all
from tests.e2e.demo import free_port


def _answers(home: Path, port: int) -> bool:
    try:
        psycopg.connect(host=str(home), port=port, user="postgres").close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """Return a folder into which the user of the server may look; those of pytest are root's."""
    with TemporaryDirectory(prefix="stratford-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def postgres(certificates: Path, open_folder: Path) -> Iterator[tuple[int, Path]]:
    """Run Debian's PostgreSQL with the options and the host rules of production; yield its port.

    The one of the embedded package was built without TLS.
    """
    folders = [str(path) for path in Path("/usr/lib/postgresql").glob("*/bin")]
    server = binary("postgres", "postgresql-15", *folders)
    initdb = binary("initdb", "postgresql-15", *folders)
    home = open_folder
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    tls, data, port = home / "tls", home / "data", free_port()
    command = ["cp", "-r", str(certificates / "postgres"), str(tls)]
    subprocess.run(command, check=True)
    if user:
        subprocess.run(["chown", "-R", "nobody", str(home)], check=True)
    (home / "password").write_text("secret-of-a-test")
    (home / "password").chmod(0o644)
    setup = [initdb, "-D", str(data), "-U", "postgres", "--no-sync"]
    setup += ["--auth=scram-sha-256", f"--pwfile={home / 'password'}"]
    subprocess.run(
        setup, user=user.pw_uid if user else None, cwd="/", check=True, stdout=subprocess.DEVNULL
    )
    options = [
        option.replace("/run/tls", str(tls)) for option in compose("postgres")["command"][1:]
    ]
    rules = str(BASE_DIR / "deploy" / "postgres" / "pg_hba.conf")
    (home / "pg_hba.conf").write_text(Path(rules).read_text())
    placed = [option.replace("/pg_hba.conf", str(home / "pg_hba.conf")) for option in options]
    child = Child(
        "postgres",
        [server, "-D", str(data), f"-p{port}", f"-k{home}", "-cfsync=off", *placed],
        home / "postgres.log",
        lambda _: _answers(home, port),
        run_as=user,
    )
    child.start()
    try:
        child.wait_ready()
        with psycopg.connect(host=str(home), port=port, user="postgres", autocommit=True) as setup_:
            setup_.execute("CREATE ROLE stratford_app LOGIN PASSWORD 'secret-of-a-test'")
        yield port, certificates
    finally:
        child.stop()


def _connect(port: int, **options: str) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(
        host="localhost",
        port=port,
        user=options.pop("user", "stratford_app"),
        password="secret-of-a-test",
        dbname="postgres",
        connect_timeout=3,
        **options,  # type: ignore[arg-type]
    )


def test_asvs_v12_3_1_postgresql_is_reached_by_verified_tls_1_3(
    postgres: tuple[int, Path],
) -> None:
    port, certificates = postgres
    authority = str(certificates / "app" / "ca.crt")
    with _connect(port, sslmode="verify-full", sslrootcert=authority) as connection:
        row = connection.execute(
            "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        ).fetchone()
    assert row == (True, "TLSv1.3")


@pytest.mark.parametrize("user", ["stratford_app", "postgres"])
def test_asvs_v12_3_1_postgresql_refuses_plaintext(postgres: tuple[int, Path], user: str) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"no encryption|rejects connection"):
        _connect(postgres[0], sslmode="disable", user=user)


def test_postgresql_refuses_the_superuser_over_the_network(postgres: tuple[int, Path]) -> None:
    with pytest.raises(psycopg.OperationalError, match="rejects connection"):
        _connect(postgres[0], sslmode="require", user="postgres")


def test_asvs_v12_3_1_postgresql_of_another_authority_is_not_believed(
    postgres: tuple[int, Path], foreign_certificates: Path
) -> None:
    authority = str(foreign_certificates / "app" / "ca.crt")
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        _connect(postgres[0], sslmode="verify-full", sslrootcert=authority)


@pytest.fixture(scope="module")
def redis_port(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run Debian's Redis with the configuration of production; yield its port."""
    server = binary("redis-server", "redis-server")
    home, port = tmp_path_factory.mktemp("redis"), free_port()
    text = (BASE_DIR / "deploy" / "redis" / "redis.conf").read_text()
    text = text.replace("/run/tls", str(certificates / "redis"))
    text = text.replace("tls-port 6379", f"tls-port {port}")
    (home / "redis.conf").write_text(f"{text}dir {home}\nbind 127.0.0.1\n")
    child = Child("redis", [server, str(home / "redis.conf")], home / "log", lambda _: opens(port))
    child.start()
    try:
        child.wait_ready()
        yield port
    finally:
        child.stop()


def redis_url(port: int, authority: Path, client: Path | None) -> str:
    """Return an address as the production compose file has it."""
    template: str = compose("worker")["environment"]["REDIS_URL"]
    url = template.replace("redis:6379", f"localhost:{port}")
    url = url.replace("/certificates/app/ca.crt", str(authority / "app" / "ca.crt"))
    if client is None:
        return url.partition("&ssl_certfile")[0]
    return url.replace("/certificates/app/tls", str(client / "app" / "tls"))


def test_asvs_v12_3_1_redis_is_reached_by_mutual_tls(redis_port: int, certificates: Path) -> None:
    url = redis_url(redis_port, certificates, certificates)
    with redis.Redis.from_url(url, socket_timeout=3) as client:
        assert client.ping()
    with Connection(url) as broker:
        broker.ensure_connection(max_retries=1, timeout=3)
        assert broker.connected


def test_asvs_v12_3_1_redis_refuses_plaintext(redis_port: int) -> None:
    with socket.create_connection(("127.0.0.1", redis_port), timeout=3) as connection:
        connection.sendall(b"PING\r\n")
        answer = read_all(connection, 1)

    assert b"PONG" not in answer


@pytest.mark.parametrize("who", ["nobody", "stranger"])
def test_asvs_v12_3_1_redis_refuses_a_client_without_our_certificate(
    redis_port: int, certificates: Path, foreign_certificates: Path, who: str
) -> None:
    shown = None if who == "nobody" else foreign_certificates
    with (
        redis.Redis.from_url(
            redis_url(redis_port, certificates, shown), socket_timeout=3
        ) as client,
        pytest.raises(redis.RedisError),
    ):
        client.ping()


def test_asvs_v12_3_1_redis_of_another_authority_is_not_believed(
    redis_port: int, certificates: Path, foreign_certificates: Path
) -> None:
    url = redis_url(redis_port, foreign_certificates, certificates)
    with redis.Redis.from_url(url, socket_timeout=3) as client, pytest.raises(redis.RedisError):
        client.ping()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@pytest.fixture
async def documents(certificates: Path) -> AsyncIterator[str]:
    """End TLS in front of the embedded document store; yield host and port.

    There is no mongod here, so what is tested is our side of the connection, and that the file
    which production gives to mongod asks for the same.
    """
    host, _, port = urlsplit(settings.MONGO_URL).netloc.partition(":")
    home = certificates / "mongo"
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(home / "ca.crt"))
    context.load_cert_chain(home / "tls.crt", home / "tls.key")
    context.verify_mode = ssl.CERT_REQUIRED

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, downstream = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_relay(reader, downstream), _relay(upstream, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        yield f"localhost:{server.sockets[0].getsockname()[1]}"


def mongo_url(address: str, authority: Path, client: Path) -> str:
    """Return an address as the production compose file has it."""
    template: str = compose("worker")["environment"]["MONGO_URL"]
    url = template.replace("mongo:27017", address)
    url = url.replace("/certificates/app/ca.crt", str(authority / "app" / "ca.crt"))
    return url.replace("/certificates/app/tls", str(client / "app" / "tls"))


def ping(url: str) -> object:
    with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=1500) as client:
        return client.admin.command("ping")["ok"]


async def test_asvs_v12_3_1_documents_are_reached_by_mutual_tls(
    documents: str, certificates: Path
) -> None:
    url = mongo_url(documents, certificates, certificates)
    assert await asyncio.to_thread(ping, url) == 1


@pytest.mark.parametrize("case", ["plaintext", "foreign authority", "foreign client"])
async def test_asvs_v12_3_1_documents_without_mutual_trust_are_not_reached(
    documents: str, certificates: Path, foreign_certificates: Path, case: str
) -> None:
    authority = foreign_certificates if case == "foreign authority" else certificates
    client = foreign_certificates if case == "foreign client" else certificates
    url = mongo_url(documents, authority, client)
    if case == "plaintext":
        url = url.partition("?")[0]

    with pytest.raises(ServerSelectionTimeoutError):
        await asyncio.to_thread(ping, url)


def test_asvs_v12_3_1_mongod_is_told_to_refuse_plaintext() -> None:
    told = yaml.safe_load((BASE_DIR / "deploy" / "mongo" / "mongod.conf").read_text())

    assert told["net"]["tls"] == {
        "mode": "requireTLS",
        "certificateKeyFile": "/run/tls/tls.pem",
        # With a CAFile and no allowConnectionsWithoutCertificates clients must show theirs.
        "CAFile": "/run/tls/ca.crt",
        "disabledProtocols": "TLS1_0,TLS1_1,TLS1_2",
    }


VERIFIED = {"sslmode": "verify-full", "sslrootcert": "/certificates/app/ca.crt"}
SAFE_REDIS, SAFE_MONGO = "rediss://redis/0", "mongodb://mongo/stratford?tls=true"


def found(
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    *,
    options: dict[str, str] = VERIFIED,
    redis_url: str = SAFE_REDIS,
    mongo_url: str = SAFE_MONGO,
    mail_tls: bool = True,
    clamd_url: str = "",
) -> list[str]:
    """Return the ids of what the check finds with these addresses."""
    for alias in ("default", "timescale"):
        monkeypatch.setitem(settings.DATABASES[alias], "HOST", "db.example")
        monkeypatch.setitem(settings.DATABASES[alias], "OPTIONS", options)
    settings.REDIS_URL, settings.MONGO_URL = redis_url, mongo_url
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_USE_TLS, settings.CLAMD_URL = mail_tls, clamd_url
    return [str(item.id) for item in check_transport() if item.is_serious()]


def test_asvs_v12_3_1_check_of_verified_addresses_finds_nothing(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    assert found(monkeypatch, settings) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"options": {}}, ["infrastructure.E001"] * 2),
        ({"options": {**VERIFIED, "sslmode": "require"}}, ["infrastructure.E001"] * 2),
        ({"options": {"sslmode": "verify-full"}}, ["infrastructure.E001"] * 2),
        ({"redis_url": "redis://redis/0"}, ["infrastructure.E002"]),
        ({"redis_url": "rediss://redis/0?ssl_cert_reqs=none"}, ["infrastructure.E002"]),
        ({"redis_url": "rediss://redis/0?ssl_check_hostname=false"}, ["infrastructure.E002"]),
        ({"mongo_url": "mongodb://mongo/stratford"}, ["infrastructure.E003"]),
        ({"mongo_url": f"{SAFE_MONGO}&tlsInsecure=true"}, ["infrastructure.E003"]),
        ({"mongo_url": f"{SAFE_MONGO}&tlsallowinvalidhostnames=true"}, ["infrastructure.E003"]),
        ({"mail_tls": False}, ["infrastructure.E004"]),
        ({"clamd_url": "tcp://clamd:3310"}, ["infrastructure.E005"]),
        ({"clamd_url": "tcp://127.0.0.1:3310"}, []),
        ({"clamd_url": "unix:///run/clamav/clamd.ctl"}, []),
    ],
)
def test_asvs_v12_3_1_check_of_an_address_without_verified_tls_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    changed: dict[str, Any],
    expected: list[str],
) -> None:
    assert found(monkeypatch, settings, **changed) == expected


def test_check_where_plaintext_is_allowed_only_warns(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.ALLOW_PLAINTEXT_SERVICES = True

    assert found(monkeypatch, settings, redis_url="redis://redis/0") == []
    assert [item.id for item in check_transport()] == ["infrastructure.E002"]


def test_settings_keep_what_an_address_says_of_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The application's own options are added to the address, and replace nothing of it."""
    address = "postgres://app@db.example/stratford?sslmode=verify-full&sslrootcert=/ca.crt"
    monkeypatch.setitem(project.env.ENVIRON, "DATABASE_OWNER_URL", address)

    options = project._database("DATABASE", "django.db.backends.postgresql")["OPTIONS"]

    assert options == {
        "sslmode": "verify-full",
        "sslrootcert": "/ca.crt",
        **project.DATABASE_OPTIONS,
    }


def test_asvs_v12_3_1_compose_for_production_passes_the_check(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    for service in ("web1", "worker", "beat", "stream", "migrate"):
        environment = compose(service)["environment"]
        names = [name for name in environment if name.startswith(("DATABASE", "TIMESCALE"))]
        assert len(names) == (4 if service == "migrate" else 2)
        for name in names:
            options = dict(parse_qsl(environment[name].rpartition("?")[2]))
            assert (service, name, options) == (service, name, VERIFIED)
        addresses = {
            "redis_url": environment["REDIS_URL"],
            "mongo_url": environment["MONGO_URL"],
        }
        assert found(monkeypatch, settings, **addresses) == []
        assert "ALLOW_PLAINTEXT_SERVICES" not in environment


@pytest.mark.parametrize("file", ["docker-compose.yml", "docker-compose.production.yml"])
def test_asvs_v13_2_2_only_the_migration_has_the_owners_password_and_writes_keys(
    file: str,
) -> None:
    services = yaml.safe_load((BASE_DIR / file).read_text())["services"]
    ours = {name: what for name, what in services.items() if "build" in what}
    assert {"migrate", "worker", "beat", "stream"} < ours.keys()
    for name, service in ours.items():
        environment = service["environment"]
        # The file of the environment has them; a container sees them empty.
        for secret in ("POSTGRES_PASSWORD", "STRATFORD_OWNER_PASSWORD", "STRATFORD_APP_PASSWORD"):
            assert environment[secret] == "", (name, secret)
        is_migration = name == "migrate"
        assert ("DATABASE_OWNER_URL" in environment) == is_migration
        assert ("stratford_owner" in str(environment)) == is_migration
        assert ("keys:/keys:ro" in service["volumes"]) != is_migration
