"""Start the real demo for a test and end it, leaving nothing."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery import Celery
from django_otp.oath import TOTP

from stratford.embedded import BASE_DIR

START_TIMEOUT_SECONDS = 600
STEP_SECONDS = 30
STOP_TIMEOUT_SECONDS = 60
SERVICE_VARIABLES = (
    *("DATABASE_URL", "DATABASE_OWNER_URL", "TIMESCALE_URL", "TIMESCALE_OWNER_URL"),
    *("REDIS_URL", "MONGO_URL", "STRATFORD_DATABASE_ROLE", "DJANGO_SECRET_KEY", "KMS_URL"),
    *("RATELIMIT_ENABLE", "PYTEST_XDIST_WORKER"),
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def members_of(sessions: set[int]) -> list[int]:
    """Return the processes that belong to any of the sessions (by session id)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) in sessions and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


# A code works once: the last one that each secret gave in this run.
_used_codes: dict[str, str] = {}


@dataclass(frozen=True)
class Person:
    email: str
    password: str
    totp_secret: str
    role: str

    def code(self) -> str:
        """Return a code that is new and does not end at once; wait for it if needed."""
        padded = self.totp_secret + "=" * (-len(self.totp_secret) % 8)
        key = base64.b32decode(padded)
        while time.time() % STEP_SECONDS > STEP_SECONDS - 4 or (
            code := f"{TOTP(key).token():06d}"
        ) == _used_codes.get(self.totp_secret):
            time.sleep(0.5)
        _used_codes[self.totp_secret] = code
        return code


class Demo:
    """`manage.py demo` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.output = folder / "demo.out"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when demo.json is there.  Fails with the demo's output."""
        environment = {k: v for k, v in os.environ.items() if k not in SERVICE_VARIABLES}
        environment |= {"STRATFORD_VAR": str(self.folder), "PORT": str(self.port)}
        environment["RATELIMIT_ENABLE"] = "false"  # thousands of requests come from one address
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "demo"],
                cwd=BASE_DIR,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not (self.folder / "demo.json").exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"The demo did not start:\n{self.output.read_text()[-4000:]}")
            time.sleep(0.2)

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.folder / "demo.json").read_text())
        return facts

    @property
    def base_url(self) -> str:
        return str(self.facts["base_url"])

    @property
    def people(self) -> list[Person]:
        return [Person(**person) for person in self.facts["people"]]

    def pid(self, name: str) -> int:
        return int(self.facts["pids"][name])

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a management command beside the demo."""
        environment = {k: v for k, v in os.environ.items() if k not in SERVICE_VARIABLES}
        environment["STRATFORD_VAR"] = str(self.folder)
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )

    def run_task(self, name: str) -> None:
        """Have a worker run a task now instead of at its time."""
        broker = f"redis+socket://{self.folder}/valkey/valkey.sock"
        with Celery(broker=broker, set_as_current=False) as app:
            app.send_task(name, queue=name.partition(".")[0])

    def stop(self) -> list[int]:
        """Press Ctrl-C, wait, and return the pids of what is still there."""
        assert self.process is not None
        pids = set(self.facts["pids"].values()) if (self.folder / "demo.json").exists() else set()
        sessions = {self.process.pid, *pids}
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        return members_of(sessions)
