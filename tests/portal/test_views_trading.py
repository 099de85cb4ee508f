"""Dashboard, transfers, ticket and orders, as the client's browser sees them."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get
from apps.trading.models import CashTransfer, Order, Portfolio
from apps.trading.services.routing import order_route
from apps.users.models import User
from tests.compliance.factories import make_kyc
from tests.market.factories import make_instrument, put_quote
from tests.trading.factories import hold_units, make_market, make_portfolio, place_order
from tests.users.factories import make_user, totp_device
from tests.users.helpers import age_second_factor, code_of, prove_second_factor

pytestmark = pytest.mark.django_db(databases=["default", "timescale"])
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
BAD_NUMBERS = ["NaN", "Infinity", "-5", "0", "9" * 5000, "1e5", "\uff11\uff12", "1_000", "\x00"]
TICKET = {
    "side": "BUY",
    "order_type": "MARKET",
    "sized_by": "quantity",
    "quantity": "2",
    "time_in_force": "DAY",
}


@pytest.fixture
def portfolio(user: User) -> Portfolio:
    make_kyc(user)
    make_market()
    return make_portfolio(user, cash="10000")


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, page
    return found[1]


def cash(portfolio: Portfolio) -> Decimal:
    return balance_get(portfolio.id, AccountKind.CASH, "USD")


def reviewed(pages: Client, **changes: str) -> str:
    answer = pages.post("/trade/AAPL/", {**TICKET, **changes})
    assert answer.status_code == 200, answer.content.decode()
    return hidden(answer.content.decode(), "order")


# --- Dashboard --------------------------------------------------------------------------------


def test_dashboard_of_a_new_client_says_what_to_do_first(pages: Client) -> None:
    page = pages.get("/").content.decode()
    assert "Your way to the first order" in page
    assert "/verification/" in page


def test_dashboard_shows_value_profit_and_positions(pages: Client, portfolio: Portfolio) -> None:
    hold_units(portfolio, "10")
    put_quote("AAPL", "110", "110", last="110")
    page = pages.get("/").content.decode()
    assert "AAPL" in page
    assert "$1,100.00" in page
    assert "▲" in page
    assert "shade-1" in page


def test_dashboard_asks_the_same_number_of_queries_for_any_number_of_positions(
    pages: Client, portfolio: Portfolio, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for symbol in ("AAPL", "MSFT", "KO", "JNJ"):
        hold_units(portfolio, "1", symbol=symbol)
    with django_assert_max_num_queries(25):
        assert pages.get("/").status_code == 200


def test_pages_are_for_the_signed_in_only(client: Client, portfolio: Portfolio) -> None:
    for address in ("/", "/trade/", "/trade/AAPL/", "/orders/", "/activity/", "/settings/"):
        answer = client.get(address)
        assert answer.status_code == 302, address
        assert answer["Location"].startswith("/accounts/login/")


def test_pages_want_the_second_factor_of_a_user_who_has_one(client: Client) -> None:
    client.force_login(make_user(with_totp=True), backend=BACKEND)
    assert client.get("/").status_code == 302


def test_portfolio_is_opened_chosen_and_refused_for_others(pages: Client, user: User) -> None:
    assert pages.post("/portfolios/", {"name": "Growth"}).status_code == 302
    mine = Portfolio.objects.get(client=user)
    assert pages.post("/portfolios/", {"name": "Growth"}).status_code == 409
    assert pages.post("/portfolios/", {"name": "\x00"}).status_code == 400
    second = make_portfolio(user)
    chosen = {"portfolio": str(second.id), "next": "/orders/"}
    assert pages.post("/portfolios/select/", chosen)["Location"] == "/orders/"
    assert second.name in pages.get("/").content.decode()
    others = {"portfolio": str(make_portfolio().id)}
    assert pages.post("/portfolios/select/", others).status_code == 404
    assert pages.post("/portfolios/select/", {"portfolio": "x"}).status_code == 400
    assert mine.name in pages.get("/settings/").content.decode()


# --- Money ------------------------------------------------------------------------------------


def test_deposit_sent_twice_is_one_transfer(pages: Client, portfolio: Portfolio) -> None:
    key = hidden(pages.get("/money/deposit/").content.decode(), "key")
    for _ in range(2):
        answer = pages.post("/money/deposit/", {"amount": "1,250.50", "key": key})
        assert answer.status_code == 302
    assert CashTransfer.objects.count() == 1
    assert cash(portfolio) == Decimal("11250.50")


@pytest.mark.parametrize("amount", [*BAD_NUMBERS, "1.001", ""])
def test_deposit_of_a_bad_amount_is_refused(
    pages: Client, portfolio: Portfolio, amount: str
) -> None:
    key = hidden(pages.get("/money/deposit/").content.decode(), "key")
    answer = pages.post("/money/deposit/", {"amount": amount, "key": key})
    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert not CashTransfer.objects.exists()


@pytest.mark.parametrize("body", [b"amount=%ED%A0%80", b"amount=%00", b"amount=\xff\xfe"])
def test_deposit_of_unreadable_bytes_is_refused(
    pages: Client, portfolio: Portfolio, body: bytes
) -> None:
    answer = pages.post("/money/deposit/", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400
    assert not CashTransfer.objects.exists()


@pytest.mark.parametrize("key", ["", "x", "x" * 3000, "\x00"])
def test_deposit_with_a_forged_key_is_refused(
    pages: Client, portfolio: Portfolio, key: str
) -> None:
    answer = pages.post("/money/deposit/", {"amount": "10", "key": key})
    assert answer.status_code in {400, 409}
    assert not CashTransfer.objects.exists()


def test_deposit_with_anothers_key_is_refused(pages: Client, portfolio: Portfolio) -> None:
    theirs = [str(make_user().pk), [str(portfolio.id), "k"]]
    key = signing.dumps(theirs, salt="portal.transfer", compress=True)
    assert pages.post("/money/deposit/", {"amount": "10", "key": key}).status_code == 409
    assert not CashTransfer.objects.exists()


def test_withdrawal_beyond_the_cash_is_refused_with_the_value(
    pages: Client, portfolio: Portfolio
) -> None:
    prove_second_factor(pages, portfolio.client)
    key = hidden(pages.get("/money/withdraw/").content.decode(), "key")
    answer = pages.post("/money/withdraw/", {"amount": "10000.01", "key": key})
    assert answer.status_code == 422
    assert 'value="10000.01"' in answer.content.decode()
    assert cash(portfolio) == 10_000


def test_withdrawal_leaves_the_portfolio(pages: Client, portfolio: Portfolio) -> None:
    prove_second_factor(pages, portfolio.client)
    key = hidden(pages.get("/money/withdraw/").content.decode(), "key")
    assert pages.post("/money/withdraw/", {"amount": "400", "key": key}).status_code == 302
    assert cash(portfolio) == 9_600


def test_withdrawal_without_a_second_factor_leads_to_enrolment(
    pages: Client, portfolio: Portfolio
) -> None:
    key = hidden(pages.get("/money/withdraw/").content.decode(), "key")
    answer = pages.post("/money/withdraw/", {"amount": "400", "key": key})
    assert answer["Location"] == reverse("security")
    assert cash(portfolio) == 10_000


def test_asvs_v7_5_3_withdrawal_waits_for_a_fresh_code_and_then_happens_once(
    pages: Client, portfolio: Portfolio
) -> None:
    user = portfolio.client
    prove_second_factor(pages, user)
    age_second_factor(pages)
    key = hidden(pages.get("/money/withdraw/").content.decode(), "key")
    form = {"amount": "400", "key": key}
    assert pages.post("/money/withdraw/", form).status_code == 403
    assert cash(portfolio) == 10_000

    confirmation = {
        **form,
        "step_up_code": code_of(totp_device(user)),
        "step_up_next": "/money/withdraw/",
        "step_up_resumes": "True",
    }
    done = pages.post(reverse("step_up_confirm"), confirmation, follow=True)

    assert [status for _, status in done.redirect_chain] == [307, 302]
    assert cash(portfolio) == 9_600
    assert pages.post("/money/withdraw/", form).status_code == 302
    assert cash(portfolio) == 9_600


def test_deposit_without_a_portfolio_says_so(pages: Client) -> None:
    answer = pages.get("/money/deposit/")
    assert answer.status_code == 409
    assert "Open a portfolio first" in answer.content.decode()


# --- Ticket -----------------------------------------------------------------------------------


def test_search_finds_by_symbol_and_name(pages: Client, portfolio: Portfolio) -> None:
    assert "AAPL" in pages.get("/trade/").content.decode()
    fragment = pages.get("/trade/", {"q": "aap"}, headers={"HX-Request": "true"})
    assert "AAPL" in fragment.content.decode()
    assert "<html" not in fragment.content.decode()
    assert "Nothing found" in pages.get("/trade/", {"q": "zzz"}).content.decode()
    assert pages.get("/trade/", {"q": "\x00"}).status_code == 200


def test_ticket_shows_the_quote_and_its_age(pages: Client, portfolio: Portfolio) -> None:
    page = pages.get("/trade/AAPL/", {"side": "SELL"}).content.decode()
    assert "Order ticket" in page
    assert 'data-stale-after-ms="60000"' in page
    assert re.search(r'value="SELL"[^>]*checked', page)


def test_pages_of_an_instrument_without_a_quote_say_so(pages: Client, portfolio: Portfolio) -> None:
    make_instrument("MSFT")
    page = pages.get("/trade/MSFT/").content.decode()
    assert "There is no quote yet." in page
    assert "MSFT" in pages.get("/").content.decode()
    assert "MSFT" in pages.get("/trade/").content.decode()
    answer = pages.post("/trade/MSFT/", TICKET)
    assert answer.status_code == 200
    assert "There is no fresh quote" in answer.content.decode()


@pytest.mark.parametrize("symbol", ["ZZZZ", "aapl", "A%00", "%F0%9F%92%A9", "A" * 30])
def test_ticket_of_no_instrument_is_not_found(
    pages: Client, portfolio: Portfolio, symbol: str
) -> None:
    assert pages.get(f"/trade/{symbol}/").status_code == 404


def test_preview_shows_cost_and_every_check(pages: Client, portfolio: Portfolio) -> None:
    page = pages.post("/trade/AAPL/preview/", TICKET).content.decode()
    assert "$200.00" in page
    assert "Your identity check is approved" in page
    assert "all passed" in page
    assert not Order.objects.exists()


def test_preview_of_an_unfinished_ticket_waits(pages: Client, portfolio: Portfolio) -> None:
    answer = pages.post("/trade/AAPL/preview/", {**TICKET, "quantity": ""})
    assert "appear here once" in answer.content.decode()


def test_order_is_placed_once_however_often_it_is_confirmed(
    pages: Client, portfolio: Portfolio
) -> None:
    token = reviewed(pages)
    assert not Order.objects.exists()
    answers = [pages.post("/trade/AAPL/confirm/", {"order": token}) for _ in range(2)]
    order = Order.objects.get()
    assert [answer["Location"] for answer in answers] == [f"/orders/{order.id}/"] * 2
    assert (order.quantity, order.side) == (2, "BUY")


def test_order_by_amount_becomes_units(pages: Client, portfolio: Portfolio) -> None:
    token = reviewed(pages, sized_by="notional", notional="550", quantity="")
    pages.post("/trade/AAPL/confirm/", {"order": token})
    assert Order.objects.get().quantity == 5


@pytest.mark.parametrize("field", ["quantity", "notional", "limit_price", "stop_price"])
@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_ticket_with_a_bad_number_is_refused(
    pages: Client, portfolio: Portfolio, field: str, number: str
) -> None:
    values = {**TICKET, "order_type": "STOP_LIMIT", "limit_price": "100", "stop_price": "100"}
    answer = pages.post("/trade/AAPL/", {**values, field: number})
    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [{"side": "HOLD"}, {"order_type": "LIMIT"}, {"time_in_force": "\x00"}, {"quantity": ""}],
)
def test_ticket_with_a_bad_choice_is_refused(
    pages: Client, portfolio: Portfolio, changes: dict[str, str]
) -> None:
    answer = pages.post("/trade/AAPL/", {**TICKET, **changes})
    assert answer.status_code == 400
    assert not Order.objects.exists()


@pytest.mark.parametrize("token", ["", "x", "9" * 5000, "\x00"])
def test_confirm_with_a_forged_token_is_refused(
    pages: Client, portfolio: Portfolio, token: str
) -> None:
    answer = pages.post("/trade/AAPL/confirm/", {"order": token})
    assert answer.status_code == 409
    assert "expired" in answer.content.decode()
    assert not Order.objects.exists()


def test_confirm_beyond_the_buying_power_keeps_the_values(
    pages: Client, portfolio: Portfolio
) -> None:
    answer = pages.post("/trade/AAPL/", {**TICKET, "quantity": "1000"})
    page = answer.content.decode()
    assert "this order would be refused" in page
    answer = pages.post("/trade/AAPL/confirm/", {"order": hidden(page, "order")})
    assert answer.status_code == 422
    assert 'value="1000"' in answer.content.decode()
    assert not Order.objects.exists()


def test_review_on_a_stale_quote_cannot_be_confirmed(pages: Client, portfolio: Portfolio) -> None:
    put_quote("AAPL", "100", "100", at=timezone.now() - timedelta(minutes=5))
    page = pages.post("/trade/AAPL/", TICKET).content.decode()
    assert re.search(r"<button[^>]*disabled data-blocked", page)
    token = hidden(page, "order")
    assert pages.post("/trade/AAPL/confirm/", {"order": token}).status_code == 422
    assert not Order.objects.exists()


# --- Orders -----------------------------------------------------------------------------------


def test_orders_show_open_filled_lots_and_fills(pages: Client, portfolio: Portfolio) -> None:
    hold_units(portfolio, "3")
    waiting = place_order(portfolio, order_type="LIMIT", limit_price="95")
    page = pages.get("/orders/").content.decode()
    assert f"/orders/{waiting.id}/cancel/" in page
    assert "Lot acquired" in page
    assert "Filled" in page
    assert pages.get("/orders/", {"page": "9" * 5000}).status_code == 200


def test_order_page_shows_terms_fills_and_trail(pages: Client, portfolio: Portfolio) -> None:
    order = order_route(order_id=place_order(portfolio).id)
    page = pages.get(f"/orders/{order.id}/").content.decode()
    assert "An order was accepted" in page
    assert "Cancel order" not in page


def test_cancel_asks_the_venue_and_twice_is_once(pages: Client, portfolio: Portfolio) -> None:
    order = place_order(portfolio, order_type="LIMIT", limit_price="95")
    for _ in range(2):
        assert pages.post(f"/orders/{order.id}/cancel/").status_code == 302
    order.refresh_from_db()
    assert order.status == "PENDING_CANCEL"


def test_cancel_of_a_filled_order_is_refused(pages: Client, portfolio: Portfolio) -> None:
    order = order_route(order_id=place_order(portfolio).id)
    assert pages.post(f"/orders/{order.id}/cancel/").status_code == 409
    order.refresh_from_db()
    assert order.status == "FILLED"


def test_anothers_order_is_not_found(pages: Client, portfolio: Portfolio) -> None:
    other = make_user()
    make_kyc(other)
    order = place_order(make_portfolio(other, cash="1000"), order_type="LIMIT", limit_price="95")
    assert pages.get(f"/orders/{order.id}/").status_code == 404
    assert pages.post(f"/orders/{order.id}/cancel/").status_code == 404
    order.refresh_from_db()
    assert order.status != "PENDING_CANCEL"
    assert pages.get("/orders/not-an-id/").status_code == 404


def test_activity_shows_only_the_clients_own_entries(pages: Client, portfolio: Portfolio) -> None:
    place_order(portfolio, order_type="LIMIT", limit_price="95")
    page = pages.get("/activity/").content.decode()
    assert "Held for orders" in page
    assert "An order was accepted: Buy 1 AAPL" in page
    assert "Client money" not in page


def test_every_page_forbids_inline_code(pages: Client, portfolio: Portfolio) -> None:
    hold_units(portfolio, "3")
    for address in ("/", "/trade/", "/trade/AAPL/", "/orders/", "/activity/", "/settings/"):
        answer = pages.get(address)
        page = answer.content.decode()
        assert "style-src 'self'" in answer["Content-Security-Policy"]
        assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:", page), address
        assert not re.search(r"<style|<script(?![^>]*(src=|application/json))", page), address


# --- Changing orders --------------------------------------------------------------------------


def resting(portfolio: Portfolio) -> Order:
    return place_order(portfolio, order_type="LIMIT", limit_price="90", quantity="10")


def test_order_is_changed_once_however_often_the_form_is_sent(
    pages: Client, portfolio: Portfolio
) -> None:
    order = resting(portfolio)
    path = f"/orders/{order.id}/change/"
    page = pages.get(path).content.decode()
    form = {"quantity": "12", "limit_price": "91", "key": hidden(page, "key")}

    first, again = pages.post(path, form), pages.post(path, form)

    assert (first.status_code, again.status_code) == (302, 302)
    assert order.replacements.count() == 1
    order.refresh_from_db()
    assert order.status == "PENDING_REPLACE"
    assert 'name="quantity"' in page
    assert 'name="stop_price"' not in page


def test_order_that_moved_on_is_not_changed_unseen(pages: Client, portfolio: Portfolio) -> None:
    order = resting(portfolio)
    path = f"/orders/{order.id}/change/"
    key = hidden(pages.get(path).content.decode(), "key")
    pages.post(f"/orders/{order.id}/cancel/")

    answer = pages.post(path, {"quantity": "12", "limit_price": "91", "key": key})

    assert answer.status_code == 412
    assert "has changed since" in answer.content.decode()
    assert not order.replacements.exists()


@pytest.mark.parametrize("value", BAD_NUMBERS)
def test_order_is_not_changed_to_what_is_no_number(
    pages: Client, portfolio: Portfolio, value: str
) -> None:
    order = resting(portfolio)
    path = f"/orders/{order.id}/change/"
    key = hidden(pages.get(path).content.decode(), "key")

    answer = pages.post(path, {"quantity": value, "limit_price": "91", "key": key})

    assert answer.status_code == 400
    assert not order.replacements.exists()


def test_anothers_order_has_no_page_to_change_it(pages: Client, portfolio: Portfolio) -> None:
    stranger = make_user()
    make_kyc(stranger)
    order = resting(make_portfolio(stranger, cash="10000"))

    assert pages.get(f"/orders/{order.id}/change/").status_code == 404
    assert pages.post(f"/orders/{order.id}/change/", {"quantity": "1"}).status_code == 404


def test_all_open_orders_of_the_portfolio_are_canceled_by_one_button(
    pages: Client, portfolio: Portfolio
) -> None:
    orders = [resting(portfolio), resting(portfolio)]
    assert "Cancel all" in pages.get("/orders/").content.decode()

    answer = pages.post("/orders/cancel-all/")

    assert answer.status_code == 302
    for order in orders:
        order.refresh_from_db()
        assert order.status == "PENDING_CANCEL"


def test_trailing_stop_is_placed_through_the_review(pages: Client, portfolio: Portfolio) -> None:
    hold_units(portfolio, "5")
    token = reviewed(
        pages, side="SELL", order_type="TRAILING_STOP", trail_percent="4", time_in_force="GTC"
    )

    pages.post("/trade/AAPL/confirm/", {"order": token})

    order = Order.objects.get(order_type="TRAILING_STOP")
    assert (order.trail_percent, order.stop_price) == (4, 96)
