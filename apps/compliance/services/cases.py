"""Cases: opened by what cannot be left as an alert."""

from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.events import CaseOpened
from apps.compliance.models import Case
from apps.core.commands import command
from apps.users.models import User


@command
def case_open(*, actor: User, client_id: UUID, origin: str) -> Case:
    """Return the client's open case, or open one for the officer who found the reason."""
    case = Case.objects.filter(client_id=client_id, status=Case.Status.OPEN).first()
    if case is None:
        case = Case.objects.create(
            client_id=client_id, origin=origin, assignee=actor, opened_at=timezone.now()
        )
        event = CaseOpened(
            stream=case.stream, case_id=str(case.id), client_id=str(client_id), origin=origin
        )
        emit(event, actor=actor)
    return case
