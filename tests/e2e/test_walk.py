"""The main job, end to end: a client joins, is screened and decided, trades, and is monitored."""

import csv
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from apps.compliance.domain.questionnaire import Field, Kind
from apps.compliance.domain.questionnaires import VERSION, ClientKind, steps_asked
from tests.e2e.api import Api
from tests.e2e.client import stream_of, wait_for
from tests.e2e.demo import Demo, Person

ROOT = Path(__file__).resolve().parents[2]
REFERENCE_DATA = Path(os.environ.get("STRATFORD_REFERENCE_DATA", ROOT.parent / "shared" / "data"))
PASSWORD = "a-long-enough-passphrase-7"
ANSWERS = {
    "date_of_birth": "1984-05-06",
    "phone": "+1 212 555 0100",
    "country": "US",
    "residence": "US",
    "birth_country": "US",
    "funds_country": "US",
    "nationality": "US",
    "tax_residence": "US",
    "tin": "536-90-4399",
    "pep": "NONE",
}
REFUSED = {"more_tax_residences", "broker_affiliation", "insider", "backup_withholding"}
OPTIONAL = {"tin", "has_tin", "occupation", "employer"}


def listed_person() -> tuple[str, str]:
    """Return given and family name of an individual on the list that the demo imported."""
    full = REFERENCE_DATA / "ofac" / "sdn.csv"
    sample = ROOT / "apps" / "compliance" / "data" / "ofac_sample" / "sdn.csv"
    with (full if full.exists() else sample).open(newline="", encoding="latin-1") as file:
        for row in csv.reader(file):
            family, _, given = row[1].partition(", ") if len(row) > 2 else ("", "", "")
            if (
                row[2:3] == ["individual"]
                and re.fullmatch(r"[A-Z ]{6,}", family)
                and given.isalpha()
            ):
                return given, family.title()
    raise AssertionError("The list names nobody.")


def sign_in(page: Page, person: Person) -> None:
    page.goto("/accounts/login/")
    page.locator("[type=email]").fill(person.email)
    page.locator("[name=password]").fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    page.locator("[name=code]").fill(person.code())
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("[name=code]")).to_have_count(0)


def answer(page: Page, field: Field) -> None:
    """Answer one question as an ordinary person would."""
    if not field.required and field.name not in OPTIONAL:
        return
    control = page.locator(f'[name="{field.name}"]')
    value = ANSWERS.get(field.name)
    if field.kind == Kind.BOOLEAN and field.must_be_true:
        control.check()
    elif field.kind == Kind.BOOLEAN:
        said = "no" if field.name in REFUSED else "yes"
        page.locator(f'[name="{field.name}"][value="{said}"]').check()
    elif field.kind == Kind.CHOICES:
        page.locator(f'[name="{field.name}"][value="{field.choices[0][0]}"]').check()
    elif field.kind in {Kind.CHOICE, Kind.COUNTRY}:
        control.select_option(value or field.choices[0][0])
    else:
        control.fill(value or f"Any {field.label}"[: field.max_length])


