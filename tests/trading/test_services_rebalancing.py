"""Targets, proposals and confirmed batches: nothing trades unasked, and nothing twice."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, InvalidInput, NotFound, Refused, Stale
from apps.ledger.selectors import ledger_differences
from apps.trading.models import BatchLine, Order, OrderBatch, Portfolio, TargetAllocation
from apps.trading.services.batches import batch_advance, batches_advance
from apps.trading.services.rebalancing import rebalance_confirm, rebalance_propose, target_set
from apps.trading.services.routing import order_route
from tests.trading.factories import hold_units, make_market, make_portfolio
from tests.trading.test_services_transfers import in_parallel

pytestmark = pytest.mark.django_db
D = Decimal


def aim(portfolio: Portfolio, weights: dict[str, str], cash: str, **more: Any) -> TargetAllocation:
    return target_set(
        actor=portfolio.client,
        portfolio_id=portfolio.id,
        weights={symbol: D(weight) for symbol, weight in weights.items()},
        cash=D(cash),
        absolute_band=D("0.05"),
        **more,
    )


def drifted() -> Portfolio:
    """All in AAPL, and half of it should be MSFT."""
    make_market("MSFT", "50")
    portfolio = make_portfolio()
    hold_units(portfolio, "100")
    aim(portfolio, {"AAPL": "0.5", "MSFT": "0.4"}, "0.1")
    return portfolio


def propose(portfolio: Portfolio) -> OrderBatch:
    return rebalance_propose(actor=portfolio.client, portfolio_id=portfolio.id)


def fill(line: BatchLine) -> Order:
    line.refresh_from_db()
    assert line.order_id is not None
    return order_route(order_id=line.order_id)


def test_target_is_a_new_version_only_where_it_says_something_else() -> None:
    make_market()
    portfolio = make_portfolio()

    first, again = (aim(portfolio, {"AAPL": "0.9"}, "0.1") for _ in range(2))
    second = aim(portfolio, {"AAPL": "0.8"}, "0.2", version="1")

    assert (first.number, again.number, second.number) == (1, 1, 2)
    assert AuditEvent.objects.filter(name="trading.target.set").count() == 2
    with pytest.raises(Stale):
        aim(portfolio, {"AAPL": "0.7"}, "0.3", version="1")


def test_target_of_what_cannot_be_traded_or_of_another_client_is_refused() -> None:
    make_market()
    portfolio = make_portfolio()

    with pytest.raises(InvalidInput):
        aim(portfolio, {"NOPE": "0.9"}, "0.1")
    with pytest.raises(NotFound):
        target_set(
            actor=make_portfolio().client,
            portfolio_id=portfolio.id,
            weights={"AAPL": D(1)},
            cash=D(0),
            absolute_band=D(0),
        )
    assert not TargetAllocation.objects.exists()


def test_proposal_places_nothing_and_takes_the_place_of_the_last_one() -> None:
    portfolio = drifted()
    before = Order.objects.count()

    first = propose(portfolio)
    second = propose(portfolio)

    assert Order.objects.count() == before
    assert list(OrderBatch.objects.all()) == [second]
    sides = list(second.lines.exclude(side="").values_list("side", "symbol"))
    assert sides == [("SELL", "AAPL"), ("BUY", "MSFT")]
    with pytest.raises(NotFound):
        rebalance_confirm(actor=portfolio.client, batch_id=first.id)


def test_confirmed_batch_sells_first_and_buys_when_that_has_ended() -> None:
    portfolio = drifted()
    batch = rebalance_confirm(actor=portfolio.client, batch_id=propose(portfolio).id)
    sale, purchase = batch.lines.exclude(side="").order_by("position")
    assert (batch.status, sale.status, purchase.status) == ("SELLING", "PLACED", "WAITING")
    assert batch_advance(batch_id=batch.id).status == "SELLING"

    fill(sale)
    assert batches_advance() == 1
    assert batches_advance() == 0

    bought = fill(purchase)
    assert (bought.status, bought.client_order_id) == ("FILLED", f"batch-{batch.id.hex}-1")
    with pytest.raises(Refused):
        propose(portfolio)
    assert list(ledger_differences()) == []


def test_refused_order_is_shown_and_the_rest_stand() -> None:
    portfolio = drifted()
    make_market("XOM", "10")
    aim(portfolio, {"MSFT": "0.4", "XOM": "0.5"}, "0.1")
    batch = propose(portfolio)
    BatchLine.objects.filter(batch=batch, symbol="XOM").update(quantity=D(10**6))

    rebalance_confirm(actor=portfolio.client, batch_id=batch.id)
    fill(batch.lines.get(symbol="AAPL"))
    batches_advance()

    lines = {line.symbol: line for line in batch.lines.exclude(side="")}
    assert (lines["XOM"].status, lines["MSFT"].status) == ("REFUSED", "PLACED")
    assert lines["XOM"].code
    assert lines["XOM"].order is None


def test_old_or_outdated_proposal_or_another_clients_places_nothing() -> None:
    portfolio = drifted()
    batch = propose(portfolio)
    before = Order.objects.count()

    with pytest.raises(NotFound):
        rebalance_confirm(actor=make_portfolio().client, batch_id=batch.id)
    aim(portfolio, {"AAPL": "0.2", "MSFT": "0.7"}, "0.1")
    with pytest.raises(Conflict) as outdated:
        rebalance_confirm(actor=portfolio.client, batch_id=batch.id)
    batch = propose(portfolio)
    OrderBatch.objects.update(created_at=timezone.now() - timedelta(minutes=6))
    with pytest.raises(Conflict) as expired:
        rebalance_confirm(actor=portfolio.client, batch_id=batch.id)

    assert (outdated.value.code, expired.value.code) == ("proposal_outdated", "proposal_expired")
    assert Order.objects.count() == before


@pytest.mark.django_db(transaction=True)
def test_proposal_confirmed_many_times_at_once_is_placed_once(settings: Settings) -> None:
    portfolio = drifted()
    batch = propose(portfolio)
    before = Order.objects.count()

    answers = in_parallel(
        [lambda: rebalance_confirm(actor=portfolio.client, batch_id=batch.id)] * 8
    )

    assert {answer.id for answer in answers} == {batch.id}
    assert Order.objects.count() == before + 1
    assert AuditEvent.objects.filter(name="trading.batch.confirmed").count() == 1
