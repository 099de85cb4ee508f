"""The security log: one line an event, whatever the input holds, and nothing personal."""

import io
import json
import logging
from collections.abc import Iterator
from uuid import uuid4

import pytest
import structlog
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils.functional import SimpleLazyObject

from apps.infrastructure.security_log import record, security_events_total


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Collect what the configured handler writes for a moment."""
    written = io.StringIO()
    handler = next(h for h in logging.getLogger().handlers if type(h) is logging.StreamHandler)
    original = handler.setStream(written)
    yield written
    handler.setStream(original if original is not None else handler.stream)


FORGERIES = [
    'x"}\n{"event": "sign_in.ok", "level": "info"}',
    "x\r\n2026-01-01 root: all is well",
    "\x1b[2J\x1b[1;31mred\x1b[0m",
    "\x9b31m",
    "line\u2028separator\u2029\x85\x0b\x0c",
    "\x00\x08\x08\x08\u202etxt",
    "\ud800",
]


@pytest.mark.parametrize("text", FORGERIES, ids=range(len(FORGERIES)))
def test_asvs_v16_4_1_control_characters_in_a_fact_forge_no_line(
    lines: io.StringIO, text: str
) -> None:
    record("input.refused", parameter=text)

    written = lines.getvalue()
    entry = json.loads(written)
    assert written.count("\n") == 1
    assert written.endswith("\n")
    assert written[:-1].isprintable()
    assert entry["event"] == "input.refused"
    assert entry["level"] == "warning"
    assert entry["parameter"].isprintable()


@pytest.mark.parametrize("text", FORGERIES[:-1], ids=range(len(FORGERIES) - 1))
def test_asvs_v16_4_1_control_characters_in_any_log_forge_no_line(
    lines: io.StringIO, text: str
) -> None:
    structlog.get_logger("apps.anything").warning("happened", text=text)
    logging.getLogger("a.library").warning("Not Found: %s", text)
    logging.getLogger("uvicorn.error").warning("Not Found: %s", text)

    written = lines.getvalue()
    assert written.count("\n") == 3
    assert written.replace("\n", "").isprintable()
    assert all(json.loads(line) for line in written.splitlines())


def test_security_event_is_counted_by_its_code(lines: io.StringIO) -> None:
    counter = security_events_total.labels("throttled")
    before = counter._value.get()

    record("throttled")

    assert counter._value.get() == before + 1


def test_security_event_names_route_user_and_correlation_but_no_address_or_path(
    lines: io.StringIO, rf: RequestFactory
) -> None:
    request = rf.post("/api/v1/orders/secret-path?email=a@b.example", REMOTE_ADDR="203.0.113.9")
    user_id = uuid4()

    with structlog.contextvars.bound_contextvars(correlation_id="abcd-1234"):
        record("authorisation.denied", request=request, user_id=user_id, status=403)

    entry = json.loads(lines.getvalue())
    assert entry["user_id"] == str(user_id)
    assert entry["correlation_id"] == "abcd-1234"
    assert (entry["method"], entry["route"], entry["status"]) == ("POST", "unmatched", 403)
    assert len(entry["source"]) == 16
    assert entry["logger"] == "stratford.security"
    for personal in ("203.0.113.9", "secret-path", "a@b.example"):
        assert personal not in lines.getvalue()


def test_security_event_does_not_ask_the_database_for_the_user(
    lines: io.StringIO, rf: RequestFactory
) -> None:
    def look_up() -> None:
        raise AssertionError("asked")

    request: HttpRequest = rf.get("/")
    request.user = SimpleLazyObject(look_up)  # type: ignore[assignment]

    record("throttled", request=request)

    assert json.loads(lines.getvalue())["user_id"] is None


def test_security_event_with_free_text_as_its_code_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="not a code"):
        record("User 17 did\nsomething")
