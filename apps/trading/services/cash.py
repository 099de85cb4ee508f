"""Commands on money that enters and leaves a portfolio."""

from decimal import Decimal
from uuid import UUID, uuid5

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.domain.money import CurrencyMismatch, Money
from apps.core.errors import Conflict, InvalidInput, Refused
from apps.ledger.domain.legs import AccountKind, Leg
from apps.ledger.services import entry_post
from apps.trading.domain.parties import Party
from apps.trading.models import CashTransfer, Portfolio
from apps.trading.providers.bank import BankAnswer, bank
from apps.users.models import User

MAX_KEY_LENGTH = 100
DEPOSIT, WITHDRAWAL = CashTransfer.Kind.DEPOSIT, CashTransfer.Kind.WITHDRAWAL


@command
def deposit_receive(
    *, actor: User | None, portfolio_id: UUID, amount: Money, idempotency_key: str
) -> CashTransfer:
    """Bring money from the client's bank into the portfolio's cash and return the transfer.

    The bank's answer is in the transfer's status.  What another than the client paid is held until
    `transfer_release`.  The same key with the same amount returns the first transfer.  `actor` None
    is the firm itself.

    Raises NotFound (not the actor's portfolio), InvalidInput, CurrencyMismatch, Refused
    `amount_out_of_limits`, `transfers_a_day` or what a check of settings.CASH_CHECKS says, Conflict
    `idempotency_key_reused`.
    """
    portfolio = _locked(actor, portfolio_id)
    transfer, is_new = _request(actor, portfolio, DEPOSIT, amount, key=idempotency_key)
    if is_new:
        holder = _client_names(transfer)[0]
        answer = bank().collect(transfer_id=transfer.id, amount=amount, holder=holder)
        _apply(actor, transfer, answer)
    return transfer


@command
def withdrawal_request(
    *,
    actor: User | None,
    portfolio_id: UUID,
    amount: Money,
    idempotency_key: str,
    payee: Party | None = None,
) -> CashTransfer:
    """Hold the money, send it to the client's bank, and return the transfer.

    `payee` is somebody else than the client: that money leaves after `transfer_release`.  Raises
    as `deposit_receive`, and Refused `insufficient_funds` when the free cash is less.
    """
    portfolio = _locked(actor, portfolio_id)
    transfer, is_new = _request(
        actor, portfolio, WITHDRAWAL, amount, key=idempotency_key, payee=payee
    )
    if not is_new:
        return transfer
    _post(actor, transfer, "WITHDRAWAL_HOLD", out_of=AccountKind.CASH, into=AccountKind.HELD)
    if payee is None:
        transfer.name_party(Party(_client_names(transfer)[0]), is_client=True)
        _pay(actor, transfer)
    else:
        transfer.name_party(payee, is_client=False)
        _hold(actor, transfer)
    return transfer


@command
def transfer_release(*, transfer_id: UUID) -> CashTransfer:
    """Let a held transfer go on: the deposit may be spent, the withdrawal goes to the bank.

    A withdrawal that the checks of settings.CASH_CHECKS refuse by now fails instead, and its money
    is free again.  One that is not held stays as it is.  Raises NotFound.
    """
    transfer = CashTransfer.objects.locked(transfer_id)
    if not transfer.is_held:
        return transfer
    transfer.is_held = False
    if transfer.kind == DEPOSIT:
        transfer.save()
        _post(None, transfer, "DEPOSIT_RELEASE", out_of=AccountKind.HELD, into=AccountKind.CASH)
        emit(transfer.moved(), actor=None)
        return transfer
    try:
        _check_client(transfer.portfolio)
    except Refused as error:
        _fail(None, transfer, error.code, "")
    else:
        _pay(None, transfer)
    return transfer


