"""A passkey in a real browser: added, signed in with, and confirmed with."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.e2e.demo import Demo, Person
from tests.e2e.test_walk import sign_in

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def local_page(browser: Browser, demo: Demo) -> Iterator[Page]:
    """Return a page at localhost: browsers bind passkeys to names and not to addresses."""
    base_url = demo.base_url.replace("127.0.0.1", "localhost")
    context = browser.new_context(base_url=base_url, viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def virtual_authenticator(page: Page) -> tuple[CDPSession, str]:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    added = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return devtools, str(added["authenticatorId"])


def password_page(page: Page, person: Person) -> None:
    page.goto("/accounts/login/")
    page.locator("[type=email]").fill(person.email)
    page.locator("[name=password]").fill(person.password)
    page.get_by_role("button", name="Sign in").click()


def test_officer_adds_a_passkey_signs_in_with_it_and_confirms_with_it(
    demo: Demo, local_page: Page
) -> None:
    page = local_page
    refusals: list[str] = []
    page.on("console", lambda message: refusals.append(message.text))
    officer = next(person for person in demo.people if person.role == "COMPLIANCE_OFFICER")
    devtools, authenticator = virtual_authenticator(page)
    sign_in(page, officer)

    page.goto("/settings/security/")
    page.locator("#id_passkey_name").fill("Laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("The passkey is added.")).to_be_visible()
    credentials = devtools.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})[
        "credentials"
    ]
    assert [item["rpId"] for item in credentials] == ["localhost"]

    page.context.clear_cookies()
    password_page(page, officer)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(re.compile("/admin/"))

    page.goto("/accounts/2fa/confirm/?next=/settings/security/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(re.compile("/settings/security/"))
    page.get_by_role("button", name="Remove Laptop").click()
    expect(page.get_by_role("button", name="Remove Laptop")).to_have_count(0)
    assert not [text for text in refusals if "Content Security Policy" in text]


def test_passkey_without_its_user_is_not_proven(demo: Demo, local_page: Page) -> None:
    page = local_page
    client = next(person for person in demo.people if person.role == "CLIENT")
    devtools, authenticator = virtual_authenticator(page)
    sign_in(page, client)
    page.goto("/settings/security/")
    page.locator("#id_passkey_name").fill("Key")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("The passkey is added.")).to_be_visible()

    devtools.send(
        "WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False}
    )
    page.goto("/accounts/2fa/confirm/")
    page.get_by_role("button", name="Use a passkey").click()

    expect(page.get_by_role("alert")).to_have_text("Nothing was confirmed. Try again.")
    devtools.send(
        "WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": True}
    )
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(re.compile(r":\d+/$"))
    page.goto("/settings/security/")
    page.get_by_role("button", name="Remove Key").click()
    expect(page.get_by_role("button", name="Remove Key")).to_have_count(0)
