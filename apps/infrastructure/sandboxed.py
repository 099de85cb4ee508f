"""The child's side of the sandbox: bounds first, then the bytes, then the answer."""

import json
import resource
import sys
from importlib import import_module

from apps.core.errors import InvalidInput


def bound(cpu_seconds: int, memory_bytes: int, output_bytes: int) -> None:
    """Give up for good what a decoder does not need."""
    for kind, limit in (
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, output_bytes),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))


def close_up() -> None:
    """Open nothing from here on: no file, not the parent's memory, no socket.

    Whoever takes the decoder over runs as the application's user, who may read its keys.
    """
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def main(function: str, *limits: str) -> None:
    bound(*(int(limit) for limit in limits))
    module, _, name = function.partition(":")
    work = getattr(import_module(module), name)
    data = sys.stdin.buffer.read()
    close_up()
    body = b""
    try:
        facts, body = work(data)
        outcome = "done"
    except InvalidInput as error:
        outcome = "refused"
        facts = {"message": error.message, "code": error.code, **error.facts}
    sys.stdout.buffer.write(json.dumps({"outcome": outcome, "facts": facts}).encode() + b"\n")
    sys.stdout.buffer.write(body)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
