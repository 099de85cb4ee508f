"""A client with hits and one without see the same, byte for byte, at every stage, everywhere."""

import json
import re
from collections.abc import Callable, Collection, Iterator

import pytest
from asgiref.sync import sync_to_async
from django.core import mail
from django.test import Client

from apps.audit.services import outbox_deliver
from apps.compliance.models import KycRecord, ScreeningHit
from apps.compliance.services.kyc import kyc_submit
from apps.compliance.services.kyc_decisions import kyc_confirm_decision, kyc_propose_decision
from apps.compliance.services.rescreening import clients_rescreen
from apps.compliance.services.watchlists import SAMPLE, watchlist_import
from apps.market.consumers.frames import CHANNELS
from apps.notifications.domain.webhooks import EVENT_TYPES
from apps.notifications.models import Notification, Webhook, WebhookDelivery
from apps.notifications.services.messages import notification_mail
from apps.trading.models import Portfolio
from apps.users.domain.access_matrix import OPERATIONS
from apps.users.domain.audiences import SIGNED_IN
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance.factories import fill_kyc, hit_decide
from tests.compliance.test_services_screening import LISTED, propose
from tests.market.test_consumers import Caller, calling
from tests.trading.factories import hold_units, make_portfolio, place_order
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db(databases=["default", "timescale"])
# Every page and answer of a client that needs no id.
EVERYWHERE = sorted(
    name.removeprefix("GET ")
    for name, audience in OPERATIONS.items()
    if name.startswith("GET /")
    and "<" not in name
    and not name.startswith(("GET /admin/", "GET /accounts/"))
    and audience & {Role.CLIENT, *SIGNED_IN}
)
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
    r"\d+\ss ago",
    r'name="key" value="[^"]*"',
)


def common(text: str) -> str:
    """Return the text without what differs between any two clients."""
    return re.sub("|".join(f"(?:{pattern})" for pattern in OWN), "~", text)


def deliver() -> None:
    """Let everything be done that follows from what happened."""
    for context in ("compliance", "trading", "notifications") * 2:
        outbox_deliver(context=context)


def seen(person: User, pages: Collection[str] = PAGES) -> dict[str, str]:
    """Return what the client can read of those pages and answers, and was told, at this stage."""
    deliver()
    browser, api = Client(), api_client(person)
    browser.force_login(person)
    found = {}
    for page in (*pages, "/api/v1/kyc"):
        answer = (api if page.startswith("/api/") else browser).get(page)
        body = answer.getvalue().decode()
        found[page] = common(f"{answer.status_code} {sorted(answer.headers)} {body}")
    rows = Notification.objects.filter(user=person).order_by("created_at")
    mail.outbox.clear()
    for row in rows.filter(mailed_at=None):
        notification_mail(notification_id=row.id)
    found["messages"] = str([(row.kind, row.title, row.body) for row in rows])
    found["mails"] = common(str([(one.subject, one.body) for one in mail.outbox]))
    hooked = WebhookDelivery.objects.filter(webhook__user=person).order_by("created_at")
    found["webhooks"] = common(str([*hooked.values_list("event_type", "body")]))
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


def client_of_the_firm(officers: list[User]) -> tuple[User, KycRecord]:
    """Return an approved client with money, units and an order that rests."""
    person = make_user()
    Webhook.objects.create(
        user=person, url="https://hook.example/", secret="secret", events=[*EVENT_TYPES]
    )
    fill_kyc(person, **LISTED)
    record = kyc_submit(actor=person)
    outbox_deliver(context="compliance")
    clear(record, officers)
    portfolio = make_portfolio(person, cash="1000")
    Portfolio.objects.filter(id=portfolio.id).update(name="Portfolio")
    hold_units(portfolio, "2")
    place_order(portfolio, order_type="LIMIT", limit_price="95")
    record.refresh_from_db()
    return person, record


def suspend(record: KycRecord, officer: User) -> None:
    """Stop a client for something that an officer saw."""
    kyc_propose_decision(
        actor=officer,
        record_id=record.id,
        outcome="SUSPEND",
        reason_code="UNUSUAL_ACTIVITY",
        evidence_version=record.evidence_version,
    )


def match(record: KycRecord, officer: User) -> None:
    """Stop a client whom a list names by now."""
    watchlist_import(actor=None, path=SAMPLE, list_code="LATE")
    clients_rescreen()
    hit = ScreeningHit.objects.get(record=record)
    hit_decide(officer, hit, "TRUE_MATCH")


def test_client_frozen_for_a_match_reads_everywhere_what_any_suspended_client_reads() -> None:
    officers = [make_user(Role.COMPLIANCE_OFFICER) for _ in range(2)]
    assert len(EVERYWHERE) > 30
    found = []
    for stop in (suspend, match):
        person, record = client_of_the_firm(officers)
        stop(record, officers[0])
        record.refresh_from_db()
        assert record.status == "SUSPENDED"
        found.append(seen(person, EVERYWHERE))

    assert [place for place in found[0] if found[0][place] != found[1][place]] == []
    assert "500 " not in {text[:4] for text in found[0].values()}


def stopped(record: KycRecord, officer: User, stop: Callable[[KycRecord, User], None]) -> None:
    """Let a client order something, and stop them."""
    portfolio = Portfolio.objects.get(client=record.client)
    place_order(portfolio, order_type="LIMIT", limit_price="94")
    deliver()
    stop(record, officer)
    deliver()


async def quiet(caller: Caller) -> list[str]:
    """Return what comes until nothing does; the feed's own state is nobody's."""
    heard = []
    while not await caller.socket.receive_nothing(timeout=0.5):
        frame = await caller.hear()
        if frame["type"] not in {"heartbeat", "status"}:
            heard.append(common(json.dumps({**frame, "epoch": ""})))
    return heard


@pytest.mark.django_db(transaction=True, databases=["default", "timescale"])
async def test_client_frozen_for_a_match_hears_live_what_any_suspended_client_hears() -> None:
    officers = [await sync_to_async(make_user)(Role.COMPLIANCE_OFFICER) for _ in range(2)]
    found = []
    for stop in (suspend, match):
        person, record = await sync_to_async(client_of_the_firm)(officers)
        await sync_to_async(deliver)()
        async with calling() as caller:
            await caller.sign_in(person)
            for number, channel in enumerate(sorted(CHANNELS)):
                symbols = {"symbols": ["AAPL"]} if channel == "quotes" else {}
                await caller.say(op="subscribe", id=number, channel=channel, **symbols)
            greeted = await quiet(caller)
            await sync_to_async(stopped)(record, officers[0], stop)
            found.append([*greeted, *await quiet(caller)])

    assert found[0] == found[1]
    told = " ".join(found[0])
    assert told.count("not_permitted") == 1
    assert "trading.order.canceled" in told
