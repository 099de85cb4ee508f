import pytest

from apps.core.errors import InvalidInput, Unavailable
from apps.infrastructure import sandbox
from apps.infrastructure.sandbox import Bounds, SandboxFailed, run_sandboxed
from tests.infrastructure.sandbox_children import Answer

BOUNDS = Bounds(cpu_seconds=2, wall_seconds=5, memory_bytes=300_000_000, output_bytes=100_000)


def run(name: str, data: bytes = b"", bounds: Bounds = BOUNDS) -> Answer:
    return run_sandboxed(f"tests.infrastructure.sandbox_children:{name}", data, bounds)


def test_sandbox_returns_facts_and_bytes() -> None:
    assert run("echo", b"abc\nd\0") == ({"length": "6"}, b"abc\nd\0")


def test_sandbox_hands_a_refusal_on() -> None:
    with pytest.raises(InvalidInput, match="Not this one") as refused:
        run("refuse")

    assert (refused.value.code, refused.value.facts) == ("file_odd", {"field": "file"})


def test_sandboxed_process_has_no_environment_may_not_fork_and_opens_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_SECRET_KEY", "canary")

    facts, _ = run("tell_secrets")

    assert facts == {"names": "", "files": "", "limits": "[0, 0]"}


@pytest.mark.parametrize("name", ["crash", "hoard", "flood"])
def test_sandbox_of_a_process_that_goes_wrong_fails_and_nothing_else_does(name: str) -> None:
    with pytest.raises(SandboxFailed, match="exit"):
        run(name)


def test_sandbox_of_an_endless_loop_ends_by_its_time() -> None:
    with pytest.raises(SandboxFailed, match="exit"):
        run("spin", bounds=Bounds(1, 60, 300_000_000, 1000))
    with pytest.raises(SandboxFailed, match="time"):
        run("sleep", bounds=Bounds(1, 0.5, 300_000_000, 1000))


@pytest.mark.parametrize(
    "answer",
    [
        *(b"", b"\xff\xfe", b"[]\n", b"[" * 5000 + b"\n", b'{"outcome": "done"}\n'),
        *(b'{"facts": {}, "outcome": "owned"}\n', b'{"facts": [], "outcome": "done"}\n'),
    ],
)
def test_sandbox_believes_no_answer_of_another_shape(answer: bytes) -> None:
    with pytest.raises(SandboxFailed, match="answer"):
        run("lie", answer)


def test_sandbox_with_all_places_taken_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "WAIT_SECONDS", 0.01)
    held = [sandbox._places.acquire(timeout=1) for _ in range(sandbox.AT_ONCE)]
    try:
        with pytest.raises(Unavailable) as refused:
            run("echo")
    finally:
        for _ in held:
            sandbox._places.release()

    assert refused.value.code == "busy"
