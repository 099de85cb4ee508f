"""The position page and the tax report, as the client's browser sees them."""

import re

import pytest
from django.test import Client

from apps.trading.models import Portfolio
from apps.users.models import User
from tests.compliance.factories import make_kyc
from tests.trading.factories import make_portfolio
from tests.trading.issuers import applied, split, trade

pytestmark = pytest.mark.django_db(databases=["default", "timescale"])


@pytest.fixture
def portfolio(user: User) -> Portfolio:
    make_kyc(user)
    portfolio = make_portfolio(user)
    trade(portfolio, "BUY", "10", "100", on="2020-01-02")
    applied(split("2020-08-31"))
    trade(portfolio, "SELL", "12", "40", on="2021-02-01")
    trade(portfolio, "BUY", "5", "42", on="2021-02-10")
    return portfolio


def test_position_page_shows_lots_terms_and_the_wash_sale(
    portfolio: Portfolio, pages: Client
) -> None:
    page = pages.get("/positions/AAPL/").content.decode()

    assert "From the currency" in page
    assert "Corporate action" in page
    assert "2 for 1" in page
    assert re.search(r"W: \S*50\.22\S* put off", page)


def test_position_page_of_what_was_never_held_is_not_found(
    portfolio: Portfolio, pages: Client
) -> None:
    assert pages.get("/positions/MSFT/").status_code == 404


def test_tax_page_shows_totals_and_its_file_the_rows(portfolio: Portfolio, pages: Client) -> None:
    page = pages.get("/taxes/2021/").content.decode()
    file = pages.get("/taxes/2021/file/")

    assert "Long term" in page
    assert "5 AAPL" in page
    assert file.content.decode().count('"W"') == 1
    assert "Nothing was sold in 2022" in pages.get("/taxes/2022/").content.decode()
    assert pages.get("/taxes/1066/").status_code == 404
    assert pages.get("/taxes/").status_code == 302
