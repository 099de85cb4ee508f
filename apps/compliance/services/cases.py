"""Cases: opened by what cannot be left as an alert."""

from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.work_items import WorkKind
from apps.compliance.events import CaseOpened
from apps.compliance.models import Case
from apps.compliance.services.work_items import work_item_assign, work_item_sync
from apps.core.commands import command
from apps.users.models import User


@command
def case_open(*, actor: User, client_id: UUID, origin: str) -> Case:
    """Return the client's open case, or open one for the officer who found the reason."""
    case = Case.objects.filter(client_id=client_id, status=Case.Status.OPEN).first()
    if case is None:
        case = Case.objects.create(client_id=client_id, origin=origin, opened_at=timezone.now())
        event = CaseOpened(
            stream=case.stream, case_id=str(case.id), client_id=str(client_id), origin=origin
        )
        emit(event, actor=actor)
        item = work_item_sync(kind=WorkKind.CASE, subject_id=case.id)
        if item is not None:
            work_item_assign(actor=actor, item_id=item.id, assignee_id=actor.pk)
    return case
