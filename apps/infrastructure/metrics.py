"""What Prometheus reads: this deployment's own figures beside those of django-prometheus."""

import os
import time
from collections.abc import Iterator
from decimal import Decimal

import redis
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.utils.module_loading import import_string
from django.views.decorators.http import require_GET
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from apps.infrastructure.access import is_local, is_verified_staff
from apps.infrastructure.health import Finding, examine
from apps.infrastructure.keyvalue import redis_client

AMOUNT_BUCKETS = tuple(Decimal(edge) for edge in ("1000", "10000", "100000", "1000000"))

trade_execution_time = Histogram(
    "trade_execution_time",
    "Seconds from an order's acceptance to its execution.",
    ["symbol", "side", "amount"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
api_requests_total = Counter(
    "api_requests_total", "Requests answered by the API.", ["endpoint", "method", "status"]
)
api_response_time = Histogram(
    "api_response_time", "Seconds to answer an API request.", ["endpoint", "method", "status"]
)


def amount_bucket(amount: Decimal) -> str:
    """Return a label such as `<=10000` for an amount of money."""
    edge = next((edge for edge in AMOUNT_BUCKETS if amount <= edge), None)
    return f"<={edge}" if edge is not None else f">{AMOUNT_BUCKETS[-1]}"


def observe_execution(*, symbol: str, side: str, amount: Decimal, seconds: float) -> None:
    """Time one execution; `amount` is price x quantity, `seconds` count from the acceptance."""
    trade_execution_time.labels(symbol, side, amount_bucket(amount)).observe(max(seconds, 0.0))


class DeploymentCollector(Collector):
    """Figures that are asked for at the moment of the scrape."""

    def collect(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily("queue_depth", "Tasks that wait in the broker.", labels=["queue"])
        try:
            for queue in settings.CONTEXT_QUEUES:
                depth.add_metric([queue], float(str(redis_client().llen(queue))))
            yield depth
        except redis.RedisError:
            yield GaugeMetricFamily("queue_depth_unknown", "The broker does not answer.", value=1)
        for name, metric in settings.HEALTH_METRICS.items():
            finding: Finding = examine(import_string(settings.HEALTH_CHECKS[name]))
            if finding.age_seconds is not None:
                yield GaugeMetricFamily(
                    metric, f"Seconds, as the health of {name} has it.", value=finding.age_seconds
                )


def _registry() -> CollectorRegistry:
    """Return every process's figures where processes share a folder, else this process's."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer a scraper on this machine or verified staff; nobody else."""
    if not (is_local(request) or is_verified_staff(request)):
        return HttpResponseForbidden("Metrics are not public.", content_type="text/plain")
    own = CollectorRegistry()
    own.register(DeploymentCollector())
    body = generate_latest(_registry()) + generate_latest(own)
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)


def observe_api(endpoint: str, method: str, status: int, started_at: float) -> None:
    """Count one answer; `started_at` is from time.perf_counter()."""
    labels = (endpoint, method, str(status))
    api_requests_total.labels(*labels).inc()
    api_response_time.labels(*labels).observe(time.perf_counter() - started_at)