@command
def transfer_return(*, actor: User, transfer_id: UUID) -> CashTransfer:
    """Undo a held transfer: a deposit goes back to who paid it, a withdrawal is not sent.

    The deposit stays in the books, and a withdrawal to its payer takes the money out again; while
    the bank has not settled that, or when it fails, nothing of it can be used.  One that is not
    held stays as it is.  Raises NotFound, Refused `return_failed` when the bank says no at once.
    """
    transfer = CashTransfer.objects.locked(transfer_id)
    if not transfer.is_held:
        return transfer
    transfer.is_held = False
    if transfer.kind == WITHDRAWAL:
        _fail(actor, transfer, "not_sent", "")
        return transfer
    transfer.save()
    emit(transfer.moved(), actor=actor)
    key = f"return-{transfer.id}-{transfer.returned_by.count()}"
    back = CashTransfer(
        id=uuid5(transfer.portfolio_id, key),
        portfolio=transfer.portfolio,
        kind=WITHDRAWAL,
        amount=transfer.amount,
        currency=transfer.currency,
        idempotency_key=key,
        returns=transfer,
    )
    back.name_party(transfer.other_side, is_client=False)
    back.save(force_insert=True)
    emit(back.requested(), actor=actor)
    _pay(actor, back)
    if back.status == CashTransfer.Status.FAILED:
        raise Refused("The bank does not take the money back.", code="return_failed")
    return transfer


@command
def transfer_settle(
    *, actor: User | None, transfer_id: UUID, reference: str, payer: Party | None = None
) -> CashTransfer:
    """Record the bank's later notice that a PENDING transfer settled, and who paid a deposit.

    Raises NotFound, and IllegalTransition when the transfer is not pending.
    """
    transfer = CashTransfer.objects.locked(transfer_id)
    _settle(actor, transfer, reference, payer)
    return transfer


@command
def transfer_fail(
    *, actor: User | None, transfer_id: UUID, code: str, reference: str = ""
) -> CashTransfer:
    """Record the bank's later notice that a PENDING transfer failed; what was held is free again.

    Raises NotFound, and IllegalTransition when the transfer is not pending.
    """
    transfer = CashTransfer.objects.locked(transfer_id)
    _fail(actor, transfer, code, reference)
    return transfer


def _locked(actor: User | None, portfolio_id: UUID) -> Portfolio:
    portfolios = Portfolio.objects.all() if actor is None else Portfolio.objects.owned_by(actor)
    return portfolios.locked(portfolio_id)


def _client_names(transfer: CashTransfer) -> list[str]:
    """Return what the client is called, by whoever checked it, else as the account says."""
    client = transfer.portfolio.client
    sources = (import_string(path) for path in settings.CLIENT_NAMES)
    names = [name for source in sources for name in source(client.pk)]
    return names or [client.get_full_name()]


def _request(
    actor: User | None,
    portfolio: Portfolio,
    kind: str,
    amount: Money,
    *,
    key: str,
    payee: Party | None = None,
) -> tuple[CashTransfer, bool]:
    """Return the key's transfer and whether it is new; the portfolio's lock makes it one."""
    if not 0 < len(key) <= MAX_KEY_LENGTH:
        raise InvalidInput("A transfer needs a key.", field="idempotency_key")
    first = CashTransfer.objects.filter(portfolio=portfolio, idempotency_key=key).first()
    if first is not None:
        if (first.kind, first.money) != (kind, amount) or not _is_to(first, payee):
            raise Conflict("The key belongs to another transfer.", code="idempotency_key_reused")
        return first, False
    _check_amount(portfolio, amount)
    _check_number(portfolio)
    _check_client(portfolio)
    transfer = CashTransfer(
        # The same after a crash and a second try: the bank knows an instruction by it.
        id=uuid5(portfolio.id, key),
        portfolio=portfolio,
        kind=kind,
        amount=amount.amount,
        currency=amount.currency,
        idempotency_key=key,
    )
    transfer.save(force_insert=True)
    emit(transfer.requested(), actor=actor)
    return transfer, True


def _is_to(transfer: CashTransfer, payee: Party | None) -> bool:
    """Tell whether a withdrawal goes to that payee; None is the client."""
    if transfer.kind == DEPOSIT:
        return True
    is_own = transfer.party is None or transfer.party["is_client"]
    return is_own if payee is None else not is_own and transfer.other_side == payee


def _check_client(portfolio: Portfolio) -> None:
    for path in settings.CASH_CHECKS:
        import_string(path)(portfolio.client_id)


