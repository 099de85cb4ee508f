"""Conversions over HTTP: preview, make once, list."""

from typing import Any
from uuid import uuid4

import pytest
from pytest_django import Settings

from apps.trading.models import Conversion, Portfolio
from tests.market.factories import put_rates
from tests.trading.factories import make_portfolio
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def portfolio(settings: Settings) -> Portfolio:
    settings.CASH_CHECKS = []
    put_rates({"USD": "1.25"})
    return make_portfolio(cash="1000")


def post(portfolio: Portfolio, path: str, body: Any, key: str = "", user: Any = None) -> Any:
    return api_client(user or portfolio.client).post(
        f"/api/v1/portfolios/{portfolio.id}/conversions{path}",
        body,
        format="json",
        headers={"Idempotency-Key": key or uuid4().hex},
    )


ASKED = {"amount": "100", "from_currency": "USD", "to_currency": "EUR"}


def test_conversion_posted_twice_with_its_quote_is_made_once(portfolio: Portfolio) -> None:
    quoted = post(portfolio, "/preview", ASKED)
    assert quoted.status_code == 200
    assert (quoted.json()["reference_rate"], quoted.json()["bought_amount"]) == ("0.8", "79.84")

    body = {"quote": quoted.json()["quote"]}
    first, again = (post(portfolio, "", body, key="k-1") for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert Conversion.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"to_currency": "USD"}, 422),
        ({"amount": "0.001"}, 422),
        ({"amount": "9" * 30}, 400),
        ({"to_currency": "KWD"}, 422),
    ],
    ids=["same-currency", "fraction", "huge", "no-rate"],
)
def test_preview_of_what_cannot_be_converted_is_refused(
    portfolio: Portfolio, changed: dict[str, str], status: int
) -> None:
    assert post(portfolio, "/preview", {**ASKED, **changed}).status_code == status


def test_conversion_of_another_client_is_not_found(portfolio: Portfolio) -> None:
    assert post(portfolio, "/preview", ASKED, user=make_user()).status_code == 404
