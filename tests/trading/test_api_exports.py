"""Files of what a portfolio holds and did: whole, sent while read, harmless to spreadsheets."""

import csv
import io
from typing import Any

import pytest

from apps.trading.models import Order, Portfolio
from apps.trading.services.routing import order_route
from tests.trading.factories import fund, make_market, make_portfolio, place_order
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db


def lines_of(portfolio: Portfolio, what: str) -> list[dict[str, str]]:
    answer: Any = api_client(portfolio.client).get(
        f"/api/v1/portfolios/{portfolio.id}/exports/{what}"
    )
    assert (answer.status_code, answer.streaming) == (200, True)
    assert answer["Content-Disposition"] == f'attachment; filename="{what}.csv"'
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(answer.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_export_has_every_order_and_execution_and_no_formula() -> None:
    make_market()
    portfolio, other = make_portfolio(cash="10000"), make_portfolio(cash="10000")
    filled = place_order(portfolio, client_order_id="=HYPERLINK(1)")
    order_route(order_id=filled.id)
    resting = place_order(portfolio, order_type="LIMIT", limit_price="99.5")
    place_order(other)

    newest, oldest = lines_of(portfolio, "orders")
    assert (newest["id"], newest["status"], newest["limit_price"], newest["closed_at"]) == (
        *(str(resting.id), "NEW", "99.50000000", ""),
    )
    assert (oldest["client_order_id"], oldest["status"]) == ("'=HYPERLINK(1)", "FILLED")
    (execution,) = lines_of(portfolio, "executions")
    assert (execution["order_id"], execution["venue"]) == (str(filled.id), "PAPER")
    assert [line["symbol"] for line in lines_of(portfolio, "positions")] == ["AAPL"]
    assert [line["remaining_quantity"] for line in lines_of(portfolio, "lots")] != []
    assert {line["kind"] for line in lines_of(portfolio, "transactions")} == {"BUY"}


def test_export_of_nothing_is_its_header_and_of_others_is_not_found() -> None:
    portfolio = make_portfolio()
    fund(portfolio, "5")

    assert lines_of(portfolio, "orders") == []
    for user, path, status in (
        (make_user(), "orders", 404),
        (portfolio.client, "secrets", 404),
        (portfolio.client, "orders?page_size=1", 400),
    ):
        answer = api_client(user).get(f"/api/v1/portfolios/{portfolio.id}/exports/{path}")
        assert answer.status_code == status
    assert not Order.objects.exists()