def _check_amount(portfolio: Portfolio, amount: Money) -> None:
    if amount.currency != portfolio.currency:
        raise CurrencyMismatch(f"The portfolio holds {portfolio.currency}.", field="currency")
    if amount != amount.rounded():
        raise InvalidInput("The amount has too many decimals.", field="amount")
    least, most = (Decimal(limit) for limit in settings.CASH_LIMITS)
    if not least <= amount.amount <= most:
        raise Refused(
            f"A transfer is between {least} and {most} {amount.currency}.",
            code="amount_out_of_limits",
            limit=f"{least if amount.amount < least else most:f}",
            measured=f"{amount.amount:f}",
        )


def _check_number(portfolio: Portfolio) -> None:
    """Count the portfolio's transfers of today; its lock makes the count sure."""
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    today = CashTransfer.objects.filter(portfolio=portfolio, created_at__gte=midnight).count()
    if today >= settings.CASH_TRANSFERS_A_DAY:
        raise Refused(
            "There were too many transfers today.",
            code="transfers_a_day",
            limit=str(settings.CASH_TRANSFERS_A_DAY),
            measured=str(today),
        )


def _pay(actor: User | None, transfer: CashTransfer) -> None:
    payee = transfer.other_side
    _apply(actor, transfer, bank().pay(transfer_id=transfer.id, amount=transfer.money, payee=payee))


def _apply(actor: User | None, transfer: CashTransfer, answer: BankAnswer) -> None:
    if answer.outcome == "SETTLED":
        _settle(actor, transfer, answer.reference, answer.payer)
    elif answer.outcome == "FAILED":
        _fail(actor, transfer, answer.code, answer.reference)
    else:
        transfer.counterparty_reference = answer.reference
        if answer.payer is not None:
            transfer.name_party(answer.payer, is_client=False)
        transfer.save()


def _settle(
    actor: User | None, transfer: CashTransfer, reference: str, payer: Party | None
) -> None:
    event = transfer.settle(reference=reference, at=timezone.now())
    if transfer.kind == DEPOSIT:
        payer = payer or transfer.other_side
        is_client = payer.is_one_of(_client_names(transfer))
        transfer.name_party(payer, is_client=is_client)
        into = AccountKind.CASH if is_client else AccountKind.HELD
        kind = "DEPOSIT" if is_client else "DEPOSIT_HOLD"
        _post(actor, transfer, kind, out_of=AccountKind.CLIENT_MONEY, into=into)
        if not is_client:
            _hold(actor, transfer)
            return
    else:
        _post(actor, transfer, "WITHDRAWAL", out_of=AccountKind.HELD, into=AccountKind.CLIENT_MONEY)
    transfer.save()
    emit(event, actor=actor)


def _hold(actor: User | None, transfer: CashTransfer) -> None:
    """Keep the money where it is until the other side is known not to be listed."""
    transfer.is_held = True
    transfer.save()
    emit(transfer.held(), actor=actor)


def _fail(actor: User | None, transfer: CashTransfer, code: str, reference: str) -> None:
    event = transfer.fail(code=code, reference=reference)
    transfer.save()
    emit(event, actor=actor)
    if transfer.returns_id is not None:
        # It never left HELD: the deposit is held again.
        _hold(actor, CashTransfer.objects.locked(transfer.returns_id))
    elif transfer.kind == WITHDRAWAL:
        _post(actor, transfer, "WITHDRAWAL_RELEASE", out_of=AccountKind.HELD, into=AccountKind.CASH)


def _post(
    actor: User | None, transfer: CashTransfer, kind: str, *, out_of: AccountKind, into: AccountKind
) -> None:
    def leg(account: AccountKind, amount: Decimal) -> Leg:
        owner = None if account == AccountKind.CLIENT_MONEY else transfer.portfolio_id
        return Leg(owner, account, transfer.currency, amount)

    entry_post(
        actor=actor,
        idempotency_key=f"transfer-{transfer.id}-{kind}",
        kind=kind,
        reference=str(transfer.id),
        legs=[leg(out_of, -transfer.amount), leg(into, transfer.amount)],
    )
