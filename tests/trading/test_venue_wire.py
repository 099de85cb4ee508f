"""Alpaca's protocol in our words; settings that name it; nothing that is not documented."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from apps.trading.domain.orders import OrderType, Side, TimeInForce
from apps.trading.venues.alpaca.client import Client
from apps.trading.venues.alpaca.wire import (
    activity_fill,
    order_body,
    order_report,
    replacement_body,
    told,
)
from apps.trading.venues.base import (
    FillReport,
    Garbage,
    LiveOrder,
    OrderReport,
    VenueStatus,
    VenueUnreachable,
)
from stratford.venues import alpaca
from tests.trading.alpaca_server import SECRET_KEY, AlpacaServer, account_of

D = Decimal
ID = str(uuid4())
ORDER = {"id": ID, "client_order_id": "ours", "status": "new", "filled_qty": "0"}
# As in Alpaca's documentation of account activities.
ACTIVITY = {
    "id": "20190524113406977::8efc7b9a-8b2b-4000-9955-d36e7db0df74",
    "activity_type": "FILL",
    "cum_qty": "3",
    "leaves_qty": "0",
    "price": "1.63",
    "qty": "1",
    "side": "buy",
    "symbol": "LPCN",
    "transaction_time": "2019-05-24T15:34:06.977Z",
    "order_id": ID,
    "type": "fill",
}


def live_order(**terms: Any) -> LiveOrder:
    defaults: dict[str, Any] = {
        "client_order_id": "ours",
        "symbol": "AAPL",
        "side": Side.SELL,
        "order_type": OrderType.MARKET,
        "time_in_force": TimeInForce.DAY,
        "quantity": D("1.50"),
    }
    prices = dict.fromkeys(("limit_price", "stop_price", "trail_amount", "trail_percent"))
    return LiveOrder(**{**prices, **defaults, **terms})


@pytest.mark.parametrize(
    ("order_type", "terms", "said"),
    [
        ("MARKET", {}, {}),
        ("LIMIT", {"limit_price": D("10.10")}, {"limit_price": "10.1"}),
        ("STOP", {"stop_price": D(100)}, {"stop_price": "100"}),
        ("TRAILING_STOP", {"trail_amount": D(2)}, {"trail_price": "2"}),
        ("TRAILING_STOP", {"trail_percent": D(2)}, {"trail_percent": "2"}),
    ],
    ids=["market", "limit", "stop", "trail", "percent"],
)
def test_order_is_written_as_the_venue_documents_it(
    order_type: str, terms: dict[str, Any], said: dict[str, str]
) -> None:
    order = live_order(order_type=OrderType(order_type), **terms)

    assert order_body(order) == {
        "client_order_id": "ours",
        "symbol": "AAPL",
        "side": "sell",
        "type": order_type.lower(),
        "time_in_force": "day",
        "extended_hours": False,
        "qty": "1.5",
        **said,
    }
    trail = {"trail": "2"} if order_type == "TRAILING_STOP" else said
    assert replacement_body(order) == {"client_order_id": "ours", "qty": "1.5", **trail}


def test_fill_has_one_id_by_stream_and_by_activities() -> None:
    order = {**ORDER, "filled_qty": "3.0", "status": "filled", "symbol": "LPCN", "side": "buy"}
    update = {
        "event": "fill",
        "timestamp": "2019-05-24T15:34:06.977Z",
        "execution_id": str(uuid4()),
        "price": "1.63",
        "qty": "1",
        "order": order,
    }

    by_stream, report = told(update)

    assert by_stream == activity_fill(ACTIVITY)
    assert isinstance(by_stream, FillReport)
    assert by_stream.execution_id == f"{ID}:3"
    assert isinstance(report, OrderReport)
    assert (report.status, report.filled_quantity) == (VenueStatus.FILLED, D(3))


@pytest.mark.parametrize(
    "change",
    [
        {"qty": "0"},
        {"qty": "-1"},
        {"qty": "NaN"},
        {"qty": "9" * 5000},
        {"qty": "4"},
        {"qty": 1.5},
        {"price": "0"},
        {"price": "0.000000001"},
        {"side": "hold"},
        {"symbol": "a b"},
        {"symbol": "\ud800"},
        {"order_id": "7"},
        {"transaction_time": "2019-05-24T15:34:06"},
        {"cum_qty": None},
    ],
    ids=[
        *("no_units", "negative", "not_a_number", "endless", "more_than_cumulated", "a_float"),
        *("no_price", "nine_decimals", "no_side", "no_symbol", "a_surrogate", "no_id"),
        *("no_zone", "no_cumulated"),
    ],
)
def test_fill_that_cannot_be_is_garbage(change: dict[str, Any]) -> None:
    with pytest.raises(Garbage):
        activity_fill({**ACTIVITY, **change})


@pytest.mark.parametrize(
    "order", [None, [], {}, {**ORDER, "status": "dreaming"}, {**ORDER, "id": "../account"}]
)
def test_order_that_cannot_be_is_garbage(order: Any) -> None:
    with pytest.raises(Garbage):
        order_report(order)


def read(**variables: str) -> dict[str, Any]:
    env = environ.Env()
    env.ENVIRON = {
        "ALPACA_URL": "https://paper-api.alpaca.markets/",
        "ALPACA_ACCOUNT": "PAPER",
        "ALPACA_KEY_ID": "k",
        "ALPACA_SECRET_KEY": "s",
        **variables,
    }
    return alpaca(env, is_embedded=False)


def test_settings_name_the_venue_or_nothing() -> None:
    assert read()["url"] == "https://paper-api.alpaca.markets"
    assert read(ALPACA_URL="") == {}


@pytest.mark.parametrize(
    "variables",
    [
        {"ALPACA_URL": "https://api.alpaca.markets"},
        {"ALPACA_ACCOUNT": "LIVE"},
        {"ALPACA_ACCOUNT": ""},
        {"ALPACA_URL": "http://paper-api.alpaca.markets"},
        {"ALPACA_URL": "http://127.0.0.1:1"},
        {"ALPACA_URL": "https://me@paper-api.alpaca.markets"},
        {"ALPACA_SECRET_KEY": ""},
    ],
    ids=[
        *("live_address", "live_account", "no_account", "plain", "local_in_production", "a_user"),
        "no_secret",
    ],
)
def test_settings_that_could_mix_play_and_money_are_refused(variables: dict[str, str]) -> None:
    with pytest.raises(ImproperlyConfigured):
        read(**variables)


def test_secret_is_in_no_log_and_in_no_error(
    broker: AlpacaServer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    broker.faults.extend(["unauthorised", "garbage_after", "garbage_after", "error_before"])
    client = Client(account_of(broker))

    for _ in range(3):
        with pytest.raises(Exception, match=r".*") as failed:
            client.write("POST", "/v2/orders", {"client_order_id": "a", "qty": "1"})
        assert SECRET_KEY not in repr(failed.value)
    assert SECRET_KEY not in caplog.text
    assert SECRET_KEY not in repr(vars(client.session))


def test_wrong_keys_are_no_refusal_of_the_order(broker: AlpacaServer) -> None:
    client = Client({**account_of(broker), "key_id": "x", "secret_key": "wrong"})

    with pytest.raises(VenueUnreachable, match="401"):
        client.read("/v2/account")
