"""Statements over HTTP: the summary, the files, and nobody else's."""

from typing import Any

import pytest
from django.utils import timezone

from apps.trading.models import Portfolio
from tests.trading.factories import make_portfolio
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def portfolio() -> Portfolio:
    return make_portfolio(cash="100.5")


def get(portfolio: Portfolio, path: str = "", user: Any = None, **query: str) -> Any:
    today = timezone.now().date().isoformat()
    asked = {"asset": "USD", "start": today, "end": today, **query}
    return api_client(user or portfolio.client).get(
        f"/api/v1/portfolios/{portfolio.id}/statements{path}", asked
    )


def test_statement_says_opening_and_closing(portfolio: Portfolio) -> None:
    answer = get(portfolio)

    assert answer.status_code == 200
    said = answer.json()
    assert (said["opening_balance"], said["closing_balance"], said["postings"]) == ("0", "100.5", 1)


@pytest.mark.parametrize(
    ("form", "media_type", "start"),
    [("csv", "text/csv", b'"Posted'), ("pdf", "application/pdf", b"%PDF")],
)
def test_statement_comes_as_a_file(
    portfolio: Portfolio, form: str, media_type: str, start: bytes
) -> None:
    answer = get(portfolio, f"/{form}")

    assert answer.status_code == 200
    assert answer["Content-Type"] == media_type
    assert answer["Content-Disposition"].endswith(f'.{form}"')
    assert answer.content.startswith(start)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"start": "2026-02-30"}, 400),
        ({"end": "2000-01-01"}, 422),
        ({"account": "FEES"}, 400),
        ({"asset": "EUR"}, 404),
        ({"unknown": "1"}, 400),
    ],
    ids=["no-day", "backwards", "firms-account", "no-account", "unknown-parameter"],
)
def test_statement_of_what_is_not_there_is_refused(
    portfolio: Portfolio, query: dict[str, str], status: int
) -> None:
    assert get(portfolio, **query).status_code == status


def test_statement_of_another_client_is_not_found(portfolio: Portfolio) -> None:
    assert get(portfolio, user=make_user()).status_code == 404
    assert get(portfolio, "/csv", user=make_user()).status_code == 404


def test_statement_in_another_form_is_not_found(portfolio: Portfolio) -> None:
    assert get(portfolio, "/xml").status_code == 404
