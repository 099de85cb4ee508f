"""Questions to the queue: whose something is, at whom a page is open, the views of an officer."""

from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from apps.compliance.domain.wording import plain
from apps.compliance.domain.work_items import DECIDE, WorkKind
from apps.compliance.models import SavedView, WorkItem, WorkLock
from apps.core.errors import NotFound
from apps.users.models import User

VIEW = "compliance.view_workitem"
ASSIGN = "compliance.assign_workitem"
EXPORT_HEADER = (
    *("kind", "item", "subject_id", "client_id", "list_or_scenario", "priority", "opened_at"),
    *("due_at", "decided_at", "assignee", "proposed_by", "summary"),
)
EXPORT_COLUMNS = (
    *("kind", "title", "subject_id", "client_id", "topic", "priority", "opened_at", "due_at"),
    *("closed_at", "assignee__email", "proposed_by__email", "summary"),
)
EXPORT_ROWS = 10_000


def work_list(
    user: User,
    *,
    held: str = "",
    waits: str = "",
    escalated: str = "",
    **chosen: object,
) -> QuerySet[WorkItem]:
    """Return what waits and the user may see, nothing about themselves; `chosen` by column.

    `held` is ME or NOBODY; `waits` is FIRST (for a decision) or SECOND (for the user's own eyes);
    `escalated` is YES (waits for a supervisor) or NO.
    """
    items = WorkItem.objects.open().filter(**chosen).exclude(client=user)
    if held:
        items = items.filter(assignee=user if held == "ME" else None)
    if waits == "FIRST":
        items = items.filter(proposed_by=None)
    elif waits == "SECOND":
        items = items.filter(id__in=WorkItem.objects.awaiting_second(user).values("id"))
    if escalated:
        above = Q(id__in=WorkItem.objects.escalated().values("id"))
        items = items.filter(above if escalated == "YES" else ~above)
    return items if user.has_perm(VIEW) else items.none()


def work_get(user: User, item_id: UUID) -> WorkItem:
    """Return the item; raises NotFound, for whoever may not know of the queue too."""
    item = WorkItem.objects.filter(pk=item_id).exclude(client=user).first()
    if item is None or not user.has_perm(VIEW):
        raise NotFound("There is no such work.")
    return item


def assignee_of(subject: str) -> Subquery:
    """Return the expression for who has the row's open item; `subject` names the row's key."""
    items = WorkItem.objects.open().filter(subject_id=OuterRef(subject))
    return Subquery(items.values("assignee_id")[:1])


def page_lock(page_id: UUID) -> WorkLock | None:
    """Return the lock on a page while it lasts."""
    locks = WorkLock.objects.select_related("officer")
    return locks.filter(page_id=page_id, until__gt=timezone.now()).first()


def page_items(page_id: UUID) -> list[WorkItem]:
    """Return what is decided on a page."""
    return list(WorkItem.objects.of_page(page_id).select_related("assignee", "escalated_by"))


def is_escalated_above(officer: User, page_id: UUID) -> bool:
    """Return whether something on the page waits for a supervisor, and the officer is none."""
    waiting = WorkItem.objects.of_page(page_id).escalated()
    return not officer.has_perm(ASSIGN) and waiting.exists()


def page_state(officer: User, page_id: UUID) -> dict[str, Any]:
    """Return what a review page shows of the queue: whose it is, and who has it open.

    `locked` is the lock of another officer, `held` the viewer's own; `barred` is whether the viewer
    may only read: it is open with another, or a supervisor's.
    """
    lock, items = page_lock(page_id), page_items(page_id)
    is_mine = lock is not None and lock.officer_id == officer.pk
    due = min((item.due_at for item in items), default=None)
    takeable = [item for item in items if item.proposed_by_id != officer.pk]
    is_above = not officer.has_perm(ASSIGN) and any(item.is_escalated for item in items)
    return {
        "work_page": page_id,
        "work_items": items,
        "locked": None if is_mine else lock,
        "barred": (lock is not None and not is_mine) or is_above,
        "held": lock if is_mine else None,
        "work_due": due,
        "work_late": due is not None and due < timezone.now(),
        "escalated": next((item for item in items if item.escalated_at), None),
        "may_escalate": any(
            not item.is_escalated
            and item.client_id != officer.pk
            and officer.has_perm(DECIDE[item.kind])
            for item in items
        ),
        "assignees": sorted({str(item.assignee) for item in items if item.assignee}),
        "may_take": any(
            item.assignee_id is None
            and not is_above
            and item.client_id != officer.pk
            and officer.has_perm(DECIDE[item.kind])
            for item in takeable
        ),
    }


def with_lock(items: QuerySet[WorkItem]) -> QuerySet[WorkItem]:
    """Add at whom each item's page is open (`lock_holder`) and until when (`lock_until`)."""
    locks = WorkLock.objects.filter(page_id=OuterRef("page_id"), until__gt=timezone.now())
    return items.annotate(
        lock_holder=Subquery(locks.values("officer__email")[:1]),
        lock_until=Subquery(locks.values("until")[:1]),
    )


def export_rows(items: QuerySet[WorkItem]) -> QuerySet[WorkItem, tuple[Any, ...]]:
    """Return the columns of EXPORT_HEADER for at most EXPORT_ROWS items."""
    return items.order_by("opened_at", "id").values_list(*EXPORT_COLUMNS)[:EXPORT_ROWS]


def topics() -> list[tuple[str, str]]:
    """Return what the open items are about, as (code, words)."""
    rows = WorkItem.objects.open().exclude(topic="").order_by().values_list("topic", "kind")
    in_words = {WorkKind.ALERT, WorkKind.KYC}
    return sorted(
        {(topic, plain(topic) if kind in in_words else topic) for topic, kind in rows.distinct()}
    )


def assignees() -> list[User]:
    """Return who has something that is not decided."""
    held = WorkItem.objects.open().exclude(assignee=None).values("assignee")
    return list(User.objects.filter(pk__in=held).order_by("email"))


def officers() -> list[User]:
    """Return who may be given work."""
    people = User.objects.filter(is_active=True, groups__permissions__codename="take_workitem")
    return list(people.distinct().order_by("email"))


def saved_views(officer: User) -> QuerySet[SavedView]:
    """Return the officer's own views and the shared ones."""
    mine = Q(owner=officer) | Q(is_shared=True)
    return SavedView.objects.filter(mine).select_related("owner")
