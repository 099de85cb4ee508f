"""Orders, trades, positions and lots over REST."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from apps.audit.services import outbox_deliver
from apps.trading.models import Order, Portfolio
from tests.market.factories import make_instrument
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


def body_of(portfolio: Portfolio, **terms: Any) -> dict[str, Any]:
    defaults = {"symbol": "AAPL", "side": "BUY", "type": "MARKET", "quantity": "2"}
    return {"portfolio_id": str(portfolio.id), **defaults, **terms}


def place(api: APIClient, body: dict[str, Any], key: str = "key-1") -> Any:
    return api.post("/api/v1/orders", body, format="json", headers={"Idempotency-Key": key})


def test_order_posted_is_filled_and_read_back(portfolio: Portfolio, api: APIClient) -> None:
    posted = place(api, body_of(portfolio, client_order_id="mine-1"))

    assert posted.status_code == 201, posted.json()
    assert (posted.json()["status"], posted.json()["held_amount"]) == ("NEW", "204.11")
    outbox_deliver(context="trading")
    order = api.get(f"/api/v1/orders/{posted.json()['id']}").json()
    assert (order["status"], order["average_price"], order["fees"]) == ("FILLED", "100", "0.1")
    (trade,) = api.get("/api/v1/trades").json()["results"]
    assert (trade["order_id"], trade["quantity"], trade["amount"]) == (order["id"], "2", "200")
    (position,) = api.get(f"/api/v1/portfolios/{portfolio.id}/positions").json()
    assert (position["symbol"], position["quantity"], position["cost"]) == ("AAPL", "2", "200.1")
    (lot,) = api.get(f"/api/v1/portfolios/{portfolio.id}/lots").json()["results"]
    assert (lot["remaining_quantity"], lot["remaining_cost"]) == ("2", "200.1")


def test_order_posted_twice_with_one_key_is_one_order(portfolio: Portfolio, api: APIClient) -> None:
    first, again = place(api, body_of(portfolio)), place(api, body_of(portfolio))
    other = place(api, body_of(portfolio, quantity="3"))

    assert first.json() == again.json()
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency_mismatch"
    assert Order.objects.count() == 1


def test_order_posted_without_a_key_is_refused(portfolio: Portfolio, api: APIClient) -> None:
    answer = api.post("/api/v1/orders", body_of(portfolio), format="json")

    assert answer.status_code == 400
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "terms",
    [
        {"quantity": "NaN"},
        {"quantity": "-1"},
        {"quantity": "0"},
        {"quantity": "1e3"},
        {"quantity": "9" * 5000},
        {"quantity": None},
        {"quantity": ["1"]},
        {"notional": "5"},
        {"symbol": "aapl"},
        {"symbol": "A\u0000"},
        {"side": "HOLD"},
        {"type": "LIMIT"},
        {"limit_price": "5"},
        {"portfolio_id": "me"},
        {"client_order_id": "two words"},
        {"lot_ids": ["x"]},
        {"surprise": 1},
    ],
)
def test_order_posted_with_bad_input_gets_a_problem_and_changes_nothing(
    portfolio: Portfolio, api: APIClient, terms: dict[str, Any]
) -> None:
    answer = place(api, body_of(portfolio, **terms))

    assert answer.status_code == 400, answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert not Order.objects.exists()


def test_order_posted_beyond_the_buying_power_gets_the_figures(
    portfolio: Portfolio, api: APIClient
) -> None:
    answer = place(api, body_of(portfolio, quantity="99"))

    assert answer.status_code == 422
    assert answer.json()["code"] == "insufficient_buying_power"
    assert answer.json()["facts"] == {"limit": "10000", "measured": "10103.05"}


def test_order_posted_into_anothers_portfolio_is_not_found(portfolio: Portfolio) -> None:
    answer = place(api_client(make_user()), body_of(portfolio))

    assert answer.status_code == 404
    assert not Order.objects.exists()


def test_order_preview_shows_cost_and_checks(portfolio: Portfolio, api: APIClient) -> None:
    answer = api.post("/api/v1/orders/preview", body_of(portfolio), format="json")

    assert answer.status_code == 200
    preview = answer.json()
    assert preview["accepted"] is True
    assert (preview["estimated_cost"], preview["estimated_fees"]) == ("200", "0.1")
    assert (preview["held"], preview["buying_power_after"]) == ("204.11", "9795.89")
    assert {check["code"] for check in preview["checks"]} >= {"tick_size", "price_collar"}
    assert all(check["passed"] for check in preview["checks"])
    assert not Order.objects.exists()


def test_order_preview_without_a_quote_has_no_figures(portfolio: Portfolio, api: APIClient) -> None:
    make_instrument("MSFT")
    answer = api.post("/api/v1/orders/preview", body_of(portfolio, symbol="MSFT"), format="json")

    assert answer.json()["accepted"] is False
    assert answer.json()["estimated_cost"] is None
    assert answer.json()["quote_at"] is None


def test_order_canceled_is_accepted_then_canceled(portfolio: Portfolio, api: APIClient) -> None:
    order = place_order(portfolio, order_type="LIMIT", limit_price="90")

    answer = api.post(f"/api/v1/orders/{order.id}/cancel")

    assert (answer.status_code, answer.json()["status"]) == (202, "PENDING_CANCEL")
    outbox_deliver(context="trading")
    assert api.get(f"/api/v1/orders/{order.id}").json()["status"] == "CANCELED"
    again = api.post(f"/api/v1/orders/{order.id}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    with_body = api.post(f"/api/v1/orders/{order.id}/cancel", {"a": 1}, format="json")
    assert with_body.status_code == 400


def test_order_of_somebody_else_is_not_found(portfolio: Portfolio) -> None:
    order = place_order(portfolio)
    stranger = api_client(make_user())

    assert stranger.get(f"/api/v1/orders/{order.id}").status_code == 404
    assert stranger.post(f"/api/v1/orders/{order.id}/cancel").status_code == 404
    assert stranger.get("/api/v1/orders").json()["results"] == []
    assert stranger.get("/api/v1/trades").json()["results"] == []
    assert stranger.get(f"/api/v1/portfolios/{portfolio.id}/positions").status_code == 404
    assert stranger.get(f"/api/v1/portfolios/{portfolio.id}/lots").status_code == 404


def test_positions_are_filtered_and_not_sent_twice_unchanged(portfolio: Portfolio) -> None:
    hold_units(portfolio, "3")
    api = api_client(portfolio.client)
    path = f"/api/v1/portfolios/{portfolio.id}/positions"

    def found(query: str) -> list[str]:
        return [row["symbol"] for row in api.get(f"{path}?{query}").json()]

    assert [found("symbol=AAPL&currency=USD"), found("symbol=MSFT"), found("currency=EUR")] == [
        *(["AAPL"], [], [])
    ]
    assert api.get(f"{path}?currency=XXX").status_code == 400
    first = api.get(path)
    again = api.get(path, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    hold_units(portfolio, "1")
    assert api.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_orders_are_listed_by_what_is_asked(portfolio: Portfolio, api: APIClient) -> None:
    hold_units(portfolio, "5")
    sale = place_order(portfolio, side="SELL", quantity=Decimal(2), client_order_id="the-sale")

    def found(query: str) -> list[str]:
        return [row["id"] for row in api.get(f"/api/v1/orders?{query}").json()["results"]]

    assert found("status=NEW") == [str(sale.id)]
    assert found("client_order_id=the-sale") == [str(sale.id)]
    assert len(found(f"portfolio_id={portfolio.id}&symbol=AAPL")) == 2
    assert found(f"portfolio_id={uuid4()}") == []
    for bad in ("status=GONE", "portfolio_id=me", "color=red"):
        assert api.get(f"/api/v1/orders?{bad}").status_code == 400


BIG = "9" * 18


@pytest.mark.parametrize("side", ["BUY", "SELL"])
@pytest.mark.parametrize(
    "terms",
    [
        {"type": "LIMIT", "quantity": BIG, "limit_price": BIG},
        {"type": "LIMIT", "quantity": f"{BIG}.99999999", "limit_price": f"{BIG}.99999999"},
        {"type": "MARKET", "quantity": BIG},
        {"type": "MARKET", "notional": BIG},
        {"type": "LIMIT", "notional": BIG, "limit_price": "0.00000001"},
        {"type": "STOP", "quantity": BIG, "stop_price": BIG},
    ],
)
def test_orders_post_of_astronomic_numbers_is_a_problem_and_no_crash(
    side: str, terms: dict[str, str]
) -> None:
    make_market()
    portfolio = make_portfolio(cash="1000")
    api = api_client(portfolio.client)
    body = {"portfolio_id": str(portfolio.id), "symbol": "AAPL", "side": side, **terms}

    placed = api.post("/api/v1/orders", body, format="json", headers={"Idempotency-Key": "big"})
    preview = api.post("/api/v1/orders/preview", body, format="json")

    assert placed.status_code in {400, 422}, placed.content
    assert preview.status_code in {200, 400}, preview.content
    assert not Order.objects.exists()
