"""Commands on rates of charges: one officer proposes, another confirms, from a day to come."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from apps.trading.domain.charges import ChargeKind, check_rate
from apps.trading.domain.limits import check_reason
from apps.trading.models import ChargeRate, Portfolio
from apps.trading.selectors.charges import rate_newest, rate_versions
from apps.users.models import User

PERMISSION = "trading.decide_chargerate"


@command
def charge_rate_propose(
    *,
    actor: User,
    kind: ChargeKind,
    currency: str = "",
    portfolio_id: UUID | None = None,
    rate_bps: Decimal | None,
    effective_on: date | None = None,
    reason: str,
) -> ChargeRate:
    """Propose a rate in basis points a year, or (`rate_bps` None) its end; nothing changes yet.

    Interest names its currency; `portfolio_id` None is the rate of every portfolio.  It begins on
    `effective_on` or, where that is earlier or None, on the day after it is confirmed: no day that
    was accrued is touched.

    Raises NotPermitted without trading.decide_chargerate, InvalidInput, NotFound, and Conflict
    `unchanged` where there is no rate to end.
    """
    _demand_permission(actor)
    check_rate(kind, currency, rate_bps)
    if effective_on is not None and effective_on <= timezone.now().date():
        raise InvalidInput("A rate begins tomorrow or later.", field="effective_on")
    if portfolio_id is not None and not Portfolio.objects.filter(id=portfolio_id).exists():
        raise NotFound("There is no such portfolio.", field="portfolio_id")
    rate = ChargeRate(
        kind=kind.value,
        currency=currency,
        portfolio_id=portfolio_id,
        rate_bps=rate_bps,
        effective_on=effective_on,
        reason=check_reason(reason),
        proposed_by=actor,
    )
    rate.based_on = rate_newest(rate)
    if rate_bps is None and not rate.based_on:
        raise Conflict("There is no such rate to end.", code="unchanged")
    rate.save(force_insert=True)
    emit(rate.propose(), actor=actor)
    return rate


@command
def charge_rate_confirm(*, actor: User, rate_id: UUID) -> ChargeRate:
    """Put in force what another officer proposed.

    Raises NotPermitted (`four_eyes` for the proposer), NotFound, Stale when the rate changed
    since, and Conflict: `already_decided`, `proposer_gone`.
    """
    _demand_permission(actor)
    rate = _locked(rate_id)
    if not rate.proposed_by.has_perm(PERMISSION):
        raise Conflict("Who proposed it may not any more; propose it again.", code="proposer_gone")
    event = rate.confirm(actor, newest=rate_newest(rate), at=timezone.now())
    rate.save()
    emit(event, actor=actor)
    return rate


@command
def charge_rate_decline(*, actor: User, rate_id: UUID) -> ChargeRate:
    """Drop a proposal; who made it may take it back.  Raises NotPermitted, NotFound, Conflict."""
    _demand_permission(actor)
    rate = _locked(rate_id)
    event = rate.decline(actor, at=timezone.now())
    rate.save()
    emit(event, actor=actor)
    return rate


def _demand_permission(actor: User) -> None:
    if not actor.has_perm(PERMISSION):
        raise NotPermitted("You may not change rates.")


def _locked(rate_id: UUID) -> ChargeRate:
    """Load a proposal for writing, with every version of its rate: one decision at a time."""
    found = ChargeRate.objects.filter(id=rate_id).first()
    if found is None:
        raise NotFound("There is no such proposal.")
    rows = rate_versions(found).select_for_update(no_key=True, of=("self",)).order_by("id")
    return next(row for row in rows if row.id == rate_id)
