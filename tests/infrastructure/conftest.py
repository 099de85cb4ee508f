"""What the tests of the plumbing share."""

from typing import Any

import pytest

from apps.infrastructure import security_log


@pytest.fixture
def security_events(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Collect what the security log is told."""
    events: list[dict[str, Any]] = []

    class Collector:
        @staticmethod
        def warning(event: str, **facts: Any) -> None:
            events.append({"event": event, **facts})

    monkeypatch.setattr(security_log, "logger", Collector)
    return events
