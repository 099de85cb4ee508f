"""Commands that set a portfolio's target, propose orders for it, and place what was confirmed."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.domain.instruments import PRICE_PLACES
from apps.core.domain.money import exact
from apps.core.errors import Conflict, InvalidInput, NotFound, Refused, Stale
from apps.market.selectors import instrument_list
from apps.trading.domain.rebalancing import Line, Target
from apps.trading.events.plans import TargetSet
from apps.trading.models import BatchLine, OrderBatch, Portfolio, TargetAllocation
from apps.trading.selectors.rebalancing import target_of
from apps.trading.services.batches import batch_begin
from apps.trading.services.drifts import drift_read
from apps.users.models import User

PROPOSAL_KEPT = timedelta(minutes=5)


@command
def target_set(
    *,
    actor: User,
    portfolio_id: UUID,
    weights: Mapping[str, Decimal],
    cash: Decimal,
    absolute_band: Decimal,
    relative_band: Decimal | None = None,
    order_minimum: Decimal = Decimal(0),
    cash_kept: Decimal = Decimal(0),
    version: str | None = None,
) -> TargetAllocation:
    """Add a version of the portfolio's target and return it; the same terms again change nothing.

    `version` is the number that the caller saw ("0" for none).  Raises NotFound, InvalidInput (also
    for an instrument that is not tradable or trades in another currency), Stale, Conflict
    `portfolio_closed`.
    """
    portfolio = Portfolio.objects.owned_by(actor).locked(portfolio_id)
    for amount in (order_minimum, cash_kept):
        exact(amount, places=PRICE_PLACES, name="order_minimum")
    wanted = Target(
        weights=dict(sorted(weights.items())),
        cash=cash,
        absolute_band=absolute_band,
        relative_band=relative_band,
        order_minimum=order_minimum,
        cash_kept=cash_kept,
    )
    check_instruments(wanted.weights, portfolio.currency)
    now = target_of(portfolio)
    if version is not None and version != str(now.number if now else 0):
        raise Stale("The target has changed since you read it.")
    if now is not None and now.as_target() == wanted:
        return now
    target = TargetAllocation(
        portfolio=portfolio,
        number=now.number + 1 if now else 1,
        weights={symbol: f"{weight.normalize():f}" for symbol, weight in wanted.weights.items()},
        cash=cash,
        absolute_band=absolute_band,
        relative_band=relative_band,
        order_minimum=order_minimum,
        cash_kept=cash_kept,
    )
    target.save(force_insert=True)
    event = TargetSet(
        stream=portfolio.stream,
        portfolio_id=str(portfolio.id),
        client_id=str(portfolio.client_id),
        number=target.number,
    )
    emit(event, actor=actor)
    return target


def check_instruments(symbols: Mapping[str, Decimal], currency: str) -> None:
    """Raise InvalidInput unless all can be traded in the currency."""
    known = instrument_list().filter(symbol__in=list(symbols), currency=currency)
    if missing := symbols.keys() - set(known.values_list("symbol", flat=True)):
        raise InvalidInput(
            f"Not traded in {currency}: {', '.join(sorted(missing))}.", field="weights"
        )


@command
def rebalance_propose(*, actor: User, portfolio_id: UUID) -> OrderBatch:
    """Write down the orders that would bring the portfolio back to its target; place none.

    It takes the place of an earlier proposal that nobody confirmed.  Raises NotFound, Refused
    `no_target`, `within_bands`, `quote_missing`, `portfolio_empty`, Conflict `portfolio_closed`,
    `rebalance_under_way` while the sales of an earlier one are open.
    """
    portfolio = Portfolio.objects.owned_by(actor).locked(portfolio_id)
    target = target_of(portfolio)
    if target is None:
        raise Refused("Set target weights first.", code="no_target")
    batches = OrderBatch.objects.filter(portfolio=portfolio)
    if batches.filter(status=OrderBatch.Status.SELLING).exists():
        raise Conflict("The last rebalancing is still selling.", code="rebalance_under_way")
    proposal = drift_read(portfolio, target.as_target())
    if not proposal.orders:
        raise Refused("There is nothing to trade: see the reasons.", code="within_bands")
    batches.filter(status=OrderBatch.Status.PROPOSED).delete()
    batch = OrderBatch(
        portfolio=portfolio,
        kind=OrderBatch.Kind.REBALANCE,
        status=OrderBatch.Status.PROPOSED,
        target=target,
    )
    batch.save(force_insert=True)
    idle = [line for line in proposal.lines if line.side is None]
    BatchLine.objects.bulk_create(
        _row(batch, position, line) for position, line in enumerate([*proposal.orders, *idle])
    )
    return batch


def _row(batch: OrderBatch, position: int, line: Line) -> BatchLine:
    step = Decimal("0.000001")
    trades = line.side is not None
    return BatchLine(
        batch=batch,
        position=position,
        symbol=line.symbol or "",
        side=line.side.value if line.side is not None else "",
        quantity=line.units if trades else None,
        price=line.price if trades else None,
        fees=line.fees if trades else None,
        value=line.value.quantize(Decimal("0.00000001")),
        weight=line.weight.quantize(step),
        target_weight=line.target.quantize(step),
        reasons=[reason.value for reason in line.reasons],
        status=BatchLine.Status.WAITING if trades else BatchLine.Status.IDLE,
    )


@command
def rebalance_confirm(*, actor: User, batch_id: UUID) -> OrderBatch:
    """Place exactly the proposed orders, once; confirming again returns what was placed.

    Every order passes every pre-trade check; one that is refused says why, the others stand.
    Purchases wait until the sales have ended.

    Raises NotFound, Conflict `proposal_expired` (older than five minutes), `proposal_outdated`
    (another target by now), `portfolio_closed`.
    """
    found = OrderBatch.objects.filter(id=batch_id).values_list("portfolio_id", flat=True).first()
    if found is None:
        raise NotFound("There is no such proposal.")
    portfolio = Portfolio.objects.owned_by(actor).locked(found)
    batch = OrderBatch.objects.filter(id=batch_id).first()
    if batch is None:
        raise Conflict("A newer proposal took its place.", code="proposal_outdated")
    batch.portfolio = portfolio
    if batch.status != OrderBatch.Status.PROPOSED:
        return batch
    if timezone.now() - batch.created_at > PROPOSAL_KEPT:
        raise Conflict("Prices have moved on: propose again.", code="proposal_expired")
    current = target_of(portfolio)
    if current is None or current.id != batch.target_id:
        raise Conflict("The target has changed: propose again.", code="proposal_outdated")
    batch_begin(batch)
    return batch
