from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from pymongo.errors import ServerSelectionTimeoutError
from pytest_django import Settings

from apps.analytics import selectors, services, tasks
from apps.analytics.models import PortfolioValuation
from apps.core.domain.money import Money
from apps.core.errors import InvalidInput, NotFound
from apps.ledger.selectors import balances_by_owner
from apps.trading.models import CashTransfer, Portfolio
from apps.trading.services.cash import deposit_receive, withdrawal_request
from tests.market.factories import make_instrument, put_quote
from tests.trading.factories import fund, make_portfolio
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db(databases=["default", "timescale"])


@pytest.fixture(autouse=True)
def _checks(settings: Settings) -> None:
    settings.CASH_CHECKS = []


@pytest.fixture
def portfolio() -> Portfolio:
    """USD 1,000 deposited, 100 withdrawn, and 2 AAPL at 150 given."""
    portfolio = make_portfolio()
    for command, amount in ((deposit_receive, "1000"), (withdrawal_request, "100")):
        command(
            actor=portfolio.client,
            portfolio_id=portfolio.id,
            amount=Money.of(amount, "USD"),
            idempotency_key=amount,
        )
    make_instrument("AAPL", sector="Technology")
    put_quote("AAPL", "149", "151", last="150")
    fund(portfolio, "2", "AAPL")
    return portfolio


def value(portfolio: Portfolio, at: datetime, total: str, deposits: str, **fields: Any) -> None:
    PortfolioValuation.objects.create(
        portfolio_id=portfolio.id,
        time=at,
        currency="USD",
        cash=Decimal(total),
        held=0,
        invested=0,
        total=Decimal(total),
        deposits=Decimal(deposits),
        withdrawals=fields.pop("withdrawals", Decimal(0)),
        **fields,
    )


def test_valuations_record_values_every_portfolio_once(portfolio: Portfolio) -> None:
    make_portfolio()
    put_quote("SP500", "3999", "4001", last="4000")
    at = timezone.now()

    assert services.valuations_record(at=at) == 2
    services.valuations_record(at=at)

    row = PortfolioValuation.objects.get(portfolio_id=portfolio.id)
    assert [row.cash, row.held, row.invested] == [Decimal(900), Decimal(0), Decimal(300)]
    assert [row.total, row.deposits, row.withdrawals] == [Decimal(1200), 1000, 100]
    assert row.benchmark == 4000
    assert row.is_complete
    assert PortfolioValuation.objects.count() == 2


def test_valuations_record_of_a_holding_without_price_is_incomplete(portfolio: Portfolio) -> None:
    fund(portfolio, "5", "MSFT")
    fund(portfolio, "5", "GBPX")

    tasks.record_valuations()

    row = PortfolioValuation.objects.get()
    assert not row.is_complete
    assert [row.total, row.benchmark] == [1200, None]


def test_portfolio_summary_shows_value_profit_and_allocation(portfolio: Portfolio) -> None:
    yesterday = timezone.now() - timedelta(days=1)
    value(portfolio, yesterday, "1100", "1000", withdrawals=Decimal(100))

    summary = selectors.portfolio_summary(portfolio.client, portfolio.id)

    assert [summary.value, summary.cash, summary.invested] == [1200, 900, 300]
    assert [summary.net_deposits, summary.total_profit] == [900, 300]
    assert summary.day_profit == 100
    assert [(part.name, part.weight) for part in summary.by_symbol] == [
        ("Cash", Decimal("0.75")),
        ("AAPL", Decimal("0.25")),
    ]
    assert [part.name for part in summary.by_sector] == ["Cash", "Technology"]
    assert summary.is_complete


def test_portfolio_summary_of_an_empty_portfolio_is_zero() -> None:
    portfolio = make_portfolio()

    summary = selectors.portfolio_summary(portfolio.client, portfolio.id)

    assert [summary.value, summary.day_profit, summary.by_symbol] == [0, 0, []]


