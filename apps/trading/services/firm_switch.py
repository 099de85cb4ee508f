"""The command that opens, narrows or stops the firm's order intake."""

from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotPermitted, Stale
from apps.trading.domain.risk import FirmState
from apps.trading.models import FirmSwitch
from apps.trading.services.rules import rules_change
from apps.users.models import User

REASON_LENGTH = 200
PERMISSION = "trading.turn_firmswitch"


@command
def firm_switch_turn(
    *, actor: User, state: FirmState, reason: str, seen: FirmState | None = None
) -> FirmSwitch:
    """Turn the switch; orders that are placed already go on.

    When it returns and its transaction ends, no order is accepted that the new state refuses.
    `seen` is the state that the officer saw; halting never fails because of it.

    Raises NotPermitted without trading.turn_firmswitch, InvalidInput without a reason, Conflict
    when the switch stands there already, and Stale when it was turned meanwhile.
    """
    if not actor.has_perm(PERMISSION):
        raise NotPermitted("You may not turn the firm's switch.")
    reason = checked_reason(reason)
    FirmSwitch.objects.get_or_create(id=1)
    rules_change()
    switch = FirmSwitch.objects.select_for_update().get(id=1)
    if switch.state == state.value:
        raise Conflict(f"The firm is {state.value} already.", code="unchanged")
    if state is not FirmState.HALTED and seen not in (None, switch.state):
        raise Stale(f"Somebody turned the switch meanwhile: the firm is {switch.state}.")
    event = switch.turn(to=state, reason=reason, officer=actor, at=timezone.now())
    switch.save()
    emit(event, actor=actor)
    return switch


def checked_reason(reason: str) -> str:
    """Return the reason, trimmed; it stays in the audit trail and names no person."""
    text = reason.strip()
    if not text or len(text) > REASON_LENGTH or "\x00" in text:
        raise InvalidInput(f"A reason has 1 to {REASON_LENGTH} characters.", field="reason")
    return text
