"""The operations desk: pages that explain, and the few buttons that act."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.core.errors import Refused
from apps.trading.models import (
    CancelRun,
    FirmSwitch,
    Order,
    OrderRefusal,
    Portfolio,
    Restriction,
    TradingLimit,
    VenueAccount,
)
from apps.trading.selectors.tax_reports import tax_years
from apps.trading.services.routing import order_match
from apps.users.domain.roles import Role
from apps.users.services.step_up import SESSION_KEY
from tests.market.factories import put_quote
from tests.trading.factories import make_market, make_portfolio, place_order, set_limit
from tests.trading.issuers import trade
from tests.users.factories import make_user
from tests.users.world import visitor

pytestmark = pytest.mark.django_db
Officer = Callable[[Role], Client]
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def officer() -> Officer:
    """Return somebody of the role at the desk, the second factor proven just now."""

    def sign_in(role: Role) -> Client:
        browser = visitor(make_user(role, with_totp=True)).browser
        session = browser.session
        session[SESSION_KEY] = timezone.now().isoformat()
        session.save()
        return browser

    return sign_in


@pytest.fixture
def portfolio() -> Portfolio:
    make_market()
    return make_portfolio(cash="100000")


def stale(browser: Client) -> Client:
    session = browser.session
    del session[SESSION_KEY]
    session.save()
    return browser


def page(model: str, name: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:trading_{model}_{name}", args=args)


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_switch_page_halts_after_a_confirmation_with_reason(officer: Officer) -> None:
    desk = officer(Role.OPERATIONS)
    assert "Halt all trading" in text_of(desk.get(page("firmswitch")))
    assert "Halt all trading now" in text_of(desk.get(page("firmswitch"), {"to": "HALTED"}))

    form = {"command": "turn", "to": "HALTED", "seen": "ACTIVE", "reason": "Feed is wrong"}
    answer = desk.post(page("firmswitch"), form, follow=True)

    assert "Feed is wrong" in text_of(answer)
    assert FirmSwitch.objects.get().state == "HALTED"
    assert "Trading HALTED" in text_of(desk.get("/admin/"))


def test_switch_page_asks_for_a_fresh_second_factor(officer: Officer) -> None:
    desk = stale(officer(Role.OPERATIONS))

    form = {"command": "turn", "to": "HALTED", "seen": "ACTIVE", "reason": "Drill"}
    answer = desk.post(page("firmswitch"), form)

    assert answer.status_code == 403
    assert "step_up_code" in text_of(answer)
    assert FirmSwitch.objects.get().state == "ACTIVE"


@pytest.mark.parametrize(
    "form",
    [
        {"command": "nothing"},
        {"command": "turn", "to": "AWAY", "seen": "ACTIVE", "reason": "Drill"},
        {"command": "turn", "to": "HALTED", "seen": "", "reason": "Drill"},
    ],
    ids=["command", "state", "seen"],
)
def test_switch_page_sent_something_else_is_not_found(
    officer: Officer, form: dict[str, str]
) -> None:
    assert officer(Role.OPERATIONS).post(page("firmswitch"), form).status_code == 404
    assert FirmSwitch.objects.get().state == "ACTIVE"


def test_switch_page_cancels_all_only_while_the_firm_is_not_active(
    officer: Officer, portfolio: Portfolio
) -> None:
    place_order(portfolio, order_type="LIMIT", limit_price="95")
    desk = officer(Role.OPERATIONS)
    form = {"command": "cancel_all", "reason": "Drill"}
    assert "Halt the firm first" in text_of(desk.post(page("firmswitch"), form, follow=True))
    assert not CancelRun.objects.exists()
    FirmSwitch.objects.update(state="HALTED")
    assert "Cancel all resting orders" in text_of(desk.get(page("firmswitch")))

    answer = desk.post(page("firmswitch"), form, follow=True)

    assert "1 orders are being canceled" in text_of(answer)
    assert "1 of 1 left" in text_of(answer)


def test_switch_page_offers_an_auditor_nothing_to_turn(officer: Officer) -> None:
    desk = officer(Role.AUDITOR)

    assert "is not open to you" in text_of(desk.get(page("firmswitch"), {"to": "HALTED"}))
    assert desk.post(page("firmswitch"), {"command": "turn"}).status_code in {403, 404}
    assert FirmSwitch.objects.get().state == "ACTIVE"
    switch = page("firmswitch", "change", 1)
    assert desk.get(switch).headers["Location"] == page("firmswitch")


def test_order_page_tells_its_whole_life_in_a_fixed_number_of_queries(
    officer: Officer,
    portfolio: Portfolio,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    order = place_order(portfolio, quantity="50", client_order_id="mine-1")
    for _ in range(3):
        quote = put_quote("AAPL", "100", "100", volume="40")
        order_match(order_id=order.id, quote=quote)
    desk = officer(Role.OPERATIONS)

    with django_assert_max_num_queries(30):
        text = text_of(desk.get(page("order", "change", order.id)))

    for word in (
        *("mine-1", "Insufficient buying power", "Order accepted", "Order filled"),
        *("Order hold", "the client", "Ask the venue to cancel"),
    ):
        assert word in text
    assert portfolio.client.email not in text


def test_order_page_cancels_with_a_reason(officer: Officer, portfolio: Portfolio) -> None:
    order = place_order(portfolio, order_type="LIMIT", limit_price="95")
    desk, address = officer(Role.OPERATIONS), page("order", "change", order.id)
    assert desk.post(address, {"command": "edit"}).status_code == 404
    desk.post(address, {"command": "cancel", "reason": " "})
    assert Order.objects.get().status == "NEW"

    answer = desk.post(address, {"command": "cancel", "reason": "Erroneous"}, follow=True)

    assert "the client is told" in text_of(answer)
    assert Order.objects.get().status == "PENDING_CANCEL"
    assert "Ask the venue" not in text_of(officer(Role.AUDITOR).get(address))


def test_orders_are_found_by_the_clients_own_id(
    officer: Officer,
    portfolio: Portfolio,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for name in ("mine-1", "mine-2", "mine-3"):
        place_order(portfolio, client_order_id=name)
    desk = officer(Role.OPERATIONS)

    with django_assert_max_num_queries(25):
        assert "3 orders" in text_of(desk.get(page("order")))
    assert "1 result" in text_of(desk.get(page("order"), {"q": "mine-2"}))


def test_refused_order_shows_every_check_with_its_figures(
    officer: Officer, portfolio: Portfolio
) -> None:
    set_limit("ORDER_NOTIONAL", "99")
    with pytest.raises(Refused):
        place_order(portfolio, client_order_id="mine-1")
    refusal, desk = OrderRefusal.objects.get(), officer(Role.COMPLIANCE_OFFICER)

    assert "order_notional" in text_of(desk.get(page("orderrefusal"), {"q": "mine-1"}))
    text = text_of(desk.get(page("orderrefusal", "change", refusal.id)))

    assert "Order notional</th><td><strong" in text
    assert ">99</td>" in text


def test_limit_is_proposed_on_one_page_and_confirmed_by_another_officer_on_the_next(
    officer: Officer,
) -> None:
    first, second = officer(Role.OPERATIONS), officer(Role.COMPLIANCE_SUPERVISOR)
    form = {"kind": "ORDER_NOTIONAL", "scope": "FIRM", "value": "500", "owner": "RISK"}
    address = page("tradinglimit", "propose")
    assert first.get(address).status_code == 200
    assert first.post(address, form).status_code == 400

    first.post(address, {**form, "reason": "Thin market"})
    limit = TradingLimit.objects.get(status="PROPOSED")
    review = page("tradinglimit", "change", limit.id)
    assert "Another officer must confirm" in text_of(first.get(review))
    first.post(review, {"command": "confirm"})
    assert TradingLimit.objects.get(id=limit.id).status == "PROPOSED"
    assert second.post(review, {"command": "else"}).status_code == 404
    assert "Confirm as second officer" in text_of(second.get(review))

    second.post(review, {"command": "confirm"})

    assert TradingLimit.objects.get(id=limit.id).status == "CONFIRMED"
    text = text_of(second.get(page("tradinglimit"), {"in_force": "now"}))
    assert "500" in text
    assert "1000000<" not in text


@pytest.mark.parametrize(
    "form",
    [
        {"scope": "CLIENT", "subject": ""},
        {"value": ""},
        {"lifts": "on"},
        {"kind": "MAGIC"},
        {"value": "1e400"},
        {"effective_to": "2001-01-01T00:00"},
    ],
    ids=["nobody", "no-value", "both", "kind", "huge", "over"],
)
def test_limit_form_filled_in_wrongly_says_so(officer: Officer, form: dict[str, str]) -> None:
    good = {"kind": "ORDER_NOTIONAL", "scope": "FIRM", "value": "5", "owner": "RISK"}
    desk = officer(Role.OPERATIONS)

    answer = desk.post(page("tradinglimit", "propose"), {**good, "reason": "Why not", **form})

    assert answer.status_code == 400
    assert "errorlist" in text_of(answer)
    assert not TradingLimit.objects.filter(status="PROPOSED").exists()


def test_restriction_is_added_and_lifted_by_compliance(
    officer: Officer, portfolio: Portfolio
) -> None:
    desk, address = officer(Role.COMPLIANCE_OFFICER), page("restriction", "restrict")
    assert desk.get(address).status_code == 200
    assert desk.post(address, {"symbol": "NOPE", "reason": "Bid"}).status_code == 400
    form = {"symbol": "aapl", "client_id": str(portfolio.client_id), "reason": "Insider"}

    assert desk.post(address, form).headers["Location"] == page("restriction")

    detail = page("restriction", "change", Restriction.objects.get().id)
    assert "Insider" in text_of(desk.get(detail))
    assert "Insider" not in text_of(desk.get(page("restriction")))
    desk.post(detail, {"command": "lift"})
    assert Restriction.objects.get().lifted_at is not None


def test_pages_of_rows_that_are_not_there_are_not_found(officer: Officer) -> None:
    desk = officer(Role.OPERATIONS)

    for model in ("order", "orderrefusal", "tradinglimit"):
        for name in ("nothing", "2d0e1d3c-2a1c-4a4e-8f54-0d1c7f0f9a11"):
            assert desk.get(page(model, "change", name)).status_code == 404
    assert officer(Role.AUDITOR).get(page("restriction", "change", "no")).status_code == 404


def test_venue_page_tells_operations_that_its_stream_fell_silent(officer: Officer) -> None:
    now = timezone.now()
    VenueAccount.objects.create(
        venue="ALPACA",
        account_id="a1",
        environment="PAPER",
        bound_at=now,
        fills_read_to=now,
        heard_at=now - timedelta(seconds=301),
    )

    page = officer(Role.OPERATIONS).get(reverse("admin:trading_venueaccount_changelist"))

    assert page.status_code == 200
    assert '<td class="field-listening">down' in page.content.decode()


def test_tax_report_of_a_client_is_read_by_operations_and_auditors_only(officer: Officer) -> None:
    portfolio = make_portfolio()
    trade(portfolio, "BUY", "10", "100", on="2020-01-02")
    trade(portfolio, "SELL", "4", "40", on="2021-02-01")
    report = reverse("admin:trading_taxreport", args=[portfolio.client_id, 2021])
    desk = officer(Role.OPERATIONS)

    assert report.replace("2021", str(tax_years()[0])) in text_of(
        desk.get(page("portfolio", "change", portfolio.id))
    )
    shown = text_of(desk.get(report))
    assert ">4 AAPL<" in shown
    assert ">-240.28<" in shown
    (line,) = csv.DictReader(io.StringIO(desk.get(f"{report}file/").content.decode()))
    assert (line["description"], line["gain_or_loss"]) == ("4 AAPL", "-240.28")
    assert "Nothing was sold in 2020" in text_of(desk.get(report.replace("2021", "2020")))
    assert officer(Role.AUDITOR).get(report).status_code == 200
    for wrong in (report.replace("2021", "1066"), report.replace(str(portfolio.client_id), NOBODY)):
        assert desk.get(wrong).status_code == 404
    for role in (Role.ADMINISTRATOR, Role.COMPLIANCE_OFFICER):
        denied = officer(role)
        assert denied.get(report).status_code == 403
        assert denied.get(f"{report}file/").status_code == 403
        assert report[:60] not in text_of(denied.get(page("portfolio", "change", portfolio.id)))