@pytest.fixture
def desk(browser: Browser, demo: Demo) -> Iterator[Page]:
    """Return a page in the first officer's own browser."""
    context = browser.new_context(base_url=demo.base_url, viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture
def second_desk(browser: Browser, demo: Demo) -> Iterator[Page]:
    context = browser.new_context(base_url=demo.base_url, viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def register(page: Page, demo: Demo, email: str) -> Person:
    """Register in the portal, follow the link in the mail, enrol a second factor."""
    page.goto("/accounts/signup/")
    page.locator("[type=email]").fill(email)
    page.locator("[name=password1]").fill(PASSWORD)
    page.locator("[name=password2]").fill(PASSWORD)
    page.get_by_role("button", name="Open an account").click()
    link = re.compile(rf"To: {re.escape(email)}.*?(http://\S+/confirm-email/\S+)", re.DOTALL)
    found = wait_for(lambda: link.search(demo.output.read_text()), what="the mail on the console")
    page.goto(found.group(1))
    page.get_by_role("button", name="Confirm").click()
    page.goto("/accounts/login/")
    page.locator("[type=email]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Set up an authenticator app").click()
    secret = page.locator("#totp-secret").inner_text().replace(" ", "")
    person = Person(email=email, password=PASSWORD, totp_secret=secret, role="CLIENT")
    page.locator("[name=code]").first.fill(person.code())
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("link", name="I have written them down").click()
    return person


def hand_in_kyc(page: Page, tmp_path: Path, name: tuple[str, str]) -> None:
    """Fill in every step, upload a document, hand in."""
    answers = {**ANSWERS, "more_tax_residences": False}
    for step in steps_asked(ClientKind.INDIVIDUAL, VERSION, answers):
        page.goto(f"/verification/{step.code}/")
        for field in step.fields:
            answer(page, field)
        if step.code == "personal":
            page.locator("[name=given_names]").fill(name[0])
            page.locator("[name=family_name]").fill(name[1])
        page.get_by_role("button", name="Save and continue").click()
        expect(page.locator(".notice-error")).to_have_count(0)
    page.goto("/verification/tax-certificate/")
    page.get_by_role("button", name="Sign", exact=True).click()
    passport = tmp_path / "passport.png"
    Image.new("RGB", (800, 500), "#335577").save(passport)
    page.locator("[type=file]").set_input_files(passport)
    page.locator("select[name=kind]").select_option("PASSPORT")
    page.locator("[name=expiry_date]").fill("2031-01-01")
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("button", name="Hand in for checking").click()
    expect(page.locator(".progress .now")).to_have_text("Our check")


def decide_kyc(desk: Page, second_desk: Page, email: str) -> None:
    """Look at evidence and hits, dispose of each hit, approve, with a second officer."""

    def is_screened() -> bool:
        desk.goto(f"/admin/compliance/kycrecord/?q={email}")
        row = desk.locator("#result_list tbody tr")
        return row.count() == 1 and "In review" in row.inner_text()

    wait_for(is_screened, what="screening by the worker")
    desk.locator("#result_list tbody tr a").first.click()
    expect(desk.get_by_role("heading", name="Screening hits")).to_be_visible()
    open_hits = desk.locator(".kyc-hit:has(select[name=decision])")
    assert open_hits.count() > 0, "A listed name gave no hit"
    while count := open_hits.count():
        hit = open_hits.first
        hit.locator("[name=reason]").fill("Another date of birth and place.")
        choice = hit.locator("[name=decision] option[value^=FALSE_POSITIVE]").first
        hit.locator("[name=decision]").select_option(choice.get_attribute("value"))
        hit.get_by_role("button", name="Decide this hit").click()
        expect(open_hits).to_have_count(count - 1)
    approve = desk.locator("#id_decision option[value^=APPROVE]").first
    desk.locator("#id_decision").select_option(approve.get_attribute("value"))
    desk.locator("#id_note").fill("Hits are other people; identity is proven by passport.")
    desk.get_by_role("button", name="Decide (a second officer confirms)").click()
    expect(desk.get_by_text("another officer must confirm")).to_be_visible()
    second_desk.goto(desk.url)
    second_desk.get_by_role("button", name="Confirm as second officer").click()
    expect(second_desk.locator(".kyc-status")).to_have_text("Approved")


def trade_in_portal(page: Page) -> None:
    """Open a portfolio, deposit, and place a market order through ticket and review."""
    page.goto("/")
    page.get_by_role("button", name="Open a portfolio in USD").click()
    page.goto("/money/deposit/")
    page.locator("[name=amount]").fill("20000")
    page.get_by_role("button", name="Deposit from the simulated bank").click()
    page.goto("/trade/AAPL/")
    page.locator("[name=quantity]").fill("2")
    page.get_by_role("button", name="Review order").click()
    page.get_by_role("button", name="Confirm and buy").click()

    def is_filled() -> bool:
        page.goto("/orders/")
        return page.locator("tr", has_text="AAPL").filter(has_text="Filled").count() > 0

    wait_for(is_filled, what="a fill on the paper venue")


def trade_by_rest(api: Api) -> str:
    """Place a market and a limit order; watch the fill arrive; return the portfolio's id."""
    portfolio_id = str(api.call("GET", "/portfolios").body[0]["id"])
    with stream_of(api) as stream:
        stream.send({"op": "subscribe", "id": 2, "channel": "quotes", "symbols": ["AAPL"]})
        quote = stream.receive("snapshot", channel="quotes")["data"][0]
        assert (quote["s"], quote["src"]) == ("AAPL", "replay")
        stream.send({"op": "subscribe", "id": 3, "channel": "orders"})
        stream.receive("ack")
        order_id = place_two_orders(api, portfolio_id)

        def filled() -> bool:
            update = stream.receive("update", channel="orders", seconds=60)
            return any(row.get("event") == "trading.order.filled" for row in update["data"])

        wait_for(filled, what="the fill on the WebSocket")
    assert [trade["order_id"] for trade in api.pages("/trades")].count(order_id) == 1
    return portfolio_id


def place_two_orders(api: Api, portfolio_id: str) -> str:
    """Place a market order, twice under one key, and a limit order; return the first's id."""
    order = {"portfolio_id": portfolio_id, "symbol": "AAPL", "side": "BUY", "time_in_force": "DAY"}
    market, key = {**order, "type": "MARKET", "quantity": "1"}, str(uuid.uuid4())
    first, again = (api.write("/orders", market, key=key) for _ in range(2))
    assert (first.status, first.body) == (again.status, again.body), "a replay is another answer"
    resting = api.write(
        "/orders", {**order, "type": "LIMIT", "quantity": "1", "limit_price": "1.00"}
    )
    assert (first.status, resting.status) == (201, 201), (first, resting)
    return str(first.body["id"])


def close_structuring_alert(desk: Page, second_desk: Page, api: Api, portfolio_id: str) -> None:
    """Three deposits just below 10,000 raise an alert; two officers close it."""
    for _ in range(3):
        body = {"amount": "9000", "currency": "USD"}
        assert api.write(f"/portfolios/{portfolio_id}/deposits", body).status == 201

    def alert() -> bool:
        desk.goto("/admin/compliance/alert/?status__exact=OPEN")
        return desk.locator("#result_list tbody tr", has_text="STRUCTURING").count() > 0

    wait_for(alert, what="the alert")
    desk.locator("#result_list tbody tr", has_text="STRUCTURING").locator("a").first.click()
    option = desk.locator("#desk-decision option[value^='NOT_SUSPICIOUS:']").first
    desk.locator("#desk-decision").select_option(option.get_attribute("value"))
    desk.locator("#desk-note").fill("Salary in three parts; documents are on file.")
    desk.get_by_role("button", name="Propose").click()
    expect(desk.get_by_text("A second officer must confirm.")).to_be_visible()
    second_desk.goto(desk.url)
    second_desk.get_by_role("button", name="Confirm as second officer").click()
    expect(second_desk.get_by_text("Closed by two officers.")).to_be_visible()


def verify(demo: Demo) -> None:
    for command in ("audit_verify", "ledger_verify"):
        result = demo.manage(command)
        assert result.returncode == 0, result.stdout + result.stderr


def test_the_main_job_from_registration_to_a_closed_alert(
    demo: Demo, page: Page, desk: Page, second_desk: Page, tmp_path: Path
) -> None:
    officer, second = (person for person in demo.people if person.role == "COMPLIANCE_OFFICER")
    email = f"walk-{uuid.uuid4().hex[:8]}@example.com"

    client = register(page, demo, email)
    hand_in_kyc(page, tmp_path, listed_person())
    sign_in(desk, officer)
    sign_in(second_desk, second)
    decide_kyc(desk, second_desk, email)
    approved = re.compile(rf"To: {re.escape(email)}\nSubject: Your account is approved")
    wait_for(lambda: approved.search(demo.output.read_text()), what="the mail to the client")
    trade_in_portal(page)
    api = Api(demo.base_url)
    api.sign_in(client)
    portfolio_id = trade_by_rest(api)
    close_structuring_alert(desk, second_desk, api, portfolio_id)

    wait_for(lambda: demo.manage("ledger_verify").returncode == 0, what="a quiet ledger")
    verify(demo)


TAMPERINGS = {
    "audit_verify": (
        "UPDATE audit_auditevent SET occurred_at = occurred_at + %s * interval '1 second'"
        " WHERE sequence = (SELECT min(sequence) FROM audit_auditevent) RETURNING stream"
    ),
    "ledger_verify": (
        "UPDATE ledger_posting SET amount = amount + %s"
        " WHERE id = (SELECT min(id) FROM ledger_posting) RETURNING entry_id::text"
    ),
}


@pytest.mark.parametrize("command", TAMPERINGS)
def test_verify_after_a_row_was_changed_behind_the_back_names_the_row(
    demo: Demo, command: str
) -> None:
    host = str(demo.folder / "postgres")
    with psycopg.connect(host=host, user="postgres", dbname="stratford") as database:
        database.execute("SET session_replication_role = replica")
        changed = database.execute(TAMPERINGS[command], [1]).fetchone()
        database.commit()
        result = demo.manage(command)
        database.execute(TAMPERINGS[command], [-1])

    assert changed is not None
    assert result.returncode == 1
    assert changed[0] in result.stdout + result.stderr
    verify(demo)
