"""Queries of the firm's own hand on trading: its switch, and what rests while it stands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.audit.selectors import stream_events
from apps.trading.domain.risk import FirmState
from apps.trading.models import CancelRun, FirmSwitch, Order
from apps.users.models import User

HISTORY = 20


@dataclass(frozen=True, slots=True)
class FirmDesk:
    """The switch, how many orders rest, the newest cancel run, and who turned the switch before.

    `left` is how many orders of the run still rest.
    """

    switch: FirmSwitch
    resting: int
    run: CancelRun | None
    left: int
    history: list[dict[str, Any]]


def firm_state() -> FirmState:
    """Return where the firm's switch stands."""
    state = FirmSwitch.objects.values_list("state", flat=True).first()
    return FirmState(state) if state else FirmState.ACTIVE


def firm_switch_get() -> FirmSwitch:
    """Return the switch with who turned it last."""
    return FirmSwitch.objects.select_related("turned_by").first() or FirmSwitch()


def firm_desk() -> FirmDesk:
    """Return what the officer who turns the switch has to know."""
    resting = Order.objects.resting()
    run = CancelRun.objects.select_related("requested_by").order_by("-created_at").first()
    events = list(stream_events("firm-switch").order_by("-version")[:HISTORY])
    people = User.objects.in_bulk({one.actor_id for one in events if one.actor_id})
    return FirmDesk(
        switch=firm_switch_get(),
        resting=resting.count(),
        run=run,
        left=_left(run.created_at) if run and run.finished_at is None else 0,
        history=[
            {"at": one.occurred_at, "who": str(people.get(one.actor_id, "system")), **one.payload}
            for one in events
        ],
    )


def _left(since: datetime) -> int:
    return Order.objects.resting().filter(created_at__lte=since).count()
