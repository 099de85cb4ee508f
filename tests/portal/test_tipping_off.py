"""A client with hits and one without see the same, byte for byte, at every stage."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client

from apps.audit.services import outbox_deliver
from apps.compliance.models import KycRecord, ScreeningHit
from apps.compliance.services.kyc import kyc_submit
from apps.compliance.services.kyc_decisions import kyc_confirm_decision
from apps.compliance.services.rescreening import clients_rescreen
from apps.compliance.services.watchlists import SAMPLE, watchlist_import
from apps.notifications.models import Notification
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance.factories import fill_kyc, hit_decide
from tests.compliance.test_services_screening import LISTED, propose
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db
PAGES = ("/verification/", "/verification/personal/", "/activity/", "/notifications/", "/")
# What differs between any two clients, or from minute to minute.
OWN = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    r"[0-9a-f]{12,64}",
    r"\b[A-Za-z0-9]{64}\b",
    r"nonce-[^\"' ;]+",
    r'nonce="[^"]*"',
    r"[\w.+-]+@[\w.-]+",
    r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)",
    r"\d\d:\d\d(:\d\d)?",
)


def common(text: str) -> str:
    """Return the text without what differs between any two clients."""
    return re.sub("|".join(f"(?:{pattern})" for pattern in OWN), "~", text)


def seen(person: User) -> dict[str, str]:
    """Return everything that the client can read, at this stage."""
    for context in ("compliance", "notifications", "compliance", "notifications"):
        outbox_deliver(context=context)
    browser = Client()
    browser.force_login(person)
    found = {page: common(browser.get(page).content.decode()) for page in PAGES}
    found["api"] = common(api_client(person).get("/api/v1/kyc").content.decode())
    rows = Notification.objects.filter(user=person).order_by("created_at")
    found["messages"] = str([(row.kind, row.title, row.body) for row in rows])
    return found


def clear(record: KycRecord, officers: list[User]) -> None:
    """Decide every hit and approve, with as many officers as it takes."""
    first, second = officers
    for hit in ScreeningHit.objects.filter(record=record, status="OPEN"):
        hit_decide(first, hit)
    record.refresh_from_db()
    decision = propose(record, first)
    if decision.status == "PROPOSED":
        kyc_confirm_decision(
            actor=second, decision_id=decision.id, evidence_version=decision.evidence_version
        )


def stages(officers: list[User], *, early: bool, late: bool) -> Iterator[dict[str, str]]:
    """Walk one client from the first answer to a list change after approval, and look each time.

    With `early` the name is listed from the start, with `late` only once the client is approved.
    """
    if early:
        watchlist_import(actor=None, path=SAMPLE, list_code="EARLY")
    person = make_user()
    fill_kyc(person, **LISTED)
    record = kyc_submit(actor=person)
    yield seen(person)
    clear(record, officers)
    yield seen(person)
    if late:
        watchlist_import(actor=None, path=SAMPLE, list_code="LATE")
        clients_rescreen()
        record.refresh_from_db()
        assert record.status == "UNDER_REVIEW"
    yield seen(person)
    if late:
        clear(record, officers)
        record.refresh_from_db()
        assert record.status == "APPROVED"
    yield seen(person)


def test_client_with_hits_sees_what_one_without_sees_at_every_stage() -> None:
    officers = [make_user(Role.COMPLIANCE_OFFICER) for _ in range(2)]
    without = list(stages(officers, early=False, late=False))
    assert not ScreeningHit.objects.exists()

    with_late = list(stages(officers, early=False, late=True))
    with_early = list(stages(officers, early=True, late=False))

    assert ScreeningHit.objects.count() >= 2
    for place in without[0]:
        for stage, plain in enumerate(without):
            assert with_late[stage][place] == plain[place], (place, stage, "late")
            assert with_early[stage][place] == plain[place], (place, stage, "early")
