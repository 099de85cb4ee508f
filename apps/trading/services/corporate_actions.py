"""Commands on corporate actions: one person proposes, another confirms."""

from datetime import date
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.domain.instruments import Symbol
from apps.core.errors import Conflict, InvalidInput, NotPermitted
from apps.market.selectors import instrument_get
from apps.trading.domain.corporate_actions import ActionTerms, check_terms
from apps.trading.models import CorporateAction
from apps.users.models import User

PROPOSE = "trading.propose_corporateaction"
CONFIRM = "trading.confirm_corporateaction"
TEXT_LENGTH = 300
EARLIEST = date(1970, 1, 1)


@command
def corporate_action_propose(*, actor: User, terms: ActionTerms, source: str) -> CorporateAction:
    """Enter what an issuer announced, to be confirmed by somebody else; `source` says where.

    Raises NotPermitted, NotFound (symbol), InvalidInput (terms that do not fit the kind, another
    currency than the instrument's), and Conflict `action_known` for the same symbol, kind and ex
    date.
    """
    _require(actor, PROPOSE)
    check_terms(terms)
    instrument = instrument_get(terms.symbol)
    if terms.currency != instrument.currency:
        raise InvalidInput("It is paid in the instrument's currency.", field="currency")
    if terms.new_symbol:
        Symbol(terms.new_symbol)
    if terms.ex_date < EARLIEST:
        raise InvalidInput("No ex date is that early.", field="ex_date")
    action = CorporateAction(
        **{name: getattr(terms, name) for name in ActionTerms.__slots__},
        source=_text(source, "source"),
        proposed_by=actor,
    )
    try:
        with transaction.atomic():
            action.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("This action is known already.", code="action_known") from error
    emit(action.proposed(), actor=actor)
    return action


@command
def corporate_action_confirm(*, actor: User, action_id: UUID) -> CorporateAction:
    """Agree to a proposed action; it is applied when it is due.

    Raises NotPermitted (`four_eyes` for the proposer), NotFound, IllegalTransition.
    """
    _require(actor, CONFIRM)
    action = CorporateAction.objects.locked(action_id)
    event = action.confirm(actor, at=timezone.now())
    action.save()
    emit(event, actor=actor)
    return action


@command
def corporate_action_reject(*, actor: User, action_id: UUID, reason: str) -> CorporateAction:
    """Drop a proposed action, one's own too; raises as `corporate_action_confirm` does."""
    _require(actor, CONFIRM)
    action = CorporateAction.objects.locked(action_id)
    event = action.reject(reason=_text(reason, "reason"))
    action.save()
    emit(event, actor=actor)
    return action


@command
def corporate_action_propose_reversal(
    *, actor: User, action_id: UUID, reason: str
) -> CorporateAction:
    """Ask to take a confirmed or applied action back from every portfolio that had it.

    Raises NotPermitted, NotFound, InvalidInput, IllegalTransition.
    """
    _require(actor, PROPOSE)
    action = CorporateAction.objects.locked(action_id)
    event = action.propose_reversal(actor, reason=_text(reason, "reason"))
    action.save()
    emit(event, actor=actor)
    return action


@command
def corporate_action_confirm_reversal(*, actor: User, action_id: UUID) -> CorporateAction:
    """Agree to a proposed reversal: nobody gets the action any more, whoever had it gives it back.

    Raises NotPermitted (`four_eyes` for who proposed the reversal), NotFound, IllegalTransition.
    """
    _require(actor, CONFIRM)
    action = CorporateAction.objects.locked(action_id)
    event = action.confirm_reversal(actor)
    action.save()
    emit(event, actor=actor)
    return action


def _require(actor: User, permission: str) -> None:
    if not actor.has_perm(permission):
        raise NotPermitted("Corporate actions are the operations team's.")


def _text(value: str, field: str) -> str:
    """Return the text, trimmed; it stays in the audit trail and names no person."""
    text = value.strip()
    if not 3 <= len(text) <= TEXT_LENGTH or not text.isprintable():
        raise InvalidInput(f"It has 3 to {TEXT_LENGTH} characters.", field=field)
    return text
