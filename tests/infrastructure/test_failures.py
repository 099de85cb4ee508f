from typing import Any

import pytest
from django.db import InterfaceError

from apps.core.errors import Conflict
from apps.infrastructure.failures import FailureTold

told: list[dict[str, Any]] = []


def listen(**alert: Any) -> None:
    told.append(alert)


def away(**alert: Any) -> None:
    raise InterfaceError("connection already closed")


def names_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.msg["event"] for record in caplog.records if isinstance(record.msg, dict)]


@pytest.fixture(autouse=True)
def _listener(settings: Any) -> None:
    told.clear()
    settings.OPERATIONS_ALERTS = [f"{__name__}.listen"]


@pytest.mark.parametrize(
    ("error", "named"), [(ZeroDivisionError(), "ZeroDivisionError"), (Conflict("No."), "conflict")]
)
def test_failure_of_a_piece_is_told_and_stops_nothing(
    error: Exception, named: str, caplog: pytest.LogCaptureFixture
) -> None:
    done = []
    for piece in ("bad", "good"):
        with FailureTold("MATCH_FAILED", subject="AAPL", message="It failed.", piece=piece):
            if piece == "bad":
                raise error
            done.append(piece)

    assert done == ["good"]
    assert names_of(caplog) == ["match_failed"]
    facts = {"piece": "bad", "error": named}
    assert told == [
        {"kind": "MATCH_FAILED", "subject": "AAPL", "message": "It failed.", "facts": facts}
    ]


def test_failure_is_logged_by_class_and_place_and_never_by_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with FailureTold("MATCH_FAILED", subject="AAPL", message="It failed."):
        try:
            int("Qxname")
        except ValueError as error:
            raise Conflict("No Qxname.") from error

    logged = caplog.records[0].msg
    assert isinstance(logged, dict)
    assert (logged["error"], logged["causes"]) == ("conflict", ["Conflict", "ValueError"])
    assert __file__ in logged["at"][0]
    assert "Qxname" not in caplog.text
    assert caplog.records[0].exc_info is None


def test_failure_that_nobody_can_be_told_of_is_in_the_log(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OPERATIONS_ALERTS = [f"{__name__}.away"]
    with FailureTold("MATCH_FAILED", subject="AAPL", message="It failed."):
        raise ZeroDivisionError

    assert names_of(caplog) == ["match_failed", "operations_alert_failed"]


def test_shutdown_is_no_failure() -> None:
    with (
        pytest.raises(SystemExit),
        FailureTold("MATCH_FAILED", subject="AAPL", message="It failed."),
    ):
        raise SystemExit
    assert not told
