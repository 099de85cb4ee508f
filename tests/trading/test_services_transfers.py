"""Cash and units between a client's own portfolios: exactly once, exactly what there is."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.audit.services import outbox_deliver
from apps.compliance.models import Movement
from apps.core.domain.money import Money
from apps.core.errors import Conflict, DomainError, NotFound, Refused
from apps.ledger.domain.legs import AccountKind
from apps.ledger.models import Entry
from apps.ledger.selectors import balance_get, ledger_differences
from apps.trading.domain.lots import LotOrigin
from apps.trading.models import Lot, Portfolio, PortfolioTransfer
from apps.trading.selectors.cash import cash_flows, transfer_totals
from apps.trading.services.lots import lot_open
from apps.trading.services.portfolios import portfolio_close, portfolio_open
from apps.trading.services.routing import order_route
from apps.trading.services.transfers import cash_move, units_move
from tests.market.factories import put_quote, put_rates
from tests.trading.factories import (
    fund,
    hold_units,
    make_live_portfolio,
    make_portfolio,
    place_order,
)

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture(autouse=True)
def _checks(settings: Settings) -> None:
    settings.CASH_CHECKS = []


def pair(cash: str = "100") -> tuple[Portfolio, Portfolio]:
    source = make_portfolio(cash=cash)
    return source, make_portfolio(source.client)


def move(
    source: Portfolio, target: Portfolio, amount: str = "40", currency: str = "USD", key: str = ""
) -> PortfolioTransfer:
    return cash_move(
        actor=source.client,
        source_id=source.id,
        target_id=target.id,
        amount=Money.of(amount, currency),
        idempotency_key=key or uuid4().hex,
    )


def carry(
    source: Portfolio, target: Portfolio, quantity: str, key: str = "", **terms: Any
) -> PortfolioTransfer:
    return units_move(
        actor=source.client,
        source_id=source.id,
        target_id=target.id,
        symbol="AAPL",
        quantity=D(quantity),
        idempotency_key=key or uuid4().hex,
        **terms,
    )


def cash(portfolio: Portfolio, currency: str = "USD") -> Decimal:
    return balance_get(portfolio.id, AccountKind.CASH, currency)


def units(portfolio: Portfolio) -> Decimal:
    return balance_get(portfolio.id, AccountKind.SECURITIES, "AAPL")


def in_parallel(commands: Iterable[Callable[[], Any]]) -> list[Any]:
    def run(command: Callable[[], Any]) -> Any:
        try:
            return command()
        except DomainError as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(run, commands))


def test_cash_moves_by_one_entry_and_counts_as_a_flow_of_both() -> None:
    source, target = pair()

    transfer = move(source, target, key="one")
    again = move(source, target, key="one")

    assert again == transfer
    assert (cash(source), cash(target)) == (D(60), D(40))
    assert Entry.objects.filter(kind="PORTFOLIO_TRANSFER").count() == 1
    assert [flow.amount for flow in cash_flows([source.id])] == [D(-40)]
    assert transfer_totals([target.id])[target.id] == (D(40), D(0))
    assert AuditEvent.objects.filter(name="trading.transfer.made").count() == 1
    assert list(ledger_differences()) == []


def test_cash_of_another_currency_counts_at_the_reference_rate() -> None:
    put_rates({"USD": "1.25"})
    source, _ = pair()
    euros = portfolio_open(actor=None, client=source.client, name="Euros", currency="EUR")
    fund(euros, "80", "EUR")
    move(euros, source, "80", "EUR")

    assert cash(source, "EUR") == D(80)
    assert [flow.amount for flow in cash_flows([euros.id])] == [D(-80)]
    assert [flow.amount for flow in cash_flows([source.id])] == [D(100)]


@pytest.mark.parametrize(
    ("amount", "code"), [("100.01", "insufficient_funds"), ("0", "amount_not_whole")]
)
def test_cash_that_is_not_there_does_not_move(amount: str, code: str) -> None:
    source, target = pair()

    with pytest.raises(Refused) as refused:
        move(source, target, amount)

    assert refused.value.code == code
    assert (cash(source), cash(target)) == (D(100), D(0))
    assert not PortfolioTransfer.objects.exists()


def test_cash_never_goes_to_another_client_or_to_the_same_or_a_closed_portfolio() -> None:
    source, target = pair()
    portfolio_close(actor=source.client, portfolio_id=target.id)

    for wrong, error in ((make_portfolio(), NotFound), (source, Conflict), (target, Conflict)):
        with pytest.raises(error):
            move(source, wrong)
        with pytest.raises((NotFound, Conflict)):
            move(wrong, source, "0.01")

    assert cash(source) == D(100)


def test_paper_cash_never_becomes_live_cash() -> None:
    source = make_portfolio(cash="100")
    live = make_live_portfolio(source.client)

    with pytest.raises(Refused) as refused:
        move(source, live)

    assert refused.value.code == "mode_mismatch"
    assert (cash(source), cash(live)) == (D(100), D(0))


def test_key_of_another_transfer_conflicts() -> None:
    source, target = pair()
    move(source, target, "1", key="same")

    with pytest.raises(Conflict) as conflict:
        move(source, target, "2", key="same")

    assert conflict.value.code == "idempotency_key_reused"
    assert cash(target) == D(1)


def test_refusing_check_of_cash_moves_nothing(settings: Settings) -> None:
    settings.CASH_CHECKS = [f"{__name__}.frozen"]
    source, target = pair()

    with pytest.raises(Refused) as refused:
        move(source, target)

    assert refused.value.code == "account_frozen"
    assert cash(source) == D(100)


def frozen(client_id: UUID) -> None:
    raise Refused("Frozen.", code="account_frozen")


def test_transfer_reaches_monitoring_as_internal() -> None:
    source, target = pair()
    move(source, target)

    outbox_deliver(context="compliance")

    movement = Movement.objects.get()
    assert (movement.kind, movement.amount, movement.currency) == ("INTERNAL", D(40), "USD")


def two_lots() -> tuple[Portfolio, Portfolio, list[Lot]]:
    source, target = pair("0")
    hold_units(source, "10", "100")
    hold_units(source, "10", "120")
    return source, target, list(Lot.objects.of(source.id))


def test_units_take_day_and_cost_of_their_lots_along() -> None:
    source, target, (first, second) = two_lots()

    transfer = carry(source, target, "15", key="one")
    assert carry(source, target, "15", key="one") == transfer

    arrived = list(Lot.objects.of(target.id))
    assert [(lot.quantity, lot.acquired_at) for lot in arrived] == [
        (D(10), first.acquired_at),
        (D(5), second.acquired_at),
    ]
    assert arrived[0].cost == first.cost
    left = Lot.objects.get(id=second.id)
    assert arrived[1].cost + left.remaining_cost == second.cost
    assert {lot.origin for lot in arrived} == {"TRANSFER"}
    assert {lot.entry_id for lot in arrived} == {transfer.entry_id}
    assert (units(source), units(target)) == (D(5), D(15))
    assert transfer.value == D(1800)
    assert list(ledger_differences()) == []


def test_units_of_named_lots_move_whatever_the_method() -> None:
    source, target, (_, second) = two_lots()

    carry(source, target, "4", lot_ids=[second.id])

    arrived = Lot.objects.of(target.id).get()
    assert arrived.acquired_at == second.acquired_at


def test_units_that_are_held_or_not_in_the_named_lots_stay() -> None:
    source, target, (first, _) = two_lots()
    other = make_portfolio()
    hold_units(other, "1")
    foreign = Lot.objects.of(other.id).get()
    place_order(source, side="SELL", quantity="8", order_type="LIMIT", limit_price="130")

    for quantity, lots, error in (
        ("13", [], Refused),
        ("11", [first.id], Refused),
        ("1", [foreign.id], NotFound),
        ("1", [first.id, first.id], Refused),
    ):
        with pytest.raises(error):
            carry(source, target, quantity, lot_ids=lots)

    assert (units(source), units(target)) == (D(12), D(0))
    assert not Lot.objects.of(target.id).exists()


def test_named_lots_of_a_pool_at_average_cost_are_refused() -> None:
    source, target, (first, _) = two_lots()
    Portfolio.objects.filter(id=source.id).update(lot_method="AVERAGE")

    with pytest.raises(Refused):
        carry(source, target, "1", lot_ids=[first.id])

    carry(source, target, "10")
    assert Lot.objects.of(target.id).get().cost == D("1100.55")


def test_imported_lot_goes_on_with_its_own_day() -> None:
    source, target = pair("0")
    hold_units(source, "1")
    day = datetime(2001, 5, 4, tzinfo=UTC)
    fund(source, "3", "AAPL")
    lot_open(
        source,
        "AAPL",
        D(3),
        D("7.77"),
        day,
        origin=LotOrigin.IMPORT,
        entry_id=uuid4(),
        currency="USD",
    )
    put_quote("AAPL", "100", "100", last="100")

    carry(source, target, "3")

    lot = Lot.objects.of(target.id).get()
    assert (lot.acquired_at, lot.cost) == (day, D("7.77"))


@pytest.mark.django_db(transaction=True)
def test_transfers_in_opposite_directions_at_once_wait_for_each_other() -> None:
    one, two = pair("100")
    fund(two, "100")
    ways = [(one, two), (two, one)] * 10

    answers = in_parallel([partial(move, *way, "3") for way in ways])

    assert all(isinstance(answer, PortfolioTransfer) for answer in answers), answers
    assert (cash(one), cash(two)) == (D(100), D(100))
    assert list(ledger_differences()) == []


@pytest.mark.django_db(transaction=True)
def test_transfer_against_sale_of_the_same_lot_moves_each_unit_once() -> None:
    source, target = pair("0")
    hold_units(source, "10")

    def sell() -> Any:
        order = place_order(source, side="SELL", quantity="6")
        return order_route(order_id=order.id).status

    answers = in_parallel([sell, lambda: carry(source, target, "6")] * 3)

    done = [one for one in answers if one == "FILLED" or isinstance(one, PortfolioTransfer)]
    assert len(done) == 1, answers
    left = units(source) + units(target)
    assert left == (D(10) if isinstance(done[0], PortfolioTransfer) else D(4))
    assert list(ledger_differences()) == []
