"""Commands of monitoring: keep a movement, and run the scenarios over a client's movements."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import structlog
from celery import current_app
from django.db import connection, transaction
from django.utils import timezone
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from apps.compliance.domain.scenarios import (
    MAX_WINDOW,
    Finding,
    Flow,
    parameters_parse,
    scenario_run,
)
from apps.compliance.models import Alert, Movement, Scenario
from apps.compliance.services.alerts import alert_raise
from apps.core.commands import command

logger = structlog.get_logger(__name__)
SWEEP_LIMIT = 500


@command
def movement_record(
    *,
    event_id: UUID,
    client_id: UUID,
    portfolio_id: UUID,
    kind: str,
    amount: Decimal,
    currency: str,
    occurred_at: datetime,
    reference: str,
) -> None:
    """Keep the movement once for each event and ask for the client to be monitored."""
    Movement.objects.bulk_create(
        [
            Movement(
                event_id=event_id,
                client_id=client_id,
                portfolio_id=portfolio_id,
                kind=kind,
                amount=amount,
                currency=currency,
                occurred_at=occurred_at,
                reference=reference,
            )
        ],
        ignore_conflicts=True,
    )
    transaction.on_commit(lambda: _ask(client_id), robust=True)


@command
def client_monitor(*, client_id: UUID) -> list[Alert]:
    """Run the active scenarios over the client's movements; return the alerts they touch.

    Reads from MAX_WINDOW before the oldest movement that was not monitored yet, so a late event
    is judged with its neighbours.  Running again raises nothing new.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"monitor:{client_id}"]
        )
    pending = Movement.objects.filter(client_id=client_id, monitored_at=None)
    oldest = pending.order_by("occurred_at").values_list("occurred_at", flat=True).first()
    if oldest is None:
        return []
    movements = list(
        Movement.objects.filter(client_id=client_id, occurred_at__gte=oldest - MAX_WINDOW).order_by(
            "occurred_at"
        )
    )
    alerts: list[Alert] = []
    for scenario in Scenario.objects.filter(is_active=True).order_by("code"):
        parameters = parameters_parse(scenario.parameters, scenario.bounds)
        flows = [_flow(row) for row in movements if row.currency == scenario.currency]
        findings = scenario_run(scenario.code, flows, parameters)
        alerts += [_raise(client_id, scenario, finding) for finding in findings]
    Movement.objects.filter(
        pk__in=[row.pk for row in movements if row.monitored_at is None]
    ).update(monitored_at=timezone.now())
    return alerts


def monitoring_sweep() -> int:
    """Ask again for the clients whose movements nobody has looked at; return how many."""
    clients = list(
        Movement.objects.filter(monitored_at=None)
        .values_list("client_id", flat=True)
        .distinct()[:SWEEP_LIMIT]
    )
    for client_id in clients:
        _ask(client_id)
    return len(clients)


def _ask(client_id: UUID) -> None:
    try:
        current_app.send_task("compliance.monitor_client", args=[str(client_id)])
    except (OSError, RedisError, KombuError) as error:
        # The movement stays unmonitored, so the sweep asks again.
        logger.warning("monitor_nudge_failed", error=type(error).__name__)


def _flow(row: Movement) -> Flow:
    return Flow(
        reference=str(row.event_id),
        kind=row.kind,
        amount=row.amount,
        currency=row.currency,
        occurred_at=row.occurred_at,
    )


def _raise(client_id: UUID, scenario: Scenario, finding: Finding) -> Alert:
    return alert_raise(
        client_id=client_id,
        kind="MONITORING",
        scenario_code=scenario.code,
        scenario_version=scenario.version,
        score=finding.score,
        parameters={**scenario.parameters, "currency": scenario.currency},
        explanation=[
            {
                "name": measure.name,
                "threshold": str(measure.threshold),
                "measured": format(measure.measured.normalize(), "f"),
                "contribution": str(round(measure.contribution, 4)),
            }
            for measure in finding.measures
        ],
        window=finding.window,
        evidence=[
            {
                "reference": flow.reference,
                "kind": flow.kind,
                "amount": format(flow.amount.normalize(), "f"),
                "currency": flow.currency,
                "occurred_at": flow.occurred_at.isoformat(),
            }
            for flow in finding.flows
        ],
    )
