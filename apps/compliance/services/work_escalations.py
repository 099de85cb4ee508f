"""An officer hands what waits on a page to the supervisors, and says why."""

from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.reasons import reason_checked
from apps.compliance.domain.work_events import WorkEscalated
from apps.compliance.models import WorkItem
from apps.compliance.services.work_items import kinds_of
from apps.compliance.services.work_locks import TAKE, work_lock_release, work_lock_require
from apps.core.commands import command
from apps.core.errors import Conflict, NotPermitted
from apps.users.models import User

MAX_REASON = 2000


@command
def work_page_escalate(*, actor: User, page_id: UUID, reason: str) -> int:
    """Make what the officer could decide on a page a supervisor's; return how much.

    It leaves the hands it is in.  Raises NotPermitted, InvalidInput, Conflict `work_locked`, and
    `nothing_to_escalate` where all of it is decided or escalated already.
    """
    if not actor.is_active or not actor.has_perm(TAKE):
        raise NotPermitted("You may not do this.")
    text = reason_checked(reason, most=MAX_REASON)
    work_lock_require(actor=actor, page_id=page_id)
    items = WorkItem.objects.of_page(page_id).filter(kind__in=kinds_of(actor)).exclude(client=actor)
    locked = items.order_by("id").select_for_update()
    found = [item for item in locked if not item.is_escalated]
    if not found:
        raise Conflict("There is nothing to escalate.", code="nothing_to_escalate")
    for item in found:
        item.assignee = None
        item.escalated_by, item.escalated_at, item.escalation = actor, timezone.now(), text
        item.escalation_answered_at = None
        item.save()
        event = WorkEscalated(stream=item.stream, kind=item.kind, subject_id=str(item.subject_id))
        emit(event, actor=actor)
    work_lock_release(actor=actor, page_id=page_id)
    return len(found)