def test_equity_curve_gives_the_benchmark_the_same_deposits() -> None:
    portfolio = make_portfolio()
    start = timezone.now() - timedelta(hours=4)
    value(portfolio, start, "100", "100", benchmark=Decimal(10))
    value(portfolio, start + timedelta(hours=1), "210", "200", benchmark=Decimal(20))
    value(portfolio, start + timedelta(hours=2), "220", "200")

    curve = selectors.equity_curve(portfolio.client, portfolio.id, since=start, points=100)

    assert [(point.value, point.benchmark) for point in curve] == [
        (Decimal(100), Decimal(100)),
        (Decimal(210), Decimal(300)),
        (Decimal(220), None),
    ]


def test_equity_curve_keeps_the_last_value_of_each_bin() -> None:
    portfolio = make_portfolio()
    start = timezone.now() - timedelta(hours=10)
    for number in range(100):
        value(portfolio, start + timedelta(minutes=6 * number + 3), str(number), "1")

    first = start + timedelta(minutes=3)
    width = (timezone.now() - first) / 10
    curve = selectors.equity_curve(portfolio.client, portfolio.id, since=start, points=10)

    assert len(curve) == 10
    assert curve[-1].value == 99
    for number, point in enumerate(curve):
        end = first + (number + 1) * width
        assert end - timedelta(minutes=7) < point.at < end


def test_equity_curve_of_a_short_history_in_a_long_span_is_drawn_in_full() -> None:
    portfolio = make_portfolio()
    now = timezone.now()
    for number in range(5):
        value(portfolio, now - timedelta(minutes=5 - number), str(number), "1")

    since = now - timedelta(days=365)
    curve = selectors.equity_curve(portfolio.client, portfolio.id, since=since)

    assert [point.value for point in curve] == [0, 1, 2, 3, 4]


def test_equity_curve_without_a_valuation_is_empty() -> None:
    portfolio = make_portfolio()

    assert selectors.equity_curve(portfolio.client, portfolio.id, since=timezone.now()) == []


@pytest.mark.parametrize("points", [1, 2001])
def test_equity_curve_of_a_bad_number_of_points_is_refused(points: int) -> None:
    portfolio = make_portfolio()

    with pytest.raises(InvalidInput):
        selectors.equity_curve(portfolio.client, portfolio.id, since=timezone.now(), points=points)


def test_performance_table_chains_the_days() -> None:
    portfolio = make_portfolio()
    noon = timezone.now().replace(hour=0, minute=0, second=1)
    for ago, total, deposits in ((40, "100", "100"), (3, "110", "100"), (0, "231", "200")):
        value(portfolio, noon - timedelta(days=ago), total, deposits)

    performance = selectors.performance_table(portfolio.client, portfolio.id)

    assert {row.period: row.time_weighted for row in performance.periods} == {
        "1D": Decimal("0.1"),
        "1W": Decimal("0.21"),
        "1M": Decimal("0.21"),
        "START": Decimal("0.21"),
    }
    assert performance.max_drawdown == 0
    assert performance.volatility == 0


def test_performance_table_without_history_is_empty() -> None:
    portfolio = make_portfolio()

    performance = selectors.performance_table(portfolio.client, portfolio.id)

    assert [row.time_weighted for row in performance.periods] == [None] * 4
    assert performance.money_weighted is None


def test_performance_table_knows_the_money_weighted_return(portfolio: Portfolio) -> None:
    value(portfolio, timezone.now() + timedelta(days=365), "990", "1000")

    performance = selectors.performance_table(portfolio.client, portfolio.id)

    assert performance.money_weighted is not None
    assert float(performance.money_weighted) == pytest.approx(0.1, abs=1e-6)


def test_report_build_writes_what_report_latest_reads(portfolio: Portfolio) -> None:
    assert selectors.report_latest(portfolio.client, portfolio.id) is None

    tasks.build_report(str(portfolio.id))
    tasks.build_report(str(portfolio.id))

    report = selectors.report_latest(portfolio.client, portfolio.id)
    assert report is not None
    assert Decimal(report["value"]) == 1200
    assert datetime.fromisoformat(report["generated_at"]).tzinfo == UTC


