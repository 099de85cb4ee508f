import time
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from apps.infrastructure import health
from apps.infrastructure.documents import database as document_database
from apps.infrastructure.health import DEGRADED, DOWN, OK, Finding, examine, grade_age
from apps.infrastructure.keyvalue import redis_client
from apps.infrastructure.metrics import amount_bucket, metrics
from apps.infrastructure.tasks import record_heartbeat

pytestmark = pytest.mark.django_db(databases=["default", "timescale"])


def test_livez_answers_without_sign_in(client: Client) -> None:
    assert client.get("/livez").json() == {"status": "ok"}


def test_readyz_with_everything_up_is_ready(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200, answer.content
    assert set(answer.json()["components"].values()) == {"ok"}


def test_readyz_with_redis_down_is_not_ready(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["components"]["redis"] == "down"


def test_health_without_verified_staff_is_refused(client: Client) -> None:
    assert client.get("/health").status_code == 403


def _request(user: Any, path: str = "/", **meta: str) -> Any:
    request = RequestFactory().get(path)
    request.META |= meta
    request.user = user
    return request


def _staff(*, verified: bool) -> Any:
    return SimpleNamespace(is_authenticated=True, is_staff=True, is_verified=lambda: verified)


def test_health_for_staff_without_second_factor_is_refused() -> None:
    assert health.health(_request(_staff(verified=False))).status_code == 403


def _good() -> Finding:
    return Finding(age_seconds=1.5)


def _late() -> Finding:
    return Finding(DEGRADED)


def _broken() -> Finding:
    raise RuntimeError("secret address")


@pytest.mark.parametrize(
    ("second", "status", "code"),
    [("_good", OK, 200), ("_late", DEGRADED, 200), ("_broken", DOWN, 503)],
)
def test_health_for_staff_lets_the_worst_decide(
    settings: Settings, second: str, status: str, code: int
) -> None:
    settings.HEALTH_CHECKS = {"one": f"{__name__}._good", "two": f"{__name__}.{second}"}

    answer = health.health(_request(_staff(verified=True)))

    assert answer.status_code == code
    assert f'"status": "{status}", "components"'.encode() in answer.content
    assert b"latency_ms" in answer.content
    assert b"secret address" not in answer.content


def test_grade_age_by_its_bounds() -> None:
    grades = [
        grade_age(age, late=10, down=60, missing="never").status
        for age in (0, 10, 11, 60, 61, None)
    ]

    assert grades == [OK, OK, DEGRADED, DEGRADED, DOWN, DEGRADED]


def test_background_jobs_after_a_heartbeat_are_ok() -> None:
    record_heartbeat()

    assert examine(health.check_background_jobs).status == OK


def test_background_jobs_silent_for_long_are_down() -> None:
    redis_client().set(health.HEARTBEAT_KEY, str(time.time() - 3600))

    assert examine(health.check_background_jobs).status == DOWN


def test_documents_down_only_degrades(settings: Settings) -> None:
    settings.MONGO_URL = "mongodb://127.0.0.1:9/stratford"

    assert health.check_documents().status == DEGRADED
    document_database().client.close()


@pytest.mark.parametrize("name", ["outbox", "quote_feed", "documents", "database", "time_series"])
def test_configured_check_answers(settings: Settings, name: str) -> None:
    from django.utils.module_loading import import_string  # noqa: PLC0415

    assert examine(import_string(settings.HEALTH_CHECKS[name])).status != DOWN


def test_metrics_from_this_machine_show_our_figures(client: Client) -> None:
    client.get("/api/v1/nothing")

    body = client.get("/metrics").content.decode()

    assert 'api_requests_total{endpoint="unmatched",method="GET",status="404"}' in body
    assert 'queue_depth{queue="trading"} 0.0' in body
    assert "outbox_lag_seconds 0.0" in body
    assert "circuit_breaker_state" in body


@pytest.mark.parametrize(
    "meta", [{"HTTP_X_FORWARDED_FOR": "10.0.0.1"}, {"REMOTE_ADDR": "10.0.0.1"}, {"REMOTE_ADDR": ""}]
)
def test_metrics_from_elsewhere_are_for_staff_only(meta: dict[str, str]) -> None:
    assert metrics(_request(AnonymousUser(), **meta)).status_code == 403
    assert metrics(_request(_staff(verified=True), **meta)).status_code == 200


def test_metrics_with_redis_down_say_so(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"

    assert "queue_depth_unknown 1.0" in client.get("/metrics").content.decode()


@pytest.mark.parametrize(
    ("amount", "label"),
    [("0", "<=1000"), ("1000", "<=1000"), ("1000.01", "<=10000"), ("2e6", ">1000000")],
)
def test_amount_bucket_of_an_order(amount: str, label: str) -> None:
    assert amount_bucket(Decimal(amount)) == label
