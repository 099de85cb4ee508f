"""The client's portfolios: one total, opening, naming, closing, and the switch on every page."""

import pytest
from django.test import Client

from apps.market.models import ReferenceRate
from apps.trading.models import Portfolio
from apps.trading.services.portfolios import portfolio_open
from apps.users.models import User
from tests.compliance.factories import make_kyc
from tests.market.factories import put_rates
from tests.trading.factories import fund, hold_units, make_portfolio

pytestmark = pytest.mark.django_db(databases=["default", "timescale"])


def test_portfolios_page_adds_all_up(pages: Client, user: User) -> None:
    make_kyc(user)
    make_portfolio(user, cash="1000")
    hold_units(make_portfolio(user, cash="500"), "10")
    make_portfolio(cash="9000")

    page = pages.get("/portfolios/").content.decode()

    assert "$2,599.50" in page  # 1,000 + 500 + 1,000 in units + the 99.50 that hold_units leaves
    assert page.count('href="/portfolios/') == 2 + 2  # two rows, the navigation and the bar


def test_total_counts_other_currencies_at_the_reference_rate(pages: Client, user: User) -> None:
    put_rates({"USD": "1.25"})
    make_portfolio(user, cash="1000")
    euros = portfolio_open(actor=user, client=user, name="Euros", currency="EUR")
    fund(euros, "100", "EUR")

    assert "$1,125.00" in pages.get("/portfolios/").content.decode()

    ReferenceRate.objects.all().delete()
    page = pages.get("/portfolios/").content.decode()
    assert "$1,000.00 <small>without what has no price or rate" in page


@pytest.mark.parametrize("path", ["/", "/trade/", "/orders/", "/activity/", "/money/deposit/"])
def test_switch_is_on_every_page_and_leads_back(pages: Client, user: User, path: str) -> None:
    make_portfolio(user)
    make_portfolio(user)

    page = pages.get(path).content.decode()

    assert 'id="portfolio-choice"' in page
    assert f'name="next" value="{path}"' in page


def test_switch_leads_to_no_other_site(pages: Client, user: User) -> None:
    portfolio = make_portfolio(user)

    answer = pages.post(
        "/portfolios/select/", {"portfolio": str(portfolio.id), "next": "//evil.example/"}
    )

    assert answer["Location"] == "/"


def test_portfolio_is_opened_renamed_and_closed(pages: Client, user: User) -> None:
    terms = {"name": "Pension", "currency": "EUR", "lot_method": "LIFO"}
    assert pages.post("/portfolios/", terms).status_code == 302
    opened = Portfolio.objects.get(client=user)
    assert (opened.currency, opened.lot_method) == ("EUR", "LIFO")

    assert pages.post(f"/portfolios/{opened.id}/", {"name": "Old age"}).status_code == 302
    assert pages.post(f"/portfolios/{opened.id}/close/").status_code == 302

    opened.refresh_from_db()
    assert opened.name == "Old age"
    assert opened.is_closed
    assert "closed" in pages.get(f"/portfolios/{opened.id}/").content.decode()


def test_close_of_a_portfolio_with_cash_says_what_is_left(pages: Client, user: User) -> None:
    portfolio = make_portfolio(user, cash="7.50")

    answer = pages.post(f"/portfolios/{portfolio.id}/close/")

    assert answer.status_code == 422
    assert "7.5 USD" in answer.content.decode()
    portfolio.refresh_from_db()
    assert not portfolio.is_closed


@pytest.mark.parametrize("way", ["get", "post"])
def test_portfolio_page_of_another_client_is_not_found(pages: Client, way: str) -> None:
    other = make_portfolio()

    assert getattr(pages, way)(f"/portfolios/{other.id}/", {"name": "Mine"}).status_code == 404
    assert pages.post(f"/portfolios/{other.id}/close/").status_code == 404
    other.refresh_from_db()
    assert not other.is_closed
