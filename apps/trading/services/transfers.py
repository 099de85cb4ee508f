"""Commands that move cash and units between two portfolios of one client."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.domain.instruments import QUANTITY_PLACES, Symbol
from apps.core.domain.money import Money
from apps.core.errors import Conflict, InvalidInput, NotFound, Refused
from apps.ledger.domain.legs import AccountKind, Leg
from apps.ledger.services import entry_post
from apps.market.selectors import fx_rate, instrument_get, quote_get
from apps.trading.domain.lots import LotCause, LotMethod, LotOrigin
from apps.trading.models import Lot, LotConsumption, Portfolio, PortfolioTransfer, ValueFlow
from apps.trading.selectors.corporate_actions import action_is_due
from apps.trading.services.drafts import MAX_CHOSEN_LOTS, digest_of, positive
from apps.trading.services.locks import portfolios_locked
from apps.trading.services.lots import lot_open, lots_take
from apps.users.models import User

MAX_KEY_LENGTH = 100


@command
def cash_move(
    *, actor: User, source_id: UUID, target_id: UUID, amount: Money, idempotency_key: str
) -> PortfolioTransfer:
    """Move free cash of any currency to another portfolio of the actor's; return the transfer.

    The same key with the same terms returns the first transfer.

    Raises NotFound (not the actor's portfolios), InvalidInput, Refused `insufficient_funds`,
    `mode_mismatch` (paper and live never meet), `transfers_a_day` or what a check of
    settings.CASH_CHECKS says, Conflict `portfolio_closed`, `same_portfolio`,
    `idempotency_key_reused`.
    """
    source, target = _both(actor, source_id, target_id)
    digest = digest_of(str(source_id), str(target_id), "CASH", amount.currency, amount.amount)
    known = _known(actor, idempotency_key, digest)
    if known is not None:
        return known
    if amount.amount <= 0 or amount != amount.rounded():
        raise Refused("An amount is positive and of whole minor units.", code="amount_not_whole")
    transfer = _transfer(actor, source, target, idempotency_key, digest)
    transfer.kind, transfer.asset = PortfolioTransfer.Kind.CASH, amount.currency
    transfer.quantity = amount.amount
    _post(transfer, AccountKind.CASH)
    _keep(transfer, Money(amount.amount, amount.currency))
    return transfer


@command
def units_move(
    *,
    actor: User,
    source_id: UUID,
    target_id: UUID,
    symbol: str,
    quantity: Decimal,
    lot_ids: Sequence[UUID] = (),
    idempotency_key: str,
) -> PortfolioTransfer:
    """Move free units to another portfolio of the actor's with their lots; return the transfer.

    The lots are taken by the source's method, or are those of `lot_ids` in that order; day of
    acquisition and cost go along, so that nothing is realised.

    Raises as `cash_move`, and Refused `insufficient_units`, `insufficient_lots` (those that were
    named have fewer units), NotFound for a lot or a symbol that is not there, and Conflict
    `corporate_action_due`.
    """
    source, target = _both(actor, source_id, target_id)
    symbol = Symbol(symbol).value
    digest = digest_of(
        str(source_id), str(target_id), "IN_KIND", symbol, quantity, [str(one) for one in lot_ids]
    )
    known = _known(actor, idempotency_key, digest)
    if known is not None:
        return known
    positive(quantity, QUANTITY_PLACES, "quantity")
    chosen = _chosen(source, symbol, quantity, lot_ids)
    if action_is_due(symbol):
        raise Conflict("What its issuer did is being booked first.", code="corporate_action_due")
    transfer = _transfer(actor, source, target, idempotency_key, digest)
    transfer.kind, transfer.asset = PortfolioTransfer.Kind.IN_KIND, symbol
    transfer.quantity = quantity
    _post(transfer, AccountKind.SECURITIES)
    parts = lots_take(
        source,
        symbol,
        quantity,
        cause=LotCause.TRANSFER,
        entry_id=transfer.entry_id,
        at=timezone.now(),
        method=LotMethod.SPECIFIC if chosen else None,
        chosen=chosen,
    )
    for part in parts:
        _carry(part, target, transfer.entry_id)
    _keep(transfer, _worth(symbol, quantity, parts))
    return transfer


def _both(actor: User, source_id: UUID, target_id: UUID) -> tuple[Portfolio, Portfolio]:
    if source_id == target_id:
        raise Conflict("Choose another portfolio to move it to.", code="same_portfolio")
    locked = portfolios_locked(actor, (source_id, target_id))
    return locked[source_id], locked[target_id]


def _known(actor: User, key: str, digest: str) -> PortfolioTransfer | None:
    """Return the key's transfer; the locks of both portfolios make it one.

    Raises Conflict where the key stands for other terms.
    """
    if not 0 < len(key) <= MAX_KEY_LENGTH:
        raise InvalidInput("A transfer needs a key.", field="idempotency_key")
    first = PortfolioTransfer.objects.filter(client=actor, idempotency_key=key).first()
    if first is not None and first.terms_digest != digest:
        raise Conflict("The key belongs to another transfer.", code="idempotency_key_reused")
    return first


def _transfer(
    actor: User, source: Portfolio, target: Portfolio, key: str, digest: str
) -> PortfolioTransfer:
    """Return the transfer without what it moves, once nothing speaks against it."""
    if source.mode != target.mode:
        raise Refused(
            "Paper and live portfolios never exchange anything.",
            code="mode_mismatch",
            limit=source.mode,
            measured=target.mode,
        )
    _check_number(source)
    for path in settings.CASH_CHECKS:
        import_string(path)(source.client_id)
    return PortfolioTransfer(
        client=actor,
        source=source,
        target=target,
        idempotency_key=key,
        terms_digest=digest,
    )


def _check_number(source: Portfolio) -> None:
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    today = PortfolioTransfer.objects.filter(source=source, created_at__gte=midnight).count()
    if today >= settings.CASH_TRANSFERS_A_DAY:
        raise Refused(
            "There were too many transfers today.",
            code="transfers_a_day",
            limit=str(settings.CASH_TRANSFERS_A_DAY),
            measured=str(today),
        )


def _chosen(
    source: Portfolio, symbol: str, quantity: Decimal, lot_ids: Sequence[UUID]
) -> list[str]:
    """Return the named lots as the ones to take; raises where they cannot give the quantity."""
    if not lot_ids:
        return []
    if len(lot_ids) > MAX_CHOSEN_LOTS or len(set(lot_ids)) != len(lot_ids):
        raise Refused(f"At most {MAX_CHOSEN_LOTS} lots, each once.", code="lots_unclear")
    if source.lot_method == LotMethod.AVERAGE:
        raise Refused("Lots at average cost are one pool: none can be named.", code="lots_unclear")
    lots = list(Lot.objects.of(source.id).filter(symbol=symbol, id__in=lot_ids))
    if len(lots) != len(lot_ids):
        raise NotFound("There is no such lot.", field="lot_ids")
    held = sum((lot.remaining_quantity for lot in lots), Decimal(0))
    if held < quantity:
        raise Refused(
            "These lots have fewer units.",
            code="insufficient_lots",
            limit=f"{held.normalize():f}",
            measured=f"{quantity.normalize():f}",
        )
    return [str(one) for one in lot_ids]


def _post(transfer: PortfolioTransfer, kind: AccountKind) -> None:
    entry = entry_post(
        actor=transfer.client,
        idempotency_key=f"portfolio-transfer-{transfer.id}",
        kind="PORTFOLIO_TRANSFER",
        reference=str(transfer.id),
        legs=[
            Leg(transfer.source_id, kind, transfer.asset, -transfer.quantity),
            Leg(transfer.target_id, kind, transfer.asset, transfer.quantity),
        ],
    )
    transfer.entry_id = entry.id


def _carry(part: LotConsumption, target: Portfolio, entry_id: UUID) -> None:
    lot = part.lot
    rate = lot.fx_rate
    if lot.portfolio.currency != target.currency:
        rate = fx_rate(lot.currency, target.currency, on=lot.acquired_at.date()).rate
    lot_open(
        target,
        lot.symbol,
        part.quantity,
        part.cost,
        lot.acquired_at,
        origin=LotOrigin.TRANSFER,
        entry_id=entry_id,
        currency=lot.currency,
        fx_rate=rate,
        opened_at=part.consumed_at,
        carried_from=lot,
    )


def _worth(symbol: str, quantity: Decimal, parts: Sequence[LotConsumption]) -> Money:
    """Return what the units are worth at the last price; without one, what they cost."""
    quote = quote_get(symbol)
    if quote is None:
        cost = sum((part.cost for part in parts), Decimal(0))
        return Money(cost, parts[0].lot.currency)
    return Money(quantity * quote.last, instrument_get(symbol).currency)


def _keep(transfer: PortfolioTransfer, worth: Money) -> None:
    """Save the transfer with what it is worth to either side, and tell of it."""
    today = timezone.now().date()
    values = [
        fx_rate(worth.currency, portfolio.currency, on=today).convert(
            worth.amount, portfolio.currency
        )
        for portfolio in (transfer.source, transfer.target)
    ]
    transfer.value = values[0].amount
    transfer.save(force_insert=True)
    ValueFlow.objects.bulk_create(
        ValueFlow(
            portfolio=portfolio,
            amount=amount,
            reference=transfer.id,
            occurred_at=transfer.created_at,
        )
        for portfolio, amount in (
            (transfer.source, -values[0].amount),
            (transfer.target, values[1].amount),
        )
    )
    emit(transfer.made(), actor=transfer.client)
