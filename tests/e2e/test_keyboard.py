"""A client's and the officers' whole path by keyboard alone, with a focus that can be seen."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from apps.compliance.domain.questionnaire import Field, Kind
from apps.compliance.domain.questionnaires import VERSION, ClientKind, steps_asked
from tests.e2e.client import wait_for
from tests.e2e.demo import Demo, Person
from tests.e2e.test_walk import ANSWERS, OPTIONAL, PASSWORD, REFUSED

MOST_TABS = 150
SEEN = """() => {
  const style = getComputedStyle(document.activeElement);
  return style.outlineStyle !== 'none' || style.boxShadow !== 'none';
}"""


class Keys:
    """Somebody with a keyboard and no mouse; addresses are typed or followed."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> "Keys":
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def type(self, text: str) -> "Keys":
        self.page.keyboard.type(text)
        return self

    def tab_to(self, selector: str) -> "Keys":
        """Go on with Tab until the focus is there; fails after MOST_TABS, or if nobody sees it."""
        for _ in range(MOST_TABS):
            if self.page.evaluate("s => document.activeElement.matches(s)", selector):
                assert self.page.evaluate(SEEN), f"The focus on {selector} cannot be seen."
                return self
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {selector} on {self.page.url}.")

    def choose(self, label: str) -> "Keys":
        """Choose in the list that has the focus, by the beginning of the option's words."""
        self.page.keyboard.type(label)
        chosen = self.page.evaluate("() => document.activeElement.selectedOptions[0].text")
        assert chosen.strip() == label, (chosen, label)
        return self

    def enter(self) -> "Keys":
        """Press Enter and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        return self


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
    totp = page.get_by_role("button", name="Set up an authenticator app")
    identity = totp.evaluate("button => (button.id ||= 'set-up')")
    keys.tab_to(f"#{identity}").enter()
    secret = page.locator("#totp-secret").inner_text().replace(" ", "")
    person = Person(email=email, password=PASSWORD, totp_secret=secret, role="CLIENT")
    keys.tab_to("[name=code]").type(person.code()).enter()


def answer(keys: Keys, field: Field) -> None:
    if not field.required and field.name not in OPTIONAL:
        return
    named = f'[name="{field.name}"]'
    if keys.page.locator(named).count() == 0:
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


def hand_in(keys: Keys, tmp_path: Path, family_name: str) -> None:
    page = keys.page
    answers = {**ANSWERS, "more_tax_residences": False}
    for step in steps_asked(ClientKind.INDIVIDUAL, VERSION, answers):
        page.goto(f"/verification/{step.code}/")
        for field in step.fields:
            if field.name == "family_name":
                keys.tab_to('[name="family_name"]').type(family_name)
            else:
                answer(keys, field)
        keys.tab_to("main .button-row button").enter()
        expect(page.locator(".notice-error")).to_have_count(0)
    page.goto("/verification/")
    passport = tmp_path / "passport.png"
    Image.new("RGB", (800, 500), "#335577").save(passport)
    keys.tab_to("select[name=kind]").choose("Passport")
    keys.tab_to("[type=file]")
    with page.expect_file_chooser() as chooser:
        keys.press("Enter")
    chooser.value.set_files(passport)
    keys.tab_to("[name=expiry_date]").type("01012031").enter()
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


def decide(keys: Keys, label: str) -> None:
    """Take the record, go to the decision, choose, decide."""
    keys.press("a")
    expect(keys.page.locator(".desk-work")).to_contain_text("Assigned to")
    keys.press("e").choose(label)
    keys.tab_to("button[name=act][value=propose]").enter()


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


def test_client_is_approved_reviewed_and_frozen_by_keys_alone(
    demo: Demo, page: Page, desks: list[Keys], tmp_path: Path
) -> None:
    first, second = desks
    officers = (person for person in demo.people if person.role == "COMPLIANCE_OFFICER")
    family_name = f"Quillon{''.join(c for c in uuid.uuid4().hex if c.isalpha())}"
    email = f"keys-{uuid.uuid4().hex[:8]}@example.com"
    client = Keys(page)

    register(client, demo, email)
    hand_in(client, tmp_path, family_name)
    for keys, officer in zip(desks, officers, strict=False):
        sign_in(keys, officer)
    open_record(first, email, "In review")
    decide(first, "Identity and profile verified")
    expect(first.page.locator(".kyc-status")).to_have_text("Approved")

    put_on_own_list(first, second, f"Any Given names {family_name}")
    open_record(second, email, "Under review")
    find_true_match(second)
    expect(second.page.locator(".kyc-status")).to_have_text("Suspended")
    client.page.goto("/verification/")
    expect(client.page.locator("main")).to_contain_text("paused")
