"""One officer at a time decides what is on a page: a lock that ends, taken by a guarded UPDATE."""

from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from apps.compliance.domain.work_items import LOCK_DURATION
from apps.compliance.models import WorkItem, WorkLock
from apps.compliance.selectors.work_items import is_escalated_above
from apps.core.commands import command
from apps.core.errors import Conflict, NotPermitted
from apps.users.models import User

TAKE = "compliance.take_workitem"


@command
def work_lock_take(*, actor: User, page_id: UUID) -> WorkLock:
    """Hold the page for LOCK_DURATION, or prolong the hold; return the lock as it now stands.

    Whoever else holds it keeps it until it ends: look at `officer`.  Raises NotPermitted, also
    for whom it is about, who proposed it, and where it is a supervisor's: they would keep away
    who may decide.
    """
    if not actor.is_active or not actor.has_perm(TAKE):
        raise NotPermitted("You may not do this.")
    concerns = Q(client=actor) | Q(proposed_by=actor)
    is_concerned = WorkItem.objects.of_page(page_id).filter(concerns).exists()
    if is_concerned or is_escalated_above(actor, page_id):
        raise NotPermitted("Another officer decides this.", code="own_work")
    _free_for(actor, page_id).update(officer=actor, until=timezone.now() + LOCK_DURATION)
    return WorkLock.objects.select_related("officer").get(page_id=page_id)


@command
def work_lock_require(*, actor: User, page_id: UUID) -> None:
    """Let a decision go on only while nobody else has the page open, and it is no supervisor's.

    The lock's row stays locked until the decision is committed, so that no other officer comes in
    between; it is no hold beyond that.  Raises Conflict `work_locked` or `work_escalated`.
    """
    if not _free_for(actor, page_id).update(officer_id=F("officer_id")):
        raise Conflict("Another officer has this open.", code="work_locked")
    if is_escalated_above(actor, page_id):
        raise Conflict("This was escalated: a supervisor decides.", code="work_escalated")


@command
def work_lock_release(*, actor: User, page_id: UUID) -> None:
    """End the officer's own hold; does nothing where there is none."""
    WorkLock.objects.filter(page_id=page_id, officer=actor).update(until=timezone.now())


def _free_for(actor: User, page_id: UUID) -> QuerySet[WorkLock]:
    """Return the page's lock where the officer may have it; none where another holds it."""
    now = timezone.now()
    WorkLock.objects.bulk_create(
        [WorkLock(page_id=page_id, officer=actor, until=now)], ignore_conflicts=True
    )
    return WorkLock.objects.filter(Q(officer=actor) | Q(until__lte=now), page_id=page_id)
