from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get
from apps.trading.models import CashTransfer, Portfolio
from apps.users.models import ApiSession
from tests.trading.factories import make_portfolio
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _checks(settings: Settings) -> None:
    settings.CASH_CHECKS = []


def call(portfolio: Portfolio, path: str, body: dict[str, Any], key: str = "key-1") -> Any:
    return api_client(portfolio.client).post(
        f"/api/v1/portfolios/{portfolio.id}/{path}",
        body,
        format="json",
        headers={"Idempotency-Key": key},
    )


def read(portfolio: Portfolio, path: str = "") -> Any:
    return api_client(portfolio.client).get(f"/api/v1/portfolios/{portfolio.id}{path}")


def test_portfolios_posted_and_listed_show_only_your_own() -> None:
    make_portfolio()
    api = api_client(make_user())

    posted = api.post("/api/v1/portfolios", {"name": "Savings"}, format="json")

    assert posted.status_code == 201
    assert (posted.json()["currency"], posted.json()["mode"]) == ("USD", "PAPER")
    assert api.get("/api/v1/portfolios").json() == [posted.json()]


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": 5}, {"name": "a\u0000"}, {"name": "a", "mode": "REAL"}]
)
def test_portfolios_posted_with_bad_input_get_a_problem(body: dict[str, Any]) -> None:
    answer = api_client(make_user()).post("/api/v1/portfolios", body, format="json")

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert not Portfolio.objects.exists()


def test_portfolios_without_sign_in_are_refused() -> None:
    assert APIClient().get("/api/v1/portfolios").status_code == 401


def test_portfolio_read_shows_every_balance_as_a_string() -> None:
    body = read(make_portfolio(cash="12.50")).json()

    assert body["balances"] == [{"kind": "CASH", "asset": "USD", "balance": "12.5"}]


def test_deposit_posted_twice_with_one_key_moves_once() -> None:
    portfolio = make_portfolio()

    first = call(portfolio, "deposits", {"amount": "100.25"})
    again = call(portfolio, "deposits", {"amount": "100.25"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again["Idempotent-Replayed"] == "true"
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == CashTransfer.objects.get().amount


def test_withdrawal_posted_beyond_the_cash_gets_the_figures() -> None:
    portfolio = make_portfolio(cash="5")

    answer = call(portfolio, "withdrawals", {"amount": "10"})

    assert (answer.status_code, answer.json()["code"]) == (422, "insufficient_funds")
    assert answer.json()["facts"]["measured"].startswith("10")
    assert not CashTransfer.objects.exists()


def test_asvs_v7_5_3_withdrawal_posted_without_a_fresh_second_factor_is_refused() -> None:
    portfolio = make_portfolio(cash="50")
    client = api_client(portfolio.client)
    address = f"/api/v1/portfolios/{portfolio.id}/withdrawals"
    ApiSession.objects.update(second_factor_at=timezone.now() - timedelta(seconds=301))

    def withdraw() -> Any:
        key = {"Idempotency-Key": "k"}
        return client.post(address, {"amount": "10"}, format="json", headers=key)

    refused = withdraw()
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
    assert not CashTransfer.objects.exists()
    assert client.get(address).status_code == 200
    ApiSession.objects.update(second_factor_at=timezone.now())
    assert withdraw().status_code == 201


def test_withdrawal_posted_within_the_cash_is_listed() -> None:
    portfolio = make_portfolio(cash="50")

    posted = call(portfolio, "withdrawals", {"amount": "10", "currency": "USD"})

    assert posted.json()["status"] == "SETTLED"
    assert read(portfolio, "/withdrawals").json()["results"] == [posted.json()]
    assert read(portfolio, "/deposits").json()["results"] == []


@pytest.mark.parametrize(
    "amount",
    ["NaN", "-1", "1e3", True, None, [], "9" * 5000, "1_000", "١٢", "1.001"],
)
def test_deposit_posted_with_a_bad_amount_gets_a_problem_and_changes_nothing(amount: Any) -> None:
    portfolio = make_portfolio()

    answer = call(portfolio, "deposits", {"amount": amount})

    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert not CashTransfer.objects.exists()


def test_deposit_posted_without_key_is_refused() -> None:
    answer = call(make_portfolio(), "deposits", {"amount": "10"}, key="")
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["", "/deposits", "/withdrawals", "/ledger-entries"])
def test_anything_of_another_clients_portfolio_is_not_found(path: str) -> None:
    portfolio = make_portfolio(cash="10")
    api = api_client(make_user())

    assert api.get(f"/api/v1/portfolios/{portfolio.id}{path}").status_code == 404
    if path in {"/deposits", "/withdrawals"}:
        answer = api.post(
            f"/api/v1/portfolios/{portfolio.id}{path}",
            {"amount": "5"},
            format="json",
            headers={"Idempotency-Key": "k"},
        )
        assert answer.status_code == 404
    assert not CashTransfer.objects.exists()


def test_ledger_entries_come_in_pages_newest_first() -> None:
    portfolio = make_portfolio(cash="10")
    call(portfolio, "deposits", {"amount": "5"})

    page = read(portfolio, "/ledger-entries?page_size=1").json()
    rest = api_client(portfolio.client).get(page["next"]).json()

    assert [entry["kind"] for entry in page["results"] + rest["results"]] == ["DEPOSIT", "OPENING"]
    assert page["results"][0]["postings"] == [{"account": "CASH", "asset": "USD", "amount": "5"}]
    assert rest["next"] is None
    assert api_client(portfolio.client).get(rest["previous"]).json()["results"] == page["results"]
    assert page["previous"] is None


@pytest.mark.parametrize(
    "text",
    ["?", "<", "<2026-01-01T00:00:00+00:00", "<2026-13-01T00:00:00+00:00 1", "x2026 1", "\xff"],
    ids=["nonsense", "way", "no-number", "no-month", "no-way", "no-text"],
)
def test_ledger_entries_by_a_cursor_that_was_not_given_out_are_not_found(text: str) -> None:
    cursor = urlsafe_b64encode(text.encode()).decode()
    assert read(make_portfolio(), f"/ledger-entries?cursor={cursor}").status_code == 404


@pytest.mark.parametrize("query", ["page_size=0", "page_size=201", "page_size=x", "nothing=1"])
def test_ledger_entries_with_a_bad_query_get_a_problem(query: str) -> None:
    assert read(make_portfolio(), f"/ledger-entries?{query}").status_code == 400
