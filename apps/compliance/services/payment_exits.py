"""A payment that is blocked leaves when two officers say so, and how."""

from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.events.payments import PaymentExitChanged, PaymentViewed
from apps.compliance.models import PaymentExit, PaymentScreening
from apps.compliance.services.alerts import DECIDE
from apps.compliance.services.work_locks import work_lock_release, work_lock_require
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from apps.trading.selectors.cash import payment_get
from apps.trading.services.cash import transfer_release, transfer_return
from apps.users.models import User

VIEW = "compliance.view_paymentscreening"
MAX_REASON, MAX_LICENCE = 2000, 100
Action, Status = PaymentExit.Action, PaymentExit.Status


@command
def payment_view(*, actor: User, screening_id: UUID) -> PaymentScreening:
    """Return a payment for an officer's eyes; the access is kept.  Raises NotFound."""
    rows = PaymentScreening.objects.select_related("client", "alert")
    screening = rows.filter(id=screening_id).first()
    if screening is None or not actor.has_perm(VIEW):
        raise NotFound("There is no such payment.")
    event = PaymentViewed(
        stream=screening.stream,
        transfer_id=str(screening.transfer_id),
        client_id=str(screening.client_id),
    )
    emit(event, actor=actor)
    return screening


@command
def payment_exit_propose(
    *, actor: User, screening_id: UUID, action: str, reason: str, licence: str = ""
) -> PaymentExit:
    """Propose how a blocked payment leaves; RELEASE needs the licence that allows it.

    Raises NotPermitted, NotFound, InvalidInput, Conflict `payment_not_blocked`, `exit_proposed` and
    `work_locked`.
    """
    screening = _blocked(actor, screening_id)
    text, number = reason.strip(), licence.strip()
    if action not in Action.values:
        raise InvalidInput("Release it or return it.", field="action")
    if not 0 < len(text) <= MAX_REASON or "\x00" in text:
        raise InvalidInput(f"A reason of 1 to {MAX_REASON} characters is needed.", field="reason")
    if len(number) > MAX_LICENCE or not number.isprintable():
        raise InvalidInput(f"A licence has at most {MAX_LICENCE} characters.", field="licence")
    if action == Action.RELEASE and not number:
        raise InvalidInput("What is blocked leaves under a licence only.", field="licence")
    if screening.exits.filter(status=Status.PROPOSED).exists():
        raise Conflict("This waits for its second officer.", code="exit_proposed")
    made = PaymentExit.objects.create(
        screening=screening, action=action, reason=text, licence=number, proposed_by=actor
    )
    emit(_changed(made), actor=actor)
    work_lock_release(actor=actor, page_id=screening.id)
    return made


@command
def payment_exit_confirm(*, actor: User, exit_id: UUID, action: str) -> PaymentExit:
    """Carry out what another officer proposed; `action` is what was read.

    Raises as payment_exit_propose does, NotPermitted `four_eyes` for the proposer, Conflict
    `exit_closed` and `other_payload`, Refused `return_failed`.
    """
    made = _proposed(actor, exit_id)
    if made.proposed_by_id == actor.pk:
        raise NotPermitted("A second officer must confirm.", code="four_eyes")
    if made.action != action:
        raise Conflict("This is not what was proposed.", code="other_payload")
    _decide(made, actor, Status.DONE)
    transfer_id = made.screening.transfer_id
    if made.action == Action.RELEASE:
        transfer_release(transfer_id=transfer_id)
    else:
        transfer_return(actor=actor, transfer_id=transfer_id)
    return made


@command
def payment_exit_decline(*, actor: User, exit_id: UUID) -> PaymentExit:
    """Turn a proposal down, or take one's own back.  Raises NotPermitted, NotFound, Conflict."""
    made = _proposed(actor, exit_id)
    _decide(made, actor, Status.DECLINED)
    return made


def _blocked(actor: User, screening_id: UUID) -> PaymentScreening:
    """Return the payment, locked, while it is blocked and its money is still held."""
    if not actor.is_active or not actor.has_perm(DECIDE):
        raise NotPermitted("You may not decide on payments.")
    screening = PaymentScreening.objects.select_for_update().filter(id=screening_id).first()
    if screening is None:
        raise NotFound("There is no such payment.")
    if screening.client_id == actor.pk:
        raise NotPermitted("Nobody decides on their own payment.", code="own_record")
    work_lock_require(actor=actor, page_id=screening.id)
    is_blocked = screening.status == PaymentScreening.Status.BLOCKED
    if not is_blocked or not payment_get(screening.transfer_id).is_held:
        raise Conflict("This payment is not blocked.", code="payment_not_blocked")
    return screening


def _proposed(actor: User, exit_id: UUID) -> PaymentExit:
    found = PaymentExit.objects.filter(id=exit_id).first()
    if found is None:
        raise NotFound("There is no such proposal.")
    screening = _blocked(actor, found.screening_id)
    made = PaymentExit.objects.select_for_update().get(id=exit_id)
    if made.status != Status.PROPOSED:
        raise Conflict("This proposal does not stand any more.", code="exit_closed")
    made.screening = screening
    return made


def _decide(made: PaymentExit, actor: User, status: str) -> None:
    made.status, made.decided_by, made.decided_at = status, actor, timezone.now()
    made.save(update_fields=["status", "decided_by", "decided_at", "updated_at"])
    emit(_changed(made), actor=actor)
    work_lock_release(actor=actor, page_id=made.screening_id)


def _changed(made: PaymentExit) -> PaymentExitChanged:
    return PaymentExitChanged(
        stream=made.screening.stream,
        transfer_id=str(made.screening.transfer_id),
        client_id=str(made.screening.client_id),
        exit_id=str(made.id),
        action=made.action,
        licence=made.licence,
        status=made.status,
    )
