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
