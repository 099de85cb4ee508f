"""Every page of desk and portal, in light and dark: no axe violation, nothing on the console."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.api import Api
from tests.e2e.client import wait_for
from tests.e2e.demo import Demo, Person
from tests.e2e.test_walk import sign_in

AXE = (Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js").read_text()
RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}"
CONTRAST = "{runOnly: ['color-contrast']}"
# Colours move for a moment when the scheme changes.
SETTLED = """() => new Promise(requestAnimationFrame)
  .then(() => Promise.all(document.getAnimations().map(moving => moving.finished)))
  .then(() => null)"""
WIDTHS = (1280, 800)
LISTS = "#result_list tbody th a"
DESK = (
    *("/admin/", "/admin/compliance/alert/", "/admin/compliance/kycrecord/"),
    *("/admin/compliance/workitem/", "/admin/compliance/workitem/?waits=second&sla=late"),
    *("/admin/compliance/alert/?status__exact=CLOSED", "/admin/compliance/scenario/"),
    *("/admin/compliance/watchlistimport/", "/admin/compliance/ownlistchange/entries/"),
    *("/admin/compliance/watchlistversion/", "/admin/trading/order/", "/admin/ledger/entry/"),
    "/admin/compliance/paymentscreening/",
)
REVIEWS = ("/admin/compliance/alert/", "/admin/compliance/kycrecord/")
OPERATIONS = (
    *("/admin/", "/admin/trading/tradinglimit/", "/admin/trading/tradinglimit/propose/"),
    *("/admin/trading/chargerate/", "/admin/trading/chargerate/propose/"),
)
# A company with a minister for its owner, who waits for its decision; a payment; a proposal.
SCENE = """
from django.urls import reverse
from django.utils import timezone
from apps.compliance.models import PaymentScreening, WatchlistImport
from apps.compliance.services.kyc import kyc_submit
from apps.trading.models import CashTransfer, TradingLimit
from tests.compliance.factories import fill_entity
from tests.users.factories import make_user
company = make_user()
record = fill_entity(company, pep="SELF", pep_function="Minister")
kyc_submit(actor=company)
deposit = CashTransfer.objects.filter(kind="DEPOSIT").first()
client = deposit.portfolio.client
payment = PaymentScreening.objects.create(
    transfer_id=deposit.pk, client=client, party={}, list_versions={}, matcher_version="1",
    status="CLEAR",
)
refused = WatchlistImport.objects.create(
    list_code="UN", status="REFUSED", code="watchlist_shrunk", checksum="0" * 64,
    ended_at=timezone.now(),
)
for row in (record, payment, refused, TradingLimit.objects.first()):
    print(reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk]))
