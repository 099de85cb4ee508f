"""Commands on the restricted list: put on and lifted by compliance, with dates and a reason."""

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.domain.instruments import Symbol
from apps.core.errors import InvalidInput, NotFound, NotPermitted
from apps.market.selectors import instrument_get
from apps.trading.domain.limits import check_reason
from apps.trading.models import Restriction
from apps.trading.services.rules import rules_change
from apps.users.domain.roles import Role
from apps.users.models import User

PERMISSION = "trading.keep_restriction"


@command
def restriction_add(
    *,
    actor: User,
    symbol: str,
    client_id: UUID | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    reason: str,
) -> Restriction:
    """Let nobody, or not this client (an insider, an employee), place orders in the symbol.

    From now or `starts_at` until `ends_at`, or until it is lifted; resting orders stay.  Raises
    NotPermitted without trading.keep_restriction, InvalidInput, NotFound.
    """
    _demand_permission(actor)
    now = timezone.now()
    if ends_at is not None and ends_at <= max(starts_at or now, now):
        raise InvalidInput("It ends before it begins.", field="ends_at")
    instrument = instrument_get(Symbol(symbol).value)
    if client_id is not None:
        client = User.objects.filter(id=client_id).first()
        if client is None or Role.CLIENT.value not in client.role_names:
            raise NotFound("There is no such client.", field="client")
    at = rules_change()
    restriction = Restriction(
        symbol=instrument.symbol,
        client_id=client_id,
        starts_at=starts_at or at,
        ends_at=ends_at,
        reason=check_reason(reason),
        added_by=actor,
    )
    restriction.save(force_insert=True)
    emit(restriction.add(), actor=actor)
    return restriction


@command
def restriction_lift(*, actor: User, restriction_id: UUID) -> Restriction:
    """Let the symbol be traded again.  Raises NotPermitted, NotFound, Conflict."""
    _demand_permission(actor)
    restriction = (
        Restriction.objects.select_for_update(of=("self",)).filter(id=restriction_id).first()
    )
    if restriction is None:
        raise NotFound("There is no such restriction.")
    event = restriction.lift(actor, at=timezone.now())
    restriction.save()
    emit(event, actor=actor)
    return restriction


def _demand_permission(actor: User) -> None:
    if not actor.has_perm(PERMISSION):
        raise NotPermitted("You may not change the restricted list.")