def test_report_build_of_an_unknown_portfolio_is_not_found() -> None:
    with pytest.raises(NotFound):
        services.report_build(portfolio_id=uuid4())


def test_report_without_document_store_is_none_and_raises_nothing(
    portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "collection", lambda _: _Down())
    monkeypatch.setattr(selectors, "collection", lambda _: _Down())

    assert services.report_build(portfolio_id=portfolio.id) is False
    assert selectors.report_latest(portfolio.client, portfolio.id) is None


class _Down:
    """A store that does not answer."""

    def replace_one(self, *args: Any, **kwargs: Any) -> None:
        raise ServerSelectionTimeoutError

    find_one = replace_one


@pytest.mark.parametrize("path", ["summary", "performance"])
def test_analytics_api_answers_the_owner_alone(portfolio: Portfolio, path: str) -> None:
    address = f"/api/v1/portfolios/{portfolio.id}/{path}"

    assert api_client(portfolio.client).get(address).status_code == 200
    assert api_client(make_user()).get(address).status_code == 404


def test_summary_api_writes_money_as_strings(portfolio: Portfolio) -> None:
    body = api_client(portfolio.client).get(f"/api/v1/portfolios/{portfolio.id}/summary").json()

    assert (body["value"], body["total_profit"]) == ("1200", "300")


def test_performance_ignores_valuations_that_missed_a_price() -> None:
    portfolio = make_portfolio()
    noon = timezone.now().replace(hour=0, minute=0, second=1)
    value(portfolio, noon - timedelta(days=1), "1000", "1000")
    value(portfolio, noon, "1000", "1000")
    value(portfolio, noon + timedelta(seconds=1), "200", "1000", is_complete=False)

    performance = selectors.performance_table(portfolio.client, portfolio.id)

    assert performance.max_drawdown == 0
    curve = selectors.equity_curve(
        portfolio.client, portfolio.id, since=noon - timedelta(days=2), points=10
    )
    assert {point.value for point in curve} == {Decimal(1000)}


def test_money_weighted_return_counts_no_flow_after_the_last_valuation() -> None:
    portfolio = make_portfolio()
    deposit(portfolio, "1000")
    CashTransfer.objects.update(settled_at=timezone.now() - timedelta(days=365))
    value(portfolio, timezone.now(), "1100", "1000")
    deposit(portfolio, "5000")

    performance = selectors.performance_table(portfolio.client, portfolio.id)

    assert performance.money_weighted is not None
    assert float(performance.money_weighted) == pytest.approx(0.1, abs=1e-3)


@pytest.mark.django_db(transaction=True, databases=["default", "timescale"])
def test_valuations_record_sees_a_deposit_in_value_and_flows_or_in_neither(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    portfolio = make_portfolio()

    def read_and_deposit() -> list[Any]:
        rows = list(balances_by_owner())
        with ThreadPoolExecutor(1) as pool:
            pool.submit(elsewhere, portfolio).result()
        return rows

    monkeypatch.setattr(services, "balances_by_owner", read_and_deposit)

    services.valuations_record()

    row = PortfolioValuation.objects.get()
    assert row.total == row.deposits == 0
    assert CashTransfer.objects.count() == 1


def elsewhere(portfolio: Portfolio) -> None:
    try:
        deposit(portfolio, "1000")
    finally:
        connection.close()


def deposit(portfolio: Portfolio, amount: str) -> None:
    deposit_receive(
        actor=portfolio.client,
        portfolio_id=portfolio.id,
        amount=Money.of(amount, "USD"),
        idempotency_key=f"deposit-{amount}",
    )


def test_performance_counts_a_loss_of_the_first_day_as_a_drawdown() -> None:
    portfolio = make_portfolio()
    value(portfolio, timezone.now(), "900", "1000")

    performance = selectors.performance_table(portfolio.client, portfolio.id)

    assert performance.max_drawdown == Decimal("-0.1")