print(reverse("admin:trading_taxreport", args=[client.pk, timezone.now().year]))
"""
PORTAL = (
    *("/", "/orders/", "/trade/", "/trade/AAPL/", "/money/deposit/", "/verification/"),
    *("/verification/personal/", "/verification/tax-certificate/"),
    *("/activity/", "/notifications/", "/settings/", "/settings/api-keys/"),
    *("/settings/security/", "/settings/email/", "/taxes/"),
    *("/portfolios/", "/portfolios/target/", "/portfolios/plans/", "/money/transfer/"),
    "/portfolios/import/",
)


def violations(page: Page, rules: str = RULES) -> list[str]:
    """Run axe on the page as it is; one line a violation and element."""
    found: dict[str, Any] = page.evaluate(f"axe.run({rules})")
    return [
        f"{page.url} {rule['id']} {node['target']}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def listened(context: BrowserContext, complaints: list[str]) -> Page:
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(f"{page.url} {error}"))
    page.on(
        "console",
        lambda message: (
            complaints.append(f"{page.url} {message.text}")
            if message.type in {"error", "warning"}
            else None
        ),
    )
    return page


def check(browser: Browser, demo: Demo, state: dict[str, Any], paths: tuple[str, ...]) -> list[str]:
    """Open each page once: all rules at both widths, what a scheme alone can break in the dark."""
    complaints: list[str] = []
    context = browser.new_context(
        base_url=demo.base_url,
        storage_state=state,  # type: ignore[arg-type]
        color_scheme="light",
    )
    page = listened(context, complaints)
    for path in paths:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        page.evaluate(AXE)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            complaints += violations(page)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                complaints.append(f"{path} is wider than {width}")
        page.emulate_media(color_scheme="dark")
        page.evaluate(SETTLED)
        complaints += violations(page, CONTRAST)
        page.emulate_media(color_scheme="light")
    context.close()
    return complaints


def session_of(browser: Browser, demo: Demo, person: Person) -> dict[str, Any]:
    context = browser.new_context(base_url=demo.base_url)
    sign_in(context.new_page(), person)
    state = dict(context.storage_state())
    context.close()
    return state


@pytest.fixture(scope="module")
def officer_state(browser: Browser, demo: Demo) -> dict[str, Any]:
    officer = next(person for person in demo.people if person.role == "COMPLIANCE_OFFICER")
    return session_of(browser, demo, officer)


@pytest.fixture(scope="module")
def client_state(browser: Browser, demo: Demo) -> dict[str, Any]:
    return session_of(browser, demo, demo.people[0])


@pytest.fixture
def desk(browser: Browser, demo: Demo, officer_state: dict[str, Any]) -> Iterator[Page]:
    context = browser.new_context(
        base_url=demo.base_url,
        storage_state=officer_state,  # type: ignore[arg-type]
    )
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def alert_raised(browser: Browser, demo: Demo, officer_state: dict[str, Any]) -> None:
    """Make sure that the desk has an alert to show: deposits just below the threshold."""
    api = Api(demo.base_url)
    api.sign_in(demo.people[0])
    portfolio_id = api.call("GET", "/portfolios").body[0]["id"]
    for _ in range(3):
        body = {"amount": "9000", "currency": "USD"}
        answer = api.write(
            f"/portfolios/{portfolio_id}/deposits", body, key=f"axe-{uuid.uuid4().hex}"
        )
        assert answer.status == 201, answer
    context = browser.new_context(
        base_url=demo.base_url,
        storage_state=officer_state,  # type: ignore[arg-type]
    )
    page = context.new_page()

    def listed() -> bool:
        page.goto("/admin/compliance/alert/")
        return page.locator(LISTS).count() > 0

    wait_for(listed, what="the alert")
    context.close()


@pytest.mark.usefixtures("alert_raised")
def test_desk_pages_have_no_violation(
    browser: Browser, demo: Demo, desk: Page, officer_state: dict[str, Any]
) -> None:
    reviews = []
    for path in REVIEWS:
        desk.goto(path)
        reviews.append(str(desk.locator(LISTS).first.get_attribute("href")))
    assert check(browser, demo, officer_state, (*DESK, *reviews)) == []


def test_pages_of_work_that_is_rare_have_no_violation(
    browser: Browser, demo: Demo, desk: Page, officer_state: dict[str, Any]
) -> None:
    """Owners, due diligence, override and questions of a company; a payment; limits; taxes."""
    told = demo.manage("shell", "-v", "0", "-c", SCENE)
    assert told.returncode == 0, told.stderr
    company, payment, refused, limit, taxes = told.stdout.split()

    def is_screened() -> bool:
        desk.goto(company)
        return desk.locator("#id_decision").count() > 0

    wait_for(is_screened, what="the screening of the company")
    assert desk.get_by_text("Ask for something").count() == 1
    desk.get_by_role("button", name="Leave it to others").click()
    operations = next(person for person in demo.people if person.role == "OPERATIONS")
    state = session_of(browser, demo, operations)
    found = check(browser, demo, officer_state, (company, payment, refused))
    found += check(browser, demo, state, (*OPERATIONS, limit, taxes))
    assert found == []


@pytest.fixture(scope="module")
def resting_order(demo: Demo) -> Iterator[str]:
    """Place an order that no price reaches, and take it back."""
    api = Api(demo.base_url)
    api.sign_in(demo.people[0])
    body = {
        "portfolio_id": api.call("GET", "/portfolios").body[0]["id"],
        "symbol": "AAPL",
        "side": "BUY",
        "type": "LIMIT",
        "time_in_force": "GTC",
        "quantity": "10",
        "limit_price": "1",
    }
    answer = api.write("/orders", body, key=f"axe-{uuid.uuid4().hex}")
    assert answer.status == 201, answer
    yield answer.body["id"]
    api.write(f"/orders/{answer.body['id']}/cancel", None)


def test_portal_pages_have_no_violation(
    browser: Browser,
    demo: Demo,
    client_state: dict[str, Any],
    resting_order: str,
) -> None:
    order_pages = (f"/orders/{resting_order}/", f"/orders/{resting_order}/change/")
    assert check(browser, demo, client_state, (*PORTAL, *order_pages)) == []


def test_description_of_the_api_writes_nothing_on_the_console(
    browser: Browser, demo: Demo, client_state: dict[str, Any]
) -> None:
    complaints: list[str] = []
    context = browser.new_context(base_url=demo.base_url, storage_state=client_state)  # type: ignore[arg-type]
    page = listened(context, complaints)
    page.goto("/api/v1/docs")
    expect(page.locator(".swagger-ui .opblock").first).to_be_visible(timeout=20_000)
    context.close()
    assert complaints == []


INJECT = """() => {
  const inline = script => { script.textContent = 'window.ran = 1' };
  const loaded = script => { script.src = '/static/js/live.js' };
  for (const put of [inline, loaded]) {
    const script = document.createElement('script');
    put(script);
    document.body.append(script);
  }
  return new Promise(done => setTimeout(() => done(window.ran ?? 0), 300));
}"""


def test_asvs_v3_4_3_script_that_is_injected_into_a_page_does_not_run(
    browser: Browser, demo: Demo, client_state: dict[str, Any]
) -> None:
    complaints: list[str] = []
    context = browser.new_context(base_url=demo.base_url, storage_state=client_state)  # type: ignore[arg-type]
    page = listened(context, complaints)
    page.goto("/settings/")
    assert complaints == []
    assert page.evaluate(INJECT) == 0
    context.close()
    assert len(complaints) == 2
    assert all("Content Security Policy" in complaint for complaint in complaints)


@pytest.mark.usefixtures("alert_raised")
def test_desk_is_worked_by_keys(desk: Page) -> None:
    desk.goto("/admin/compliance/alert/")
    desk.keyboard.press("j")
    expect(desk.locator("#result_list tbody tr.desk-here")).to_have_count(1)
    desk.keyboard.press("x")
    expect(desk.locator("input.action-select:checked")).to_have_count(1)
    desk.keyboard.press("?")
    expect(desk.locator("#desk-help")).to_be_visible()
    for key in ("j", "k", "x", "a", "e", "c", "n", "?"):
        expect(desk.locator("#desk-help kbd", has_text=key).first).to_be_visible()
    desk.keyboard.press("Escape")
    expect(desk.locator("#desk-help")).to_be_hidden()
    desk.keyboard.press("Enter")
    desk.wait_for_url("**/change/**")
    desk.keyboard.press("j")
    expect(desk.locator("[data-row].desk-here")).to_have_count(1)
    desk.keyboard.press("e")
    expect(desk.locator("#desk-decision")).to_be_focused()
