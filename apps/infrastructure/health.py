"""Liveness, readiness and the staff's health page; the worst component decides."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe
from pymongo.errors import PyMongoError

from apps.infrastructure.access import is_verified_staff
from apps.infrastructure.documents import database as document_database
from apps.infrastructure.keyvalue import redis_client

logger = structlog.get_logger(__name__)
OK, DEGRADED, DOWN = "ok", "degraded", "down"
SEVERITY = (OK, DEGRADED, DOWN)
HEARTBEAT_KEY = "stratford:background:heartbeat"
HEARTBEAT_LATE_SECONDS = 30


@dataclass(frozen=True)
class Finding:
    """The state of one component; `age_seconds` is how old its newest sign of life is."""

    status: str = OK
    age_seconds: float | None = None
    detail: str = ""


Check = Callable[[], Finding]


def grade_age(age_seconds: float | None, *, late: float, down: float, missing: str) -> Finding:
    """Return ok up to `late` seconds, degraded up to `down`, then down; None is degraded."""
    if age_seconds is None:
        return Finding(DEGRADED, None, missing)
    status = OK if age_seconds <= late else DEGRADED if age_seconds <= down else DOWN
    return Finding(status, round(age_seconds, 3))


def examine(check: Check) -> Finding:
    """Run a check; whatever it raises means down, and the log says what it was."""
    try:
        return check()
    except Exception as error:
        # The page tells the kind of the error only: its text may hold addresses.
        logger.warning("health_check_failed", check=check.__qualname__, exc_info=True)
        return Finding(DOWN, detail=type(error).__name__)


def check_database() -> Finding:
    return _ask_database("default")


def check_time_series() -> Finding:
    return _ask_database("timescale")


def _ask_database(alias: str) -> Finding:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")
    return Finding()


def check_redis() -> Finding:
    redis_client().ping()
    return Finding()


def check_documents() -> Finding:
    """Nothing that trades or screens waits for documents, so their loss only degrades."""
    try:
        document_database().command("ping")
    except PyMongoError as error:
        logger.warning("health_documents_failed", error=type(error).__name__)
        return Finding(DEGRADED, detail=type(error).__name__)
    return Finding()


def check_background_jobs() -> Finding:
    """Beat, broker and a worker together keep the heartbeat young."""
    seen_at = redis_client().get(HEARTBEAT_KEY)
    age = time.time() - float(str(seen_at)) if seen_at else None
    return grade_age(
        age, late=HEARTBEAT_LATE_SECONDS, down=300, missing="No background job has run yet."
    )


def heartbeat_record() -> None:
    """Note that a scheduled task has just run."""
    redis_client().set(HEARTBEAT_KEY, str(time.time()))


def check_migrations() -> Finding:
    for alias in ("default", "timescale"):
        executor = MigrationExecutor(connections[alias])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return Finding(DOWN, detail="Migrations are pending.")
    return Finding()


def _measured(check: Check) -> dict[str, Any]:
    started_at = time.perf_counter()
    try:
        finding = examine(check)
    finally:
        # Each check runs in a thread of its own, whose connections nobody else would close.
        connections.close_all()
    latency_ms = round((time.perf_counter() - started_at) * 1000, 1)
    return {
        "status": finding.status,
        "latency_ms": latency_ms,
        "age_seconds": finding.age_seconds,
        "detail": finding.detail,
    }


def _report(checks: dict[str, Check]) -> dict[str, Any]:
    with ThreadPoolExecutor(max_workers=len(checks)) as pool:
        components = dict(zip(checks, pool.map(_measured, checks.values()), strict=True))
    worst = max((part["status"] for part in components.values()), key=SEVERITY.index)
    return {"status": worst, "components": components}


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """Answer without asking anybody: the process runs."""
    return JsonResponse({"status": OK})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when the process can serve, else 503; names components and no details."""
    checks: dict[str, Check] = {
        "database": check_database,
        "time_series": check_time_series,
        "redis": check_redis,
    }
    statuses = {name: examine(check).status for name, check in checks.items()}
    statuses["migrations"] = _migrations_status(statuses)
    worst = max(statuses.values(), key=SEVERITY.index)
    body = {"status": worst, "components": statuses}
    return JsonResponse(body, status=200 if worst == OK else 503)


def _migrations_status(statuses: dict[str, str]) -> str:
    if DOWN in (statuses["database"], statuses["time_series"]):
        return DOWN
    try:
        return check_migrations().status
    except DatabaseError:
        return DOWN


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Show verified staff each component's state, latency and age."""
    if not is_verified_staff(request):
        return HttpResponseForbidden("For staff.", content_type="text/plain")
    report = _report({name: import_string(path) for name, path in settings.HEALTH_CHECKS.items()})
    return JsonResponse(report, status=503 if report["status"] == DOWN else 200)
