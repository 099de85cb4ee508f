"""Hostile bytes are decoded in a process of their own, with bounds on time, memory and output.

The child knows no secrets: its environment is empty but for the path of the code, and once that is
loaded it can open no file and no socket.  It gets the bytes and gives back a line of JSON and the
result.  A crash, a bomb or an endless loop ends the child and
nothing else.
"""

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from apps.core.errors import InvalidInput, Unavailable

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 2
WAIT_SECONDS = 10
MAX_HEADER_BYTES = 4096
_places = threading.BoundedSemaphore(AT_ONCE)


class SandboxFailed(Exception):
    """The child crashed, ran into a bound or answered nonsense; the text says which."""


@dataclass(frozen=True)
class Bounds:
    """What one child may use; the memory is its address space, the interpreter included."""

    cpu_seconds: int
    wall_seconds: float
    memory_bytes: int
    output_bytes: int


def run_sandboxed(function: str, data: bytes, bounds: Bounds) -> tuple[dict[str, str], bytes]:
    """Call `module:function` with the bytes in a child; return its facts and its bytes.

    The function returns (facts, bytes) or raises InvalidInput, which is raised here too.  Raises
    SandboxFailed, and Unavailable `busy` when AT_ONCE children of this process run already and none
    ends in WAIT_SECONDS.
    """
    if not _places.acquire(timeout=WAIT_SECONDS):
        raise Unavailable("Too many files are being read; try again.", code="busy")
    try:
        with _memory_file(data) as given, _memory_file(b"") as answer:
            _run(function, bounds, given, answer)
            return _read(answer, bounds)
    finally:
        _places.release()


def _memory_file(data: bytes) -> IO[bytes]:
    """Return an open file that is on no disk and goes with the last process that holds it."""
    file = os.fdopen(os.memfd_create("sandbox"), "w+b")
    file.write(data)
    file.seek(0)
    return file


def _run(function: str, bounds: Bounds, given: IO[bytes], answer: IO[bytes]) -> None:
    limits = [str(n) for n in (bounds.cpu_seconds, bounds.memory_bytes, bounds.output_bytes)]
    child = [sys.executable, "-s", "-P", "-m", "apps.infrastructure.sandboxed", function, *limits]
    try:
        ended = subprocess.run(  # noqa: S603 -- our own interpreter and our own arguments
            child,
            stdin=given,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            timeout=bounds.wall_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SandboxFailed("time") from error
    if ended.returncode != 0:
        raise SandboxFailed(f"exit {ended.returncode}")


def _read(answer: IO[bytes], bounds: Bounds) -> tuple[dict[str, str], bytes]:
    """Believe nothing: the child has read what an attacker wrote."""
    answer.seek(0)
    line = answer.readline(MAX_HEADER_BYTES)
    body = answer.read(bounds.output_bytes)
    try:
        header = json.loads(line)
        facts = {str(name): str(value) for name, value in header["facts"].items()}
        outcome = header["outcome"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SandboxFailed("answer") from error
    if outcome == "refused":
        raise InvalidInput(
            facts.pop("message", "The file is not valid."), code=facts.pop("code", ""), **facts
        )
    if outcome != "done":
        raise SandboxFailed("answer")
    return facts, body
