"""What the worker runs: the tasks, called as it calls them."""

from datetime import timedelta

import pytest
from celery import current_app
from django.conf import settings
from django.utils import timezone

from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get
from apps.trading.models import Order, Portfolio
from apps.trading.tasks import expire_orders, match_quotes
from tests.market.factories import put_quote
from tests.trading.factories import make_market, make_portfolio, place_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def portfolio() -> Portfolio:
    make_market()
    return make_portfolio(cash="10000")


def test_match_quotes_fills_the_orders_that_the_quotes_reach(portfolio: Portfolio) -> None:
    order = place_order(portfolio, order_type="LIMIT", limit_price="95", quantity="5")
    match_quotes(["AAPL"])
    order.refresh_from_db()
    assert order.status == "NEW", "the market is above the limit"

    put_quote("AAPL", "94", "94", volume="1000")
    match_quotes(["MSFT"])
    assert Order.objects.get().status == "NEW", "another symbol's batch"
    match_quotes(["AAPL"])
    match_quotes(["AAPL"])

    order.refresh_from_db()
    assert (order.status, order.executions.count()) == ("FILLED", 1)


def test_expire_orders_ends_only_what_is_over_and_frees_its_hold(portfolio: Portfolio) -> None:
    over, open_still = place_order(portfolio), place_order(portfolio, time_in_force="GTC")
    Order.objects.filter(id=over.id).update(expires_at=timezone.now() - timedelta(seconds=1))

    expire_orders()
    expire_orders()

    over.refresh_from_db()
    open_still.refresh_from_db()
    assert (over.status, over.held_amount, open_still.status) == ("EXPIRED", 0, "NEW")
    assert balance_get(portfolio.id, AccountKind.HELD, "USD") == open_still.held_amount


def test_tasks_of_trading_have_the_names_that_the_settings_call() -> None:
    names = {*settings.QUOTE_TASKS, settings.CELERY_BEAT_SCHEDULE["orders-expire"]["task"]}

    assert names == {match_quotes.name, expire_orders.name}
    assert names <= set(current_app.tasks)
