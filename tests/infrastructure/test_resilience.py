import threading
from concurrent.futures import ThreadPoolExecutor

import pybreaker
import pytest

from apps.core.errors import Refused
from apps.infrastructure.resilience import breaker, breaker_state, breaker_states, retrying


def _fail() -> None:
    raise OSError


def _refuse() -> None:
    raise Refused("no")


def test_breaker_after_repeated_failures_refuses_calls_and_says_so() -> None:
    item = breaker("test-open", failures=2, pause_seconds=60)
    for _ in range(2):
        with pytest.raises(OSError):  # noqa: PT011
            item.call(_fail)

    with pytest.raises(pybreaker.CircuitBreakerError):
        item.call(_fail)
    assert breaker_states()["test-open"] == "open"
    assert breaker_state.labels("test-open")._value.get() == 2


def test_breaker_after_domain_errors_stays_closed() -> None:
    item = breaker("test-domain", failures=1)
    with pytest.raises(Refused):
        item.call(_refuse)

    assert item.current_state == "closed"


def test_breaker_of_one_name_is_one_object() -> None:
    assert breaker("test-same") is breaker("test-same")


def test_breaker_lets_callers_in_together() -> None:
    item, together = breaker("test-together"), threading.Barrier(5, timeout=5)

    with ThreadPoolExecutor(5) as pool:
        calls = [pool.submit(item.call, together.wait) for _ in range(5)]

    assert sorted(call.result() for call in calls) == [0, 1, 2, 3, 4]


def test_breaker_on_trial_refuses_the_others_at_once() -> None:
    item = breaker("test-trial", failures=1, pause_seconds=0)
    with pytest.raises(OSError):  # noqa: PT011
        item.call(_fail)
    entered, leave = threading.Event(), threading.Event()

    def trial() -> bool:
        entered.set()
        return leave.wait(5)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(item.call, trial)
        assert entered.wait(5)
        with pytest.raises(pybreaker.CircuitBreakerError):
            item.call(leave.is_set)
        leave.set()

    assert first.result()
    assert item.current_state == "closed"


def test_retrying_on_a_passing_error_returns_the_later_answer() -> None:
    calls: list[int] = []

    @retrying(OSError, attempts=3)
    def flaky() -> int:
        calls.append(1)
        if len(calls) < 2:
            raise OSError
        return len(calls)

    assert flaky() == 2


def test_retrying_on_another_error_raises_at_once() -> None:
    calls: list[int] = []

    @retrying(OSError)
    def broken() -> None:
        calls.append(1)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        broken()
    assert len(calls) == 1
