"""The demo's processes: one supervisor starts them, restarts what dies, and leaves none behind."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings

from stratford.embedded import BASE_DIR, Child, EmbeddedError, Services

PR_SET_CHILD_SUBREAPER = 36
READY_TIMEOUT_SECONDS = 120


def application_children(
    folder: Path, *, host: str, port: int, env: Mapping[str, str]
) -> list[Child]:
    """Return web, worker, beat and stream, not yet started."""
    logs = folder / "log"
    celery = (sys.executable, "-m", "celery", "-A", "stratford")
    commands: dict[str, tuple[str, ...]] = {
        "web": (
            *(sys.executable, "-m", "uvicorn", "stratford.asgi:application"),
            *("--host", host, "--port", str(port), "--ws", "websockets-sansio"),
            *("--loop", "uvloop", "--no-access-log", "--no-proxy-headers"),
            "--no-server-header",
            *("--timeout-graceful-shutdown", "5"),
        ),
        "worker": (
            *(*celery, "worker", "-Q", ",".join(settings.CONTEXT_QUEUES)),
            *("--concurrency", "2", "--without-gossip", "--without-mingle", "--loglevel", "INFO"),
        ),
        "beat": (*celery, "beat", "--pidfile=", "--schedule", str(folder / "beat-schedule")),
        "stream": (sys.executable, str(BASE_DIR / "manage.py"), "market_stream"),
    }
    return [
        Child(name, command, logs / f"{name}.log", env=env) for name, command in commands.items()
    ]


class Supervisor:
    """Keeps the embedded services and the application's processes alive until `stop`."""

    def __init__(self, services: Services, children: list[Child]) -> None:
        self.services = services
        self.children = children
        # Grandchildren whose parent died come to us, so that none can escape the last sweep.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def start(self) -> None:
        for child in self.children:
            child.start()

    def wait_ready(self, url: str) -> None:
        """Return when the address answers 200.  Raises EmbeddedError with the end of the log."""
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            self.restart_dead()
            try:
                with urlopen(url, timeout=5) as answer:  # noqa: S310  # nosec B310
                    if answer.status == 200:
                        return
            except (URLError, OSError):
                time.sleep(0.3)
        tail = self.children[0].log_file.read_text(errors="replace")[-3000:]
        raise EmbeddedError(f"{url} did not answer in {READY_TIMEOUT_SECONDS} s:\n{tail}")

    def pids(self) -> dict[str, int]:
        return {child.name: child.pid for child in (*self.services.children, *self.children)}

    def restart_dead(self) -> list[str]:
        """Start again whatever died; return the names."""
        self._reap()
        everybody = (*self.services.children, *self.children)
        return [child.name for child in everybody if child.keep_alive()]

    def stop(self) -> int:
        """Stop the application, then the services; return how many strays had to be killed."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(Child.stop, self.children))
        self.services.stop()
        return self._sweep()

    def _reap(self) -> None:
        known = set(self.pids().values())
        for pid, state in _children_of(os.getpid()):
            if state == "Z" and pid not in known:
                os.waitpid(pid, os.WNOHANG)

    @staticmethod
    def _sweep() -> int:
        strays = 0
        while left := list(_children_of(os.getpid())):
            for pid, state in left:
                if state != "Z":
                    strays += 1
                    os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        return strays


def _children_of(parent: int) -> Iterator[tuple[int, str]]:
    """Yield (pid, state) of the process's children, zombies included."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, ppid = text.rpartition(")")[2].split()[:2]
        if int(ppid) == parent:
            yield int(stat.parent.name), state
