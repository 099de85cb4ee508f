"""What the sandbox's tests run in a child, called by name; imports nothing that is slow."""

import os
import resource
import signal
import socket
from pathlib import Path

from apps.core.errors import InvalidInput

Answer = tuple[dict[str, str], bytes]


def echo(data: bytes) -> Answer:
    return {"length": str(len(data))}, data


def refuse(data: bytes) -> Answer:
    raise InvalidInput("Not this one.", code="file_odd", field="file")


def tell_secrets(data: bytes) -> Answer:
    open_files = len(list(Path("/proc/self/fd").iterdir()))
    names = sorted(set(os.environ) - {"LC_CTYPE", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"})
    limits = [resource.getrlimit(kind)[1] for kind in (resource.RLIMIT_NPROC, resource.RLIMIT_CORE)]
    return {"names": " ".join(names), "files": str(open_files), "limits": str(limits)}, b""


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
    ours, _ = socket.socketpair()
    return {}, ours.recv(1)


def lie(data: bytes) -> Answer:
    os.write(1, data)
    os._exit(0)
