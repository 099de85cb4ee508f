"""A client's and the officers' whole path in the browser, by keyboard alone."""

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
from tests.e2e.client import wait_for
from tests.e2e.demo import Demo, Person
from tests.e2e.keyboard import Keys
from tests.e2e.test_walk import ANSWERS, OPTIONAL, PASSWORD, REFUSED

# The day of a periodic review comes.
DAY_COMES = """
UPDATE compliance_kycrecord SET next_review_date = current_date
WHERE client_id = (SELECT id FROM users_user WHERE email = %s)
"""


@pytest.fixture
def desks(browser: Browser, demo: Demo) -> Iterator[list[Keys]]:
    contexts = [
        browser.new_context(base_url=demo.base_url, viewport={"width": 1280, "height": 900})
        for _ in range(2)
    ]
    yield [Keys(context.new_page()) for context in contexts]
    for context in contexts:
        context.close()


def sign_in(keys: Keys, person: Person) -> None:
    keys.page.goto("/accounts/login/")
    keys.tab_to("[type=email]").type(person.email)
    keys.tab_to("[name=password]").type(person.password).enter()
    keys.tab_to("[name=code]").type(person.code()).enter()


def register(keys: Keys, demo: Demo, email: str) -> None:
    """Register, follow the mail's link, set up a second factor."""
    page = keys.page
    page.goto("/accounts/signup/")
    keys.tab_to("[type=email]").type(email)
    keys.tab_to("[name=password1]").type(PASSWORD)
    keys.tab_to("[name=password2]").type(PASSWORD).enter()
    link = re.compile(rf"To: {re.escape(email)}.*?(http://\S+/confirm-email/\S+)", re.DOTALL)
    found = wait_for(lambda: link.search(demo.output.read_text()), what="the mail on the console")
    page.goto(found.group(1))
    keys.tab_to("main button").enter()
    page.goto("/accounts/login/")
    keys.tab_to("[type=email]").type(email)
    keys.tab_to("[name=password]").type(PASSWORD).enter()
    keys.tab_to_one(page.get_by_role("button", name="Set up an authenticator app")).enter()
    secret = page.locator("#totp-secret").inner_text().replace(" ", "")
    person = Person(email=email, password=PASSWORD, totp_secret=secret, role="CLIENT")
    keys.tab_to("[name=code]").type(person.code()).enter()


def answer(keys: Keys, field: Field) -> None:
    named = f'[name="{field.name}"]'
    is_asked = field.required or field.name in OPTIONAL
    if not is_asked or keys.page.locator(named).count() == 0:
        return
    value = ANSWERS.get(field.name)
    if field.kind == Kind.BOOLEAN and field.must_be_true:
        keys.tab_to(named).press("Space")
    elif field.kind == Kind.BOOLEAN:
        # Yes is the first of the two; an arrow goes on to no, and chooses it.
        keys.tab_to(named).press("ArrowDown" if field.name in REFUSED else "Space")
    elif field.kind == Kind.CHOICES:
        keys.tab_to(f'{named}[value="{field.choices[0][0]}"]').press("Space")
    elif field.kind in {Kind.CHOICE, Kind.COUNTRY}:
        code = value or field.choices[0][0]
        keys.tab_to(named).choose(dict(field.options())[code])
    elif field.kind == Kind.DATE:
        year, month, day = str(value).split("-")
        keys.tab_to(named).type(f"{month}{day}{year}")
    else:
        keys.tab_to(named).type(value or f"Any {field.label}"[: field.max_length])


def fill_in(keys: Keys, family_name: str) -> None:
    """Answer every step, each from the one before it."""
    steps = steps_asked(ClientKind.INDIVIDUAL, VERSION, {**ANSWERS, "more_tax_residences": False})
    for step in steps:
        if f"/verification/{step.code}/" not in keys.page.url:
            keys.page.goto(f"/verification/{step.code}/")
        for field in step.fields:
            if field.name == "family_name":
                keys.tab_to('[name="family_name"]').type(family_name)
            else:
                answer(keys, field)
        keys.tab_to("main .button-row button").enter()
        expect(keys.page.locator(".notice-error")).to_have_count(0)


