"""An officer's filters of the queue under names; a supervisor shares theirs with all."""

from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from apps.audit.services import emit
from apps.compliance.domain.work_events import SavedViewChanged
from apps.compliance.models import SavedView
from apps.compliance.selectors.work_items import ASSIGN
from apps.compliance.services.work_locks import TAKE
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from apps.users.models import User

# The parameters of the queue that say what is shown; whom one searched for is not kept.
KEPT = frozenset(
    ("state", "kind", "waits", "held", "sla", "age", "priority__exact", "escalated", "topic", "o")
)
MAX_QUERY, MAX_NAME, MAX_VIEWS = 300, 40, 30


def view_query(query: str) -> str:
    """Return what of a query string a view keeps."""
    pairs = parse_qsl(query[:2000], max_num_fields=50)
    return urlencode([(name, value) for name, value in pairs if name in KEPT])[:MAX_QUERY]


@command
def view_save(*, actor: User, name: str, query: str, is_shared: bool) -> SavedView:
    """Keep a filter; the same name again replaces it.

    Sharing needs assign_workitem.  Raises NotPermitted, InvalidInput, Conflict `too_many_views`.
    """
    if not actor.has_perm(ASSIGN if is_shared else TAKE):
        raise NotPermitted("You may not do this.")
    text = name.strip()
    if not text or len(text) > MAX_NAME or not text.isprintable():
        raise InvalidInput(f"A name of 1 to {MAX_NAME} characters is needed.", field="name")
    mine = SavedView.objects.filter(owner=actor)
    if mine.exclude(name=text).count() >= MAX_VIEWS:
        raise Conflict(f"At most {MAX_VIEWS} views.", code="too_many_views")
    view, _ = SavedView.objects.update_or_create(
        owner=actor, name=text, defaults={"query": view_query(query), "is_shared": is_shared}
    )
    emit(_changed(view, "SHARED" if is_shared else "SAVED"), actor=actor)
    return view


@command
def view_remove(*, actor: User, view_id: UUID) -> None:
    """Forget a view of one's own; a supervisor also one that another shared.  Raises NotFound."""
    view = SavedView.objects.filter(id=view_id).first()
    is_mine = view is not None and view.owner_id == actor.pk
    may = is_mine or (view is not None and view.is_shared and actor.has_perm(ASSIGN))
    if view is None or not may:
        raise NotFound("There is no such view.")
    emit(_changed(view, "REMOVED"), actor=actor)
    view.delete()


def _changed(view: SavedView, change: str) -> SavedViewChanged:
    return SavedViewChanged(
        stream=f"saved-views-{view.owner_id}", view_id=str(view.id), change=change
    )
