"""The market over HTTP."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rest_framework.test import APIClient

from apps.market.models import Bar
from tests.market.factories import make_instrument, put_quote
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db(databases=["default", "timescale"])


@pytest.fixture
def client() -> APIClient:
    make_instrument("AAPL", bar_source="skfolio")
    make_instrument("IBM", exchange="XNYS", bar_source="bokeh_sampledata")
    return api_client(make_user())


def test_instruments_pages_and_filters(client: APIClient) -> None:
    first = client.get("/api/v1/instruments?page_size=1").json()
    assert [row["symbol"] for row in first["results"]] == ["AAPL"]
    assert first["results"][0]["tick_size"] == "0.01"
    second = client.get(first["next"]).json()
    assert [row["symbol"] for row in second["results"]] == ["IBM"]
    assert second["next"] is None
    only = client.get("/api/v1/instruments?exchange=XNYS&status=ACTIVE").json()
    assert [row["symbol"] for row in only["results"]] == ["IBM"]


def test_instrument_one_and_unknown(client: APIClient) -> None:
    assert client.get("/api/v1/instruments/AAPL").json()["is_tradable"] is True
    for symbol in ("NOPE", "aapl", "%00", "A" * 30):
        answer = client.get(f"/api/v1/instruments/{symbol}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_quotes_known_symbols_only(client: APIClient) -> None:
    put_quote("AAPL", "189.10", "189.12", at=datetime(2026, 1, 2, 3, tzinfo=UTC))
    rows = client.get("/api/v1/quotes?symbols=AAPL,IBM").json()
    assert rows == [
        {
            "symbol": "AAPL",
            "bid": "189.1",
            "ask": "189.12",
            "last": "189.1",
            "volume": "1000",
            "at": "2026-01-02T03:00:00Z",
            "source": "test",
        }
    ]
    assert client.get("/api/v1/quotes/AAPL").json() == rows[0]
    assert client.get("/api/v1/quotes/IBM").status_code == 404


def test_bars_of_the_preferred_source_with_unknown_prices_null(client: APIClient) -> None:
    for day in (1, 2, 3):
        Bar.objects.create(
            symbol="AAPL",
            source="skfolio",
            time=datetime(2022, 1, day, tzinfo=UTC),
            adjusted_close=Decimal(day),
        )
    url = "/api/v1/bars?symbol=AAPL&start=2022-01-01&end=2022-01-03&page_size=2"
    page = client.get(url).json()
    assert [row["adjusted_close"] for row in page["results"]] == ["1", "2"]
    assert page["results"][0]["close"] is None
    assert [row["adjusted_close"] for row in client.get(page["next"]).json()["results"]] == ["3"]
    assert client.get(f"{url}&source=other").json()["results"] == []


def test_calendar_and_clock_follow_the_exchange(client: APIClient) -> None:
    url = "/api/v1/calendar?exchange=XNYS&start=2024-07-03&end=2024-07-05"
    rows = client.get(url).json()
    assert [(row["date"], row["is_half_day"]) for row in rows] == [
        ("2024-07-03", True),
        ("2024-07-05", False),
    ]
    clock = client.get("/api/v1/clock").json()
    assert (clock["exchange"], clock["price_source"]) == ("XNYS", "replay")


@pytest.mark.parametrize(
    "path",
    [
        "instruments?nope=1",
        "instruments?exchange=XNYS&exchange=XNAS",
        "instruments?page_size=0",
        "instruments?page_size=x",
        "instruments?asset_class=GOLD",
        "instruments/AAPL?x=1",
        "quotes",
        "quotes?symbols=",
        "quotes?symbols=AAPL,,IBM",
        "quotes?symbols=%00",
        "quotes?symbols=" + ",".join(f"A{n}" for n in range(201)),
        "bars?symbol=AAPL",
        "bars?symbol=AAPL&start=2022-01-03&end=2022-01-01",
        "bars?symbol=AAPL&start=01/02/2022&end=2022-01-03",
        "calendar?exchange=XNYS&start=2020-01-01&end=2024-01-01",
        "clock?exchange=xnys",
    ],
)
def test_query_that_is_wrong_is_a_problem(client: APIClient, path: str) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "bars?symbol=NOPE&start=2022-01-01&end=2022-01-03",
        "calendar?exchange=XXXX&start=2020-01-01&end=2020-01-02",
    ],
)
def test_query_for_what_does_not_exist_is_404(client: APIClient, path: str) -> None:
    assert client.get(f"/api/v1/{path}").status_code == 404


def test_market_without_sign_in_is_401() -> None:
    assert APIClient().get("/api/v1/instruments").status_code == 401
