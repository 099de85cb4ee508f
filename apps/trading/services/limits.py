"""Commands on limits: one officer proposes, another confirms, and then the limit binds."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from apps.trading.domain.limits import (
    LimitKind,
    LimitOwner,
    LimitScope,
    check_period,
    check_reason,
    check_value,
)
from apps.trading.models import Portfolio, TradingLimit
from apps.trading.selectors.limits import limit_newest
from apps.trading.services.rules import rules_change
from apps.users.domain.roles import Role
from apps.users.models import User

PERMISSION = "trading.decide_tradinglimit"


@command
def limit_propose(
    *,
    actor: User,
    scope: LimitScope,
    kind: LimitKind,
    value: Decimal | None,
    client_id: UUID | None = None,
    portfolio_id: UUID | None = None,
    effective_from: datetime | None = None,
    effective_to: datetime | None = None,
    owner: str = LimitOwner.RISK.value,
    reason: str,
) -> TradingLimit:
    """Propose a limit, a change of one, or (`value` None) its end; nothing changes yet.

    Without `effective_from` it begins when it is confirmed.  Raises NotPermitted without
    trading.decide_tradinglimit, InvalidInput, NotFound, and Conflict `unchanged` where there is
    no limit to lift.
    """
    _demand_permission(actor)
    if owner not in set(LimitOwner):
        raise InvalidInput("There is no such owner.", field="owner")
    check_period(effective_from, effective_to, now=timezone.now())
    _check_subject(scope, client_id, portfolio_id)
    limit = TradingLimit(
        scope=scope.value,
        kind=kind.value,
        client_id=client_id,
        portfolio_id=portfolio_id,
        value=None if value is None else check_value(kind, value),
        effective_from=effective_from,
        effective_to=effective_to,
        owner=owner,
        reason=check_reason(reason),
        proposed_by=actor,
    )
    limit.based_on = limit_newest(limit)
    if value is None and not limit.based_on:
        raise Conflict("There is no such limit to lift.", code="unchanged")
    limit.save(force_insert=True)
    emit(limit.propose(), actor=actor)
    return limit


@command
def limit_confirm(*, actor: User, limit_id: UUID) -> TradingLimit:
    """Put in force what another officer proposed; every order from now on is measured by it.

    Raises NotPermitted (`four_eyes` for the proposer), NotFound, Stale when the limit changed
    since, and Conflict: `already_decided`, `period_over`, `proposer_gone`, and what a check of
    settings.DECISION_CHECKS says.
    """
    _demand_permission(actor)
    at = rules_change()
    limit = _locked(actor, limit_id)
    if limit.proposed_by is None or not limit.proposed_by.has_perm(PERMISSION):
        raise Conflict("Who proposed it may not any more; propose it again.", code="proposer_gone")
    event = limit.confirm(actor, newest=limit_newest(limit), at=at)
    limit.save()
    emit(event, actor=actor)
    return limit


@command
def limit_decline(*, actor: User, limit_id: UUID) -> TradingLimit:
    """Drop a proposal; who made it may take it back.  Raises NotPermitted, NotFound, Conflict."""
    _demand_permission(actor)
    limit = _locked(actor, limit_id)
    event = limit.decline(actor, at=timezone.now())
    limit.save()
    emit(event, actor=actor)
    return limit


def _demand_permission(actor: User) -> None:
    if not actor.has_perm(PERMISSION):
        raise NotPermitted("You may not change limits.")


def _check_subject(scope: LimitScope, client_id: UUID | None, portfolio_id: UUID | None) -> None:
    given = {LimitScope.CLIENT: client_id, LimitScope.PORTFOLIO: portfolio_id}
    for other, subject in given.items():
        if (subject is not None) is not (other is scope):
            raise InvalidInput(f"Name the {scope.lower()} and nothing else.", field="subject")
    if client_id is not None:
        client = User.objects.filter(id=client_id).first()
        if client is None or Role.CLIENT.value not in client.role_names:
            raise NotFound("There is no such client.", field="subject")
    if portfolio_id is not None and not Portfolio.objects.filter(id=portfolio_id).exists():
        raise NotFound("There is no such portfolio.", field="subject")


def _locked(actor: User, limit_id: UUID) -> TradingLimit:
    """Return the proposal for deciding, while no other officer has it open."""
    limit = TradingLimit.objects.select_for_update(of=("self",)).filter(id=limit_id).first()
    if limit is None:
        raise NotFound("There is no such proposal.")
    for path in settings.DECISION_CHECKS:
        import_string(path)(actor=actor, page_id=limit.id)
    return limit
