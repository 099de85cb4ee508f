"""Questions to the alerts, for the desk and the API."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from apps.audit.selectors import stream_events
from apps.compliance.domain.alerts import REASONS, AlertKind
from apps.compliance.models import Alert
from apps.compliance.selectors.screening_alerts import PAYMENT
from apps.compliance.selectors.work_items import assignee_of
from apps.core.errors import NotFound
from apps.users.models import User

VIEW = "compliance.view_alert"


def alert_list(user: User) -> QuerySet[Alert]:
    """Return what the user may see: for staff with the permission every alert but their own."""
    alerts = Alert.objects.select_related("client", "proposed_by", "confirmed_by")
    alerts = alerts.exclude(client=user)
    alerts = alerts.annotate(assignee_id=assignee_of("pk"))
    return alerts if user.has_perm(VIEW) else alerts.none()


def alert_get(user: User, alert_id: UUID) -> Alert:
    """Return the alert; raises NotFound, for whoever may not know of alerts too."""
    alert = alert_list(user).filter(pk=alert_id).first()
    if alert is None:
        raise NotFound("There is no such alert.")
    return alert


def alert_timeline(alert: Alert) -> list[dict[str, Any]]:
    """Return the alert's audit events, oldest first, with who acted and what they wrote."""
    events = list(stream_events(alert.stream))
    people = User.objects.in_bulk({event.actor_id for event in events if event.actor_id})
    notes = {note.id: note.text for note in alert.notes.all()}
    return [
        {
            "at": event.occurred_at,
            "event": event.name,
            "name": event.name.rpartition(".")[2].replace("_", " "),
            "who": str(people.get(event.actor_id, "system")) if event.actor_id else "system",
            "facts": {
                key: value
                for key, value in event.payload.items()
                if key in ("disposition", "reason_code", "score", "proposal_withdrawn")
            },
            "note": notes.get(event.payload.get("note_id", 0), ""),
            "hash": event.hash,
        }
        for event in events
    ]


def reason_choices(alert: Alert) -> dict[str, tuple[str, ...]]:
    """Return the dispositions that the alert takes, with their reason codes."""
    choices = REASONS[AlertKind(alert.kind)]
    if alert.scenario_code == PAYMENT:
        return {name: codes for name, codes in choices.items() if name != "INCONCLUSIVE"}
    return choices
