"""Replacing, cancelling all, brackets and one-cancels-other over REST."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.audit.services import outbox_deliver
from apps.trading.models import Order, Portfolio, Replacement
from tests.trading.factories import hold_units, make_market, make_portfolio, place_order
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def portfolio() -> Portfolio:
    make_market()
    return make_portfolio(client=make_user(), cash="10000")


@pytest.fixture
def api(portfolio: Portfolio) -> APIClient:
    return api_client(portfolio.client)


@pytest.fixture
def order(portfolio: Portfolio) -> Order:
    return place_order(portfolio, order_type="LIMIT", limit_price="90", quantity="10")


def replace(api: APIClient, order: Order, body: dict[str, Any], tag: str | None, key: str) -> Any:
    headers = {"Idempotency-Key": key, **({"If-Match": tag} if tag else {})}
    return api.post(f"/api/v1/orders/{order.id}/replacements", body, format="json", headers=headers)


def post(api: APIClient, path: str, body: dict[str, Any], key: str = "k") -> Any:
    return api.post(path, body, format="json", headers={"Idempotency-Key": key})


def test_order_is_replaced_by_whoever_saw_it_as_it_is(api: APIClient, order: Order) -> None:
    tag = api.get(f"/api/v1/orders/{order.id}")["ETag"]

    answer = replace(api, order, {"quantity": "12", "limit_price": "91"}, tag, "1")
    again = replace(api, order, {"quantity": "12", "limit_price": "91"}, tag, "1")
    late = replace(api, order, {"quantity": "15"}, tag, "2")

    assert (answer.status_code, answer.json()["status"]) == (202, "PENDING_REPLACE"), answer.json()
    assert again.json() == answer.json()
    assert (late.status_code, late.json()["code"]) == (412, "stale")
    outbox_deliver(context="trading")
    read = api.get(f"/api/v1/orders/{order.id}")
    assert (read.json()["status"], read.json()["quantity"]) == ("NEW", "12")
    assert read["ETag"] == f'"{read.json()["version"]}"' != tag
    (link,) = api.get(f"/api/v1/orders/{order.id}/replacements").json()
    assert (link["status"], link["before"]["limit_price"], link["after"]["limit_price"]) == (
        "REPLACED",
        "90",
        "91",
    )


@pytest.mark.parametrize(
    ("body", "tag", "status"),
    [
        ({"quantity": "12"}, None, 400),
        ({"quantity": "12"}, "no tag", 400),
        ({}, "*", 422),
        ({"client_order_id": "x"}, "*", 422),
        ({"quantity": "-1"}, "*", 400),
        ({"side": "SELL"}, "*", 400),
        ({"stop_price": "1"}, "*", 400),
        ({"quantity": "10"}, "*", 409),
        ({"quantity": "900"}, "*", 422),
    ],
)
def test_replacement_posted_with_bad_input_changes_nothing(
    api: APIClient, order: Order, body: dict[str, Any], tag: str | None, status: int
) -> None:
    answer = replace(api, order, body, tag, "1")

    assert answer.status_code == status, answer.json()
    assert not Replacement.objects.exists()


def test_anothers_order_is_neither_replaced_nor_canceled(
    portfolio: Portfolio, order: Order
) -> None:
    stranger = api_client(make_user())

    assert replace(stranger, order, {"quantity": "12"}, "*", "1").status_code == 404
    assert stranger.get(f"/api/v1/orders/{order.id}/replacements").status_code == 404
    answer = stranger.post(
        "/api/v1/orders/cancel-all", {"portfolio_id": str(portfolio.id)}, format="json"
    )
    assert answer.status_code == 404
    order.refresh_from_db()
    assert order.status == "NEW"


def test_cancel_all_answers_the_orders_that_it_asked_for(
    api: APIClient, portfolio: Portfolio, order: Order
) -> None:
    body = {"portfolio_id": str(portfolio.id), "symbol": "AAPL"}
    answer = api.post("/api/v1/orders/cancel-all", body, format="json")

    assert answer.status_code == 202
    assert [row["id"] for row in answer.json()] == [str(order.id)]
    outbox_deliver(context="trading")
    order.refresh_from_db()
    assert order.status == "CANCELED"


def test_bracket_posted_trades_and_protects(api: APIClient, portfolio: Portfolio) -> None:
    body = {
        "portfolio_id": str(portfolio.id),
        "symbol": "AAPL",
        "type": "MARKET",
        "quantity": "3",
        "take_profit_price": "120",
        "stop_loss_price": "90",
        "stop_loss_limit_price": "89",
    }
    answer = post(api, "/api/v1/orders/brackets", body)
    again = post(api, "/api/v1/orders/brackets", body)

    assert answer.status_code == 201, answer.json()
    assert again.json() == answer.json()
    outbox_deliver(context="trading")
    orders = [api.get(f"/api/v1/orders/{row['id']}").json() for row in answer.json()]
    assert [row["status"] for row in orders] == ["FILLED", "NEW", "NEW"]
    assert [row["type"] for row in orders] == ["MARKET", "LIMIT", "STOP_LIMIT"]
    assert {row["parent_id"] for row in orders[1:]} == {orders[0]["id"]}


def test_oco_posted_shares_the_units(api: APIClient, portfolio: Portfolio) -> None:
    hold_units(portfolio, "5")
    body = {
        "portfolio_id": str(portfolio.id),
        "symbol": "AAPL",
        "quantity": "5",
        "take_profit_price": "120",
        "stop_loss_price": "90",
    }
    answer = post(api, "/api/v1/orders/oco", body)

    assert answer.status_code == 201, answer.json()
    assert [row["held_amount"] for row in answer.json()] == ["5", "0"]
    assert len({row["group_id"] for row in answer.json()}) == 1


def test_trailing_stop_posted_shows_its_mark(api: APIClient, portfolio: Portfolio) -> None:
    hold_units(portfolio, "5")
    body = {
        "portfolio_id": str(portfolio.id),
        "symbol": "AAPL",
        "side": "SELL",
        "type": "TRAILING_STOP",
        "quantity": "5",
        "trail_percent": "4",
    }
    answer = post(api, "/api/v1/orders", body)

    assert answer.status_code == 201, answer.json()
    assert (answer.json()["mark_price"], answer.json()["stop_price"]) == ("100", "96")


def test_order_is_found_by_its_client_order_id_and_by_its_replacements(
    api: APIClient, order: Order
) -> None:
    replace(api, order, {"quantity": "12", "client_order_id": "second"}, "*", "1")

    for name in (order.client_order_id, "second"):
        found = api.get("/api/v1/orders", {"client_order_id": name}).json()["results"]
        assert [row["id"] for row in found] == [str(order.id)]
