"""The queue: kept after the tables that know what waits, given out so that nobody gets the same."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.work_events import WorkAssigned, WorkExported
from apps.compliance.domain.work_items import DECIDE, Priority, WorkKind, due_at
from apps.compliance.models import WorkItem
from apps.compliance.selectors.work_items import ASSIGN, is_escalated_above, page_state
from apps.compliance.selectors.work_subjects import NO_PROPOSAL, SOURCES, WorkSubject
from apps.compliance.services.work_locks import TAKE, work_lock_take
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotPermitted
from apps.users.models import User

VIEW = "compliance.view_workitem"
SYNC_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('work-items', 0))"
TAKEN_OVER = (
    *("subject_id", "page_id", "stream", "client_id", "topic", "title", "summary"),
    "proposed_by_id",
)


@command
def work_items_sync() -> None:
    """Bring the queue up to date with what waits now; two calls at once take turns."""
    with connection.cursor() as cursor:
        cursor.execute(SYNC_LOCK)
    for kind in WorkKind:
        _sync(kind)


@command
def work_item_sync(*, kind: WorkKind, subject_id: UUID) -> WorkItem | None:
    """Bring one subject up to date; return its open item, None when it waits for nobody."""
    _sync(kind, {subject_id})
    return WorkItem.objects.open().filter(kind=kind, subject_id=subject_id).first()


@command
def work_take_next(*, actor: User) -> WorkItem | None:
    """Give the officer the most urgent item that nobody has, and what else is on its page.

    By priority, due time and age.  Officers who ask at once get different pages: each locks the
    first of a page's items, and passes over those that another has locked.  None when nothing is
    left.  Raises NotPermitted.
    """
    _require(actor, TAKE)
    free = WorkItem.objects.unassigned_for(actor, kinds_of(actor))
    if not actor.has_perm(ASSIGN):
        free = free.exclude(id__in=WorkItem.objects.escalated().values("id"))
    page = Q(page_id=OuterRef("page_id"))
    sooner = Q(due_at__lt=OuterRef("due_at")) | Q(due_at=OuterRef("due_at"), id__lt=OuterRef("id"))
    of_others = WorkItem.objects.open().filter(page, assignee__isnull=False).exclude(assignee=actor)
    first: WorkItem | None = (
        free.exclude(Exists(free.filter(page & sooner)))
        .exclude(Exists(of_others))
        .order_by("priority", "due_at", "opened_at", "id")
        .select_for_update(skip_locked=True)
        .first()
    )
    if first is None:
        return None
    others = free.filter(page_id=first.page_id).exclude(id=first.id)
    for item in (first, *others.order_by("id").select_for_update(skip_locked=True)):
        _assign(item, actor, actor.pk)
    return first


def work_next(*, actor: User) -> WorkItem | None:
    """Give the officer the next item as work_take_next does, of a queue that is up to date."""
    item = work_take_next(actor=actor)
    if item is None:
        work_items_sync()
        item = work_take_next(actor=actor)
    return item


@command
def work_item_assign(*, actor: User, item_id: UUID, assignee_id: UUID | None) -> WorkItem:
    """Give an open item to an officer (None: to nobody); the same assignee again changes nothing.

    One's own name, or letting go of what no other has, needs take_workitem; everything else, and
    what was escalated, assign_workitem.  Who gives that to an officer has answered.  Raises
    NotPermitted, NotFound, Conflict when it is decided, InvalidInput for whoever may not decide it.
    """
    item = WorkItem.objects.locked(item_id)
    lets_go = assignee_id is None and item.assignee_id in {None, actor.pk}
    takes = assignee_id == actor.pk and item.assignee_id in {None, actor.pk}
    _require(actor, TAKE if (lets_go or takes) and not item.is_escalated else ASSIGN)
    if item.closed_at is not None:
        raise Conflict("This is decided already.", code="work_closed")
    if item.assignee_id == assignee_id:
        return item
    if assignee_id is not None:
        _admit(item, assignee_id)
    _assign(item, actor, assignee_id)
    return item


@command
def work_page_take(*, actor: User, page_id: UUID) -> int:
    """Take all that is decided on a page; return how much.  Raises as work_item_assign does."""
    items = WorkItem.objects.of_page(page_id).exclude(proposed_by=actor).order_by("id")
    found = list(items.select_for_update().values_list("id", flat=True))
    for item_id in found:
        work_item_assign(actor=actor, item_id=item_id, assignee_id=actor.pk)
    return len(found)


@command
def work_export_record(*, actor: User, query: str, count: int) -> None:
    """Record that the officer took rows out of the system, by which filter; raises NotPermitted."""
    _require(actor, VIEW)
    event = WorkExported(stream=f"work-exports-{actor.pk}", query=query[:500], count=count)
    emit(event, actor=actor)


def page_opened(officer: User, page_id: UUID, *, is_open: bool) -> dict[str, Any]:
    """Hold a page that is opened for deciding; return what it shows of the queue (`page_state`).

    `is_open` is whether there is something that this officer could decide: a proposer must leave
    the way to the second officer, and an officer to the supervisor.
    """
    if is_open and officer.has_perm(TAKE):
        work_items_sync()
        if not is_escalated_above(officer, page_id):
            work_lock_take(actor=officer, page_id=page_id)
    return page_state(officer, page_id)


def kinds_of(officer: User) -> list[str]:
    """Return the kinds that the officer may decide."""
    return [kind for kind, permission in DECIDE.items() if officer.has_perm(permission)]


def _require(actor: User, permission: str) -> None:
    if not actor.is_active or not actor.has_perm(permission):
        raise NotPermitted("You may not do this.")


def _admit(item: WorkItem, assignee_id: UUID) -> None:
    """Refuse whoever may not decide the item; an officer who is given it has their answer."""
    assignee = User.objects.filter(pk=assignee_id, is_active=True).first()
    concerned = assignee_id in {item.client_id, item.proposed_by_id}
    may = assignee is not None and assignee.has_perm(TAKE) and item.kind in kinds_of(assignee)
    if assignee is None or not may or concerned:
        raise InvalidInput("That person may not decide this.", field="assignee")
    if item.is_escalated and not assignee.has_perm(ASSIGN):
        item.escalation_answered_at = timezone.now()


def _assign(item: WorkItem, actor: User, assignee_id: UUID | None) -> None:
    item.assignee_id = assignee_id
    item.save(update_fields=["assignee", "escalation_answered_at", "updated_at"])
    event = WorkAssigned(
        stream=item.stream,
        kind=item.kind,
        subject_id=str(item.subject_id),
        assignee_id=str(assignee_id) if assignee_id else None,
    )
    emit(event, actor=actor)


def _sync(kind: WorkKind, subject_ids: Collection[UUID] | None = None) -> None:
    """Close what waits no more; add what is new, correct what stands otherwise."""
    source, now = SOURCES[kind], timezone.now()
    rows, items = source.rows(), WorkItem.objects.open().filter(kind=kind)
    if subject_ids is not None:
        rows, items = rows.filter(pk__in=subject_ids), items.filter(subject_id__in=subject_ids)
    waits = source.rows().filter(pk=OuterRef("subject_id"))
    # Locked in one order, so that it does not meet officers who take many at once halfway.
    over = items.exclude(Exists(waits)).order_by("id").select_for_update()
    if ids := list(over.values_list("id", flat=True)):
        WorkItem.objects.filter(id__in=ids).update(closed_at=now, updated_at=now)
    kept = WorkItem.objects.open().annotate(mark=Coalesce("proposed_at", NO_PROPOSAL))
    kept = kept.filter(subject_id=OuterRef("pk"), priority=OuterRef("work_priority"), kind=kind)
    rows = rows.exclude(Exists(kept.filter(mark=OuterRef("work_mark"))))
    changed = list(rows.select_related(*source.related).order_by("pk"))
    if not changed:
        return
    known = {
        item.subject_id: item
        for item in items.filter(subject_id__in=[row.pk for row in changed])
        .order_by("id")
        .select_for_update()
    }
    fresh = []
    for row in changed:
        subject = source.describe(row)
        new = WorkItem(kind=kind, opened_at=subject.opened_at or now)
        item = known.get(row.pk, new)
        _follow(item, subject, row)
        if row.pk in known:
            item.save()
        else:
            fresh.append(item)
    WorkItem.objects.bulk_create(fresh, batch_size=500, ignore_conflicts=True)


def _follow(item: WorkItem, subject: WorkSubject, row: Any) -> None:
    """Take over what the subject says.

    A proposal leaves its proposer's hands; one that was sent back returns to them.  Either answers
    what was escalated: from then on any other officer may go on.
    """
    proposer = item.proposed_by_id
    proposed_at = row.work_mark if subject.proposed_by_id else None
    if proposed_at != item.proposed_at:
        if item.is_escalated:
            item.escalation_answered_at = timezone.now()
        item.assignee_id = None if subject.proposed_by_id else proposer
    for name in TAKEN_OVER:
        setattr(item, name, getattr(subject, name))
    item.proposed_at = proposed_at
    item.priority = row.work_priority
    item.due_at = subject.due_at or due_at(
        WorkKind(item.kind), Priority(item.priority), item.opened_at
    )
