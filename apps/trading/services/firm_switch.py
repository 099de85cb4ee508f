"""The command that opens, narrows or stops the firm's order intake."""

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotPermitted
from apps.trading.domain.risk import FirmState
from apps.trading.models import FirmSwitch
from apps.users.models import User

REASON_LENGTH = 200
PERMISSION = "trading.turn_firmswitch"


@command
def firm_switch_turn(*, actor: User, state: FirmState, reason: str) -> FirmSwitch:
    """Turn the switch; orders that are placed already go on.

    Raises NotPermitted without trading.turn_firmswitch, InvalidInput without a reason, and
    Conflict when the switch stands there already.
    """
    if not actor.has_perm(PERMISSION):
        raise NotPermitted("You may not turn the firm's switch.")
    reason = reason.strip()
    if not reason or len(reason) > REASON_LENGTH:
        raise InvalidInput(f"A reason has 1 to {REASON_LENGTH} characters.", field="reason")
    FirmSwitch.objects.get_or_create(id=1)
    switch = FirmSwitch.objects.select_for_update().get(id=1)
    if switch.state == state.value:
        raise Conflict(f"The firm is {state.value} already.", code="unchanged")
    event = switch.turn(to=state, reason=reason)
    switch.save()
    emit(event, actor=actor)
    return switch
