"""Lots, realised gains, the tax report and corporate actions over REST."""

import csv
import io
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.trading.models import Portfolio
from tests.trading.factories import make_portfolio
from tests.trading.issuers import applied, split, trade
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def portfolio() -> Portfolio:
    """Bought twice, sold once at a loss, bought back: 10 were held through a split of 2 for 1."""
    portfolio = make_portfolio()
    trade(portfolio, "BUY", "10", "100", on="2020-01-02")
    trade(portfolio, "BUY", "5", "120", on="2020-03-02")
    applied(split("2020-08-31"))
    trade(portfolio, "SELL", "20", "40", on="2021-02-01")
    trade(portfolio, "BUY", "6", "42", on="2021-02-10")
    return portfolio


@pytest.fixture
def api(portfolio: Portfolio) -> APIClient:
    return api_client(portfolio.client)


def read(api: APIClient, path: str) -> Any:
    answer = api.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.content
    return answer


def test_lots_are_filtered_by_status_and_symbol(portfolio: Portfolio, api: APIClient) -> None:
    lots = f"portfolios/{portfolio.id}/lots"

    found = {
        status: len(read(api, f"{lots}?status={status}&symbol=AAPL").json()["results"])
        for status in ("OPEN", "CLOSED", "ALL")
    }

    # Two purchases closed by the split, their two successors, and what was bought back.
    assert found == {"OPEN": 2, "CLOSED": 3, "ALL": 5}
    assert read(api, f"{lots}?symbol=MSFT").json()["results"] == []
    assert api.get(f"/api/v1/{lots}?status=LOST").status_code == 400


def test_gains_say_which_lots_a_sale_took(portfolio: Portfolio, api: APIClient) -> None:
    (row,) = read(api, f"portfolios/{portfolio.id}/gains?year=2021").json()["results"]

    assert (row["quantity"], row["term"], row["method"], row["held_days"]) == (
        "20",
        "LONG",
        "FIFO",
        396,
    )
    assert (row["cost"], row["proceeds"], row["gain"]) == ("1000.5", "799.6", "-200.9")
    assert (row["price_effect"], row["fx_effect"], row["total_gain"]) == ("-200.9", "0", "-200.9")
    text = read(api, f"portfolios/{portfolio.id}/gains.csv").content.decode()
    (line,) = csv.DictReader(io.StringIO(text))
    assert (line["lot_id"], line["gain"]) == (row["lot_id"], "-200.90000000")


def test_tax_report_has_the_columns_of_form_8949(portfolio: Portfolio, api: APIClient) -> None:
    report = read(api, "tax-reports/2021").json()

    assert [(row["description"], row["code"], row["adjustment"]) for row in report["rows"]] == [
        ("6 AAPL", "W", "60.27"),
        ("14 AAPL", "", "0"),
    ]
    assert [(row["term"], row["gain"]) for row in report["totals"]] == [("LONG", "-140.63")]
    text = read(api, "tax-reports/2021.csv").content.decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [(line["date_acquired"], line["code"]) for line in lines] == [
        ("2020-01-02", "W"),
        ("2020-01-02", ""),
    ]
    assert api.get("/api/v1/tax-reports/1066").status_code == 404


def test_corporate_actions_show_what_they_did_to_the_reader_only(
    portfolio: Portfolio, api: APIClient
) -> None:
    (action,) = read(api, "corporate-actions").json()["results"]

    assert (action["kind"], action["status"], action["ratio_new"]) == ("SPLIT", "APPLIED", "2")
    (effect,) = action["effects"]
    assert (effect["portfolio_id"], effect["units"], effect["units_after"]) == (
        str(portfolio.id),
        "15",
        "30",
    )
    assert read(api_client(make_user()), "corporate-actions").json()["results"] == []


def test_lot_method_is_put_by_its_owner_only(portfolio: Portfolio, api: APIClient) -> None:
    path = f"/api/v1/portfolios/{portfolio.id}/lot-method"

    put = api.put(path, {"lot_method": "HIFO"}, format="json")
    refused = api.put(path, {"lot_method": "WORST"}, format="json")
    other = api_client(make_user()).put(path, {"lot_method": "LIFO"}, format="json")

    assert (put.status_code, refused.status_code, other.status_code) == (200, 400, 404)
    portfolio.refresh_from_db()
    assert portfolio.lot_method == "HIFO"
