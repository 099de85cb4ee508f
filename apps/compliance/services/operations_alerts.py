"""Alerts to operations: a row that stands until somebody has seen it, an event, a metric."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.utils import timezone
from prometheus_client import Counter

from apps.audit.services import emit
from apps.compliance.events import OperationsAlertAcknowledged, OperationsAlertRaised
from apps.compliance.models import OperationsAlert
from apps.core.commands import command
from apps.core.errors import Conflict, NotFound, NotPermitted
from apps.users.models import User

ACKNOWLEDGE = "compliance.acknowledge_operationsalert"
operations_alerts_total = Counter(
    "operations_alerts_total", "Work that runs by itself and failed.", ["kind"]
)


@command
def operations_alert_raise(
    *, kind: str, subject: str, message: str, facts: Mapping[str, Any]
) -> OperationsAlert:
    """Open an alert, or count it up while the same one still stands; only a new one is told of."""
    with connection.cursor() as cursor:
        lock = f"operations-alert-{kind}-{subject}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [lock])
    operations_alerts_total.labels(kind).inc()
    standing = OperationsAlert.objects.filter(kind=kind, subject=subject, acknowledged_at=None)
    if standing.update(
        occurrences=F("occurrences") + 1,
        message=message[:500],
        facts=dict(facts),
        updated_at=timezone.now(),
    ):
        return standing.get()
    alert = OperationsAlert.objects.create(
        kind=kind, subject=subject, message=message[:500], facts=dict(facts)
    )
    emit(
        OperationsAlertRaised(
            stream=alert.stream,
            alert_id=str(alert.id),
            kind=kind,
            subject=subject,
            message=alert.message,
        ),
        actor=None,
    )
    return alert


@command
def operations_alert_acknowledge(*, actor: User, alert_id: UUID) -> OperationsAlert:
    """Say that somebody has seen it.  Raises NotPermitted, NotFound, Conflict `acknowledged`."""
    if not actor.has_perm(ACKNOWLEDGE):
        raise NotPermitted("You may not acknowledge alerts of operations.")
    alert = OperationsAlert.objects.select_for_update().filter(id=alert_id).first()
    if alert is None:
        raise NotFound("There is no such alert.")
    if alert.acknowledged_at is not None:
        raise Conflict("Somebody has acknowledged this alert already.", code="acknowledged")
    alert.acknowledged_by, alert.acknowledged_at = actor, timezone.now()
    alert.save()
    emit(
        OperationsAlertAcknowledged(
            stream=alert.stream, alert_id=str(alert.id), kind=alert.kind, subject=alert.subject
        ),
        actor=actor,
    )
    return alert
