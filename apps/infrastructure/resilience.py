"""Circuit breakers and retries, so that a slow neighbour costs little and is asked gently."""

import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import pybreaker
import stamina
import structlog
from prometheus_client import Gauge

from apps.core.errors import DomainError

logger = structlog.get_logger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

STATE_NUMBERS = {
    pybreaker.STATE_CLOSED: 0,
    pybreaker.STATE_HALF_OPEN: 1,
    pybreaker.STATE_OPEN: 2,
}
breaker_state = Gauge(
    "circuit_breaker_state",
    "0 closed (calls pass), 1 half open (one call tries), 2 open (calls refused).",
    ["name"],
    multiprocess_mode="max",
)


class _Report(pybreaker.CircuitBreakerListener):
    """Keep the metric and the log in step with the breaker."""

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
        breaker_state.labels(cb.name).set(STATE_NUMBERS[new_state.name])
        logger.warning("circuit_breaker_changed", breaker=cb.name, state=new_state.name)


class _Breaker(pybreaker.CircuitBreaker):
    """Callers never wait for each other: pybreaker alone holds its lock during the call."""

    def call(self, func: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        state = self.state
        if state.name == pybreaker.STATE_CLOSED:
            return state.call(func, *args, **kwargs)
        if not self._lock.acquire(blocking=False):
            raise pybreaker.CircuitBreakerError("Another call is trying whether it works again.")
        try:
            return super().call(func, *args, **kwargs)
        finally:
            self._lock.release()


_breakers: dict[str, pybreaker.CircuitBreaker] = {}
_lock = threading.Lock()


def breaker(name: str, *, failures: int = 5, pause_seconds: float = 15) -> pybreaker.CircuitBreaker:
    """Return the process's breaker of that name; use `.call(function, …)` or as a decorator.

    It opens after `failures` errors in a row and lets one call try again after `pause_seconds`.
    A DomainError is an answer and no failure.  While open, calls raise
    `pybreaker.CircuitBreakerError`.
    """
    with _lock:
        if name not in _breakers:
            _breakers[name] = _Breaker(
                fail_max=failures,
                reset_timeout=pause_seconds,
                exclude=[DomainError],
                listeners=[_Report()],
                name=name,
                throw_new_error_on_trip=False,
            )
            breaker_state.labels(name).set(0)
        return _breakers[name]


def breaker_states() -> dict[str, str]:
    """Return each breaker's state in this process by name."""
    return {name: str(item.current_state) for name, item in sorted(_breakers.items())}


def retrying(
    *errors: type[Exception], attempts: int = 3, timeout_seconds: float = 10
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Call again on these errors, with exponential pauses and jitter; only for what is idempotent.

    The last error is raised when `attempts` or `timeout_seconds` are used up.
    """
    return stamina.retry(
        on=errors,
        attempts=attempts,
        timeout=timeout_seconds,
        wait_initial=0.1,
        wait_max=2.0,
        wait_jitter=0.2,
    )
