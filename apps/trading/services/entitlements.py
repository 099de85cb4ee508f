"""Corporate actions reach the portfolios: applied to each holder once, and taken back."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import IllegalTransition
from apps.infrastructure.failures import FailureTold
from apps.ledger.domain.legs import AccountKind, Leg
from apps.ledger.services import entry_post, entry_reverse
from apps.market.selectors import fx_rate
from apps.market.services import instrument_delist, instrument_rename, quote_restate
from apps.trading.domain.corporate_actions import (
    DIVIDENDS,
    ActionKind,
    ActionStatus,
    ActionTerms,
    Effect,
    effect_of,
)
from apps.trading.domain.gains import market_day, market_midnight
from apps.trading.domain.lots import LotCause, LotMethod, LotOrigin
from apps.trading.events.corporate_actions import CorporateActionApplied, CorporateActionReversed
from apps.trading.models import CorporateAction, Entitlement, Lot, Portfolio
from apps.trading.selectors.corporate_actions import action_reaches, action_units
from apps.trading.services.income import dividend_pay
from apps.trading.services.lots import lots_carry, lots_restore, lots_take
from apps.trading.services.order_adjustments import orders_clear, orders_rescale


def corporate_actions_run(*, on: date | None = None) -> int:
    """Apply what is due on that day at the exchange, take back what is reversed; return how many.

    Each portfolio is a transaction of its own.  One that fails is told to operations and tried
    again by the next run; the action stays open until every holder had it.
    """
    today = on or market_day(timezone.now())
    done = 0
    for action in CorporateAction.objects.to_apply(today):
        _prepare(action)
        for portfolio_id in _missing(action):
            done += _try(corporate_action_apply, action, portfolio_id)
        corporate_action_finish(action_id=action.id)
    for action in CorporateAction.objects.to_reverse():
        for portfolio_id in action.entitlements.standing().values_list("portfolio_id", flat=True):
            done += _try(corporate_action_undo, action, portfolio_id)
        corporate_action_finish(action_id=action.id)
    return done


def _try(
    step: Callable[..., Entitlement | None], action: CorporateAction, portfolio_id: UUID
) -> bool:
    with FailureTold(
        "CORPORATE_ACTION_FAILED",
        subject=str(action.id),
        message=f"A corporate action on {action.symbol} did not reach every holder; it is tried"
        " again.",
        portfolio_id=str(portfolio_id),
    ):
        step(action_id=action.id, portfolio_id=portfolio_id)
        return True
    return False


def _missing(action: CorporateAction) -> Sequence[UUID]:
    """Return the portfolios that did not have it yet."""
    had = set(action.entitlements.values_list("portfolio_id", flat=True))
    return sorted(action_reaches(action) - had)


def _prepare(action: CorporateAction) -> None:
    """Let the market know what the action means for the instrument; repeating changes nothing."""
    terms = action.terms
    if terms.kind is ActionKind.SPLIT:
        quote_restate(symbol=terms.symbol, ratio=terms.ratio, at=market_midnight(terms.ex_date))
    elif terms.kind is ActionKind.SYMBOL_CHANGE:
        instrument_rename(symbol=terms.symbol, new_symbol=terms.new_symbol)
    elif terms.kind is ActionKind.DELISTING:
        instrument_delist(symbol=terms.symbol)


@command
def corporate_action_finish(*, action_id: UUID) -> bool:
    """Close the action when no portfolio is left to have it or to give it back; say whether."""
    action = CorporateAction.objects.locked(action_id)
    if action.status == ActionStatus.CONFIRMED:
        is_done = not _missing(action)
    else:
        is_done = action.status == ActionStatus.REVERSING and not (
            action.entitlements.standing().exists()
        )
    if is_done:
        action.finish(at=timezone.now())
        action.save()
    return is_done


@command
def corporate_action_apply(*, action_id: UUID, portfolio_id: UUID) -> Entitlement | None:
    """Do to one portfolio what the action says, in one entry, once; None where there is nothing.

    Without units only its open orders follow.  A dividend with tax is two entries.  The lots' days
    of acquisition, costs and rates go on unchanged.  Raises NotFound, IllegalTransition (the action
    is not confirmed), and Refused where the units are not there.
    """
    action = CorporateAction.objects.locked(action_id)
    portfolio = Portfolio.objects.locked(portfolio_id, may_be_closed=True)
    known = action.entitlements.filter(portfolio=portfolio).first()
    if known is not None:
        return known
    if action.status != ActionStatus.CONFIRMED:
        raise IllegalTransition(f"An action that is {action.status} is not applied.")
    if portfolio_id not in action_reaches(action, portfolio_id):
        return None
    units = action_units(action, portfolio_id).get(portfolio_id, Decimal(0))
    terms = action.terms
    effect = effect_of(terms, units)
    apply = _pay if terms.kind in DIVIDENDS else _exchange
    entries = apply(action, portfolio, effect)
    entitlement = Entitlement(
        action=action,
        portfolio=portfolio,
        units=effect.units,
        units_after=effect.units_after,
        gross=effect.gross,
        withheld=effect.withheld,
        entry_ids=entries,
    )
    entitlement.save(force_insert=True)
    event = CorporateActionApplied(
        stream=portfolio.stream,
        action_id=str(action.id),
        portfolio_id=str(portfolio.id),
        client_id=str(portfolio.client_id),
        kind=action.kind,
        symbol=action.symbol,
        units=f"{effect.units:f}",
        units_after=f"{effect.units_after:f}",
        net=f"{effect.net:f}",
        currency=action.currency,
    )
    emit(event, actor=None)
    return entitlement


def _pay(action: CorporateAction, portfolio: Portfolio, effect: Effect) -> list[UUID]:
    if not effect.gross:
        return []
    entries = dividend_pay(
        actor=None,
        portfolio=portfolio,
        symbol=action.symbol,
        gross=effect.gross,
        withheld=effect.withheld,
        currency=action.currency,
        idempotency_key=_key(action, portfolio),
        reference=str(action.id),
    )
    return [entry.id for entry in entries]


def _exchange(action: CorporateAction, portfolio: Portfolio, effect: Effect) -> list[UUID]:
    """Take the old units, bring the new ones and the cash, and let orders and lots follow."""
    terms, key, before = action.terms, _key(action, portfolio), action.orders_before
    split = terms if terms.keeps_orders else None
    orders_clear(portfolio, terms.symbol, split=split, before=before)
    entries: list[UUID] = []
    lots: dict[UUID, UUID] = {}
    legs = _legs(terms, portfolio, effect)
    if legs:
        entry = entry_post(
            actor=None,
            idempotency_key=key,
            kind="CORPORATE_ACTION",
            reference=str(action.id),
            legs=legs,
        )
        entries, lots = [entry.id], _move_lots(terms, portfolio, effect, entry.id)
    if terms.keeps_orders:
        orders_rescale(portfolio, terms, key=key, lots=lots, before=before)
    return entries


def _legs(terms: ActionTerms, portfolio: Portfolio, effect: Effect) -> list[Leg]:
    new_symbol = terms.new_symbol or terms.symbol
    moves = [(terms.symbol, AccountKind.SECURITIES, -effect.units)]
    moves.append((new_symbol, AccountKind.SECURITIES, effect.units_after))
    if new_symbol == terms.symbol:
        change = effect.units_after - effect.units
        moves = [(terms.symbol, AccountKind.SECURITIES, change)]
    moves.append((terms.currency, AccountKind.CASH, effect.gross))
    legs = []
    for asset, kind, amount in moves:
        if amount:
            legs.append(Leg(portfolio.id, kind, asset, amount))
            legs.append(Leg(None, AccountKind.CLEARING, asset, -amount))
    return legs


def _move_lots(
    terms: ActionTerms, portfolio: Portfolio, effect: Effect, entry_id: UUID
) -> dict[UUID, UUID]:
    """Carry the lots over and return which took whose place; cash for units is a disposal."""
    at = market_midnight(terms.ex_date)
    is_delisting = terms.kind is ActionKind.DELISTING
    rate = Decimal(1)
    if is_delisting or effect.fraction:
        rate = fx_rate(terms.currency, portfolio.currency, on=terms.ex_date).rate
    take = partial(
        lots_take,
        portfolio,
        terms.symbol,
        cause=LotCause.CORPORATE_ACTION,
        entry_id=entry_id,
        at=at,
        fx_rate=rate,
    )
    here = Lot.objects.there_at(terms.symbol, at)
    if is_delisting:
        take(effect.units, among=here, proceeds=effect.gross)
        return {}
    # First in, first out: every lot keeps its own cost, whatever the portfolio's method.
    parts = take(effect.units, among=here, method=LotMethod.FIFO)
    lots = lots_carry(
        parts,
        portfolio,
        terms.new_symbol or terms.symbol,
        effect.units_after + effect.fraction,
        origin=LotOrigin.CORPORATE_ACTION,
        entry_id=entry_id,
        at=at,
    )
    if effect.fraction:
        carried = Lot.objects.filter(entry_id=entry_id)
        take(effect.fraction, among=carried, proceeds=effect.gross)
    return {lot.carried_from_id: lot.id for lot in lots if lot.carried_from_id}


@command
def corporate_action_undo(*, action_id: UUID, portfolio_id: UUID) -> Entitlement | None:
    """Take back from one portfolio what a reversed action did to it, once; None where nothing.

    Open orders in the symbol are cancelled, the entries are reversed, and the lots come back as
    they were before.  Raises NotFound, IllegalTransition (the reversal is not confirmed), Conflict
    `lots_traded_since` (units that the action brought were sold or moved on: that is put right
    first), and Refused where cash or units are no longer there.
    """
    action = CorporateAction.objects.locked(action_id)
    portfolio = Portfolio.objects.locked(portfolio_id, may_be_closed=True)
    if action.status != ActionStatus.REVERSING:
        raise IllegalTransition(f"An action that is {action.status} is not taken back.")
    entitlement = action.entitlements.standing().filter(portfolio=portfolio).first()
    if entitlement is None:
        return None
    if action.kind not in DIVIDENDS:
        orders_clear(portfolio, action.new_symbol or action.symbol)
    entitlement.reversal_ids = [
        entry_reverse(
            actor=None,
            entry_id=entry_id,
            idempotency_key=f"{_key(action, portfolio)}-back-{number}",
            reference=str(action.id),
        ).id
        for number, entry_id in enumerate(entitlement.entry_ids)
    ]
    if entitlement.entry_ids and action.kind not in DIVIDENDS:
        lots_restore(
            portfolio, entry_id=entitlement.entry_ids[0], reversal_id=entitlement.reversal_ids[0]
        )
    entitlement.reversed_at = timezone.now()
    entitlement.save()
    event = CorporateActionReversed(
        stream=portfolio.stream,
        action_id=str(action.id),
        portfolio_id=str(portfolio.id),
        client_id=str(portfolio.client_id),
        kind=action.kind,
        symbol=action.symbol,
    )
    emit(event, actor=None)
    return entitlement


def _key(action: CorporateAction, portfolio: Portfolio) -> str:
    return f"action-{action.id}-{portfolio.id}"
