"""What the sandbox's tests run in a child, called by name; imports nothing that is slow."""

import os
import resource
import signal
import socket
from collections.abc import Callable

from apps.core.errors import InvalidInput

Answer = tuple[dict[str, str], bytes]


def echo(data: bytes) -> Answer:
    return {"length": str(len(data))}, data


def refuse(data: bytes) -> Answer:
    raise InvalidInput("Not this one.", code="file_odd", field="file")


def tell_secrets(data: bytes) -> Answer:
    names = sorted(set(os.environ) - {"LC_CTYPE", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"})
    limits = [resource.getrlimit(kind)[1] for kind in (resource.RLIMIT_NPROC, resource.RLIMIT_CORE)]
    return {"names": " ".join(names), "files": " ".join(_opened()), "limits": str(limits)}, b""


def _opened() -> list[str]:
    """Try what somebody who took the process over would: keys, the parent, other machines."""
    ways: dict[str, Callable[[], object]] = {
        "file": lambda: os.open("/etc/passwd", os.O_RDONLY),
        "parent": lambda: os.open(f"/proc/{os.getppid()}/environ", os.O_RDONLY),
        "network": lambda: socket.socket().fileno(),
        "second": lambda: os.dup(0),
        "instead": lambda: os.dup2(1, 0),
    }
    done = []
    for name, way in ways.items():
        try:
            way()
        except (OSError, ValueError):
            continue
        done.append(name)
    return done


def crash(data: bytes) -> Answer:
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}, b""


def hoard(data: bytes) -> Answer:
    return {}, bytes(400_000_000)


def flood(data: bytes) -> Answer:
    return {}, bytes(200_000)


def spin(data: bytes) -> Answer:
    while True:
        pass


def sleep(data: bytes) -> Answer:
    signal.pause()
    return {}, b""


def lie(data: bytes) -> Answer:
    os.write(1, data)
    os._exit(0)
