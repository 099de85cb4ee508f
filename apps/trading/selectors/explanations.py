"""Why an order is what it is: its events, its checks, its money, what the venue said."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from apps.audit.domain.titles import event_title
from apps.audit.selectors import stream_events
from apps.ledger.selectors import entry_list
from apps.trading.models import Execution, Order, OrderRefusal, Replacement
from apps.users.models import User

if TYPE_CHECKING:
    from apps.audit.models import AuditEvent
    from apps.ledger.models import Entry

# What a timeline leaves out: it is the same in every row, or has a place of its own.
HIDDEN = frozenset(
    {"order_id", "portfolio_id", "client_id", "symbol", "side", "checks", "replacement_id"}
)


@dataclass(frozen=True, slots=True)
class CheckRow:
    code: str
    outcome: str
    limit: str
    measured: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of one order.  `timeline` rows have at, title, who and facts."""

    checks: list[CheckRow]
    timeline: list[dict[str, Any]]
    entries: "list[Entry]"
    executions: list[Execution]
    replacements: list[Replacement]


def order_explain(order: Order) -> Explanation:
    """Return the order's whole life; the number of queries does not grow with it."""
    events = list(stream_events(order.stream))
    accepted = next((one for one in events if one.name == "trading.order.accepted"), None)
    entries = entry_list(reference=str(order.id)).order_by("posted_at", "id")
    return Explanation(
        checks=check_rows(accepted.payload if accepted else {}),
        timeline=_timeline(events, order.client_id),
        entries=list(entries.prefetch_related("postings__account")),
        executions=list(Execution.objects.filter(order=order).order_by("executed_at", "id")),
        replacements=list(Replacement.objects.filter(order=order).order_by("created_at", "id")),
    )


def check_rows(payload: dict[str, Any]) -> list[CheckRow]:
    """Return the checks that an event of an order keeps; an older one has none."""
    return [CheckRow(*row) for row in payload.get("checks", ())]


def refusal_facts(refusal: OrderRefusal) -> dict[str, Any]:
    """Return what was asked and every check, as the trail keeps them."""
    events = list(stream_events(refusal.stream)[:1])
    return events[0].payload if events else {}


def _timeline(events: "Iterable[AuditEvent]", client_id: UUID) -> list[dict[str, Any]]:
    rows = list(events)
    staff = {one.actor_id for one in rows if one.actor_id and one.actor_id != client_id}
    people = User.objects.in_bulk(staff)
    return [
        {
            "at": one.occurred_at,
            "title": event_title(one.name),
            "name": one.name,
            "who": _who(one.actor_id, client_id, people),
            "facts": {key: value for key, value in one.payload.items() if _is_told(key, value)},
        }
        for one in rows
    ]


def _who(actor_id: UUID | None, client_id: UUID, people: dict[UUID, User]) -> str:
    if actor_id is None:
        return "the system"
    return "the client" if actor_id == client_id else str(people.get(actor_id, "somebody gone"))


def _is_told(key: str, value: Any) -> bool:
    return key not in HIDDEN and value not in (None, "")