def hand_in(keys: Keys, tmp_path: Path) -> None:
    """Do what the page says is still needed, then hand in."""
    page = keys.page
    page.goto("/verification/")
    needed = page.locator("ul[aria-labelledby=needed] a")
    assert needed.all_inner_texts() == [
        "Your signature",
        "A valid passport, identity card or driving licence",
    ]
    keys.tab_to("ul[aria-labelledby=needed] a").enter()
    keys.tab_to("main form button").enter()
    passport = tmp_path / "passport.png"
    Image.new("RGB", (800, 500), "#335577").save(passport)
    keys.tab_to("select[name=kind]").choose("Passport")
    keys.tab_to("[name=expiry_date]").type("01012031")
    keys.tab_to("[type=file]")
    # What the system's own dialog gives back, which no page sees.
    page.locator("[type=file]:focus").set_input_files(passport)
    keys.press("Tab").tab_to("form[action$='/documents/'] button").enter()
    keys.tab_to("form[action$='/submit/'] button").enter()
    expect(page.locator(".progress .now")).to_have_text("Our check")


def open_record(keys: Keys, email: str, status: str) -> None:
    """Wait until the record stands so, and open it from its list."""

    def stands() -> bool:
        keys.page.goto(f"/admin/compliance/kycrecord/?q={email}")
        row = keys.page.locator("#result_list tbody tr")
        return row.count() == 1 and status in row.inner_text()

    wait_for(stands, what=f"a record that is {status}")
    keys.press("j").enter()


def approve(keys: Keys) -> None:
    """Take the record, go to the decision, choose, decide."""
    page = keys.page
    if page.locator("#desk-take").count():
        with page.expect_navigation():
            keys.press("a")
    expect(page.locator("#desk-take")).to_have_count(0)
    keys.press("e").choose("Identity and profile verified")
    keys.tab_to("button[name=act][value=propose]").enter()
    expect(page.locator(".kyc-status")).to_have_text("Approved")


def put_on_own_list(first: Keys, second: Keys, name: str) -> None:
    """One officer proposes an entry, the other confirms it from the four-eyes queue."""
    first.page.goto("/admin/compliance/ownlistchange/entries/")
    first.tab_to("[name=uid]").type(f"key-{uuid.uuid4().hex[:8]}")
    first.tab_to("[name=kind]").choose("Person")
    first.tab_to("[name=name]").type(name)
    first.tab_to("[name=birth_dates]").type(ANSWERS["date_of_birth"])
    first.tab_to("[name=reason]").type("A court order names this person.")
    first.tab_to("button[name=command][value=put]").enter()
    second.page.goto("/admin/compliance/workitem/?waits=second&kind=OWN_LIST")
    second.press("j").enter()
    second.press("c").enter()
    expect(second.page.locator("#content-main")).to_contain_text("Carried out")


def find_true_match(keys: Keys) -> None:
    keys.press("j", "x").choose("Name and date of birth match")
    keys.tab_to("[id^=id_reason_]").type("Same name and birth.").enter()
    expect(keys.page.locator(".kyc-status")).to_have_text("Suspended")


def let_review_come(demo: Demo, email: str) -> None:
    host = str(demo.folder / "postgres")
    with psycopg.connect(host=host, user="postgres", dbname="stratford") as database:
        assert database.execute(DAY_COMES, [email]).rowcount == 1
    demo.run_task("compliance.watch_reviews")


def do_business(keys: Keys) -> None:
    """Pay in."""
    keys.page.goto("/money/deposit/")
    keys.tab_to("[name=amount]").type("100").enter()


def test_client_is_approved_reviewed_and_frozen_by_keys_alone(
    demo: Demo, page: Page, desks: list[Keys], tmp_path: Path
) -> None:
    first, second = desks
    officers = [person for person in demo.people if person.role == "COMPLIANCE_OFFICER"]
    family_name = f"Quillon{''.join(c for c in uuid.uuid4().hex if c.isalpha())}"
    email = f"keys-{uuid.uuid4().hex[:8]}@example.com"
    client = Keys(page)

    register(client, demo, email)
    fill_in(client, family_name)
    hand_in(client, tmp_path)
    for keys, officer in zip(desks, officers, strict=True):
        sign_in(keys, officer)
    open_record(first, email, "In review")
    approve(first)
    page.goto("/portfolios/")
    client.tab_to("main [name=name]").type("Savings").enter()
    do_business(client)
    expect(page.locator(".notice-error")).to_have_count(0)

    let_review_come(demo, email)
    open_record(first, email, "Under review")
    approve(first)

    put_on_own_list(first, second, f"Any Given names {family_name}")
    demo.run_task("compliance.rescreen_clients")
    open_record(second, email, "Under review")
    find_true_match(second)
    page.goto("/verification/")
    expect(page.locator("main")).to_contain_text("paused")
    do_business(client)
    expect(page.locator("main")).to_contain_text("This account is frozen")
