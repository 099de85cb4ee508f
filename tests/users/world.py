"""A user of every role, signed in everywhere, and what belongs to clients."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from rest_framework.test import APIClient

from apps.compliance.models import (
    Case,
    InformationItem,
    KycDecision,
    KycRecord,
    OwnListChange,
    PaymentScreening,
    ScreeningHit,
    ScreeningRun,
    ScreeningSearch,
    ScreeningThreshold,
    WatchlistEntity,
    WatchlistSource,
    WatchlistVersion,
    WorkItem,
)
from apps.compliance.providers.own import OwnEntries
from apps.compliance.services.watchlists import provider_import
from apps.compliance.services.work_items import work_items_sync
from apps.ledger.models import Account
from apps.notifications.models import Webhook
from apps.notifications.services.messages import notification_send
from apps.trading.models import (
    CashTransfer,
    ChargeRate,
    CorporateAction,
    InvestmentPlan,
    OrderBatch,
    OrderRefusal,
    Portfolio,
    Restriction,
)
from apps.users.domain.roles import Role
from apps.users.models import AdviserAssignment, ApiKey, ApiSession, EmailChange, User
from apps.users.services.tokens import api_session_open
from tests.compliance.alert_factories import make_alert
from tests.compliance.factories import fill_kyc, put_kyc
from tests.trading.factories import hold_units, make_portfolio, place_order
from tests.users.factories import make_user, totp_device

# Nobody asks from this machine, as a scraper would.
OUTSIDE = "198.51.100.7"


# An application of which the role sees something on the desk.
DESKS = {Role.OPERATIONS: "market", Role.ADMINISTRATOR: "users"}


def make_key(client: User) -> UUID:
    key = ApiKey.objects.create(
        user=client,
        name="Key",
        mode="PAPER",
        key_hash=uuid4().bytes * 2,
        scopes=[],
        per_minute=60,
        expires_at=timezone.now() + timedelta(days=1),
    )
    return key.pk


def make_plan(portfolio: Portfolio) -> InvestmentPlan:
    return InvestmentPlan.objects.create(
        portfolio=portfolio,
        amount=100,
        frequency="MONTHLY",
        day=1,
        start_date=timezone.localdate(),
        idempotency_key=uuid4().hex,
    )


def make_transfer(portfolio: Portfolio) -> CashTransfer:
    return CashTransfer.objects.create(
        portfolio=portfolio,
        kind="DEPOSIT",
        amount=1,
        currency=portfolio.currency,
        idempotency_key=uuid4().hex,
    )


def make_lists(author: User) -> None:
    """Create a source, an attempt to import, a version and a proposal for the firm's own list."""
    WatchlistSource.objects.get_or_create(
        list_code="UN", defaults={"url": "https://lists.example/", "changed_by": author}
    )
    version = provider_import(actor=None, provider=OwnEntries([]), list_code="OWN", is_vetted=True)
    OwnListChange.objects.create(
        action="END",
        uid="own-1",
        payload_hash="0" * 64,
        base_version=version.version,
        reason="x",
        proposed_by=author,
    )


def make_screening(client: User, record: KycRecord) -> tuple[UUID, UUID]:
    """Create a hit, a case, a threshold and a search; return the search's id and the hit's."""
    run = ScreeningRun.objects.create(
        record=record,
        trigger="ONBOARDING",
        list_versions={},
        matcher_version="x",
        threshold="0.85",
        evidence_version=0,
        candidate_count=1,
        hit_count=1,
        new_hit_count=1,
    )
    entity = WatchlistEntity.objects.create(
        list_code="X",
        uid=str(record.pk),
        kind="PERSON",
        programmes=[],
        birth_dates=[],
        countries=[],
        content_hash="0" * 64,
        added_in=WatchlistVersion.objects.get(list_code="OWN"),
    )
    hit = ScreeningHit.objects.create(
        run=run,
        record=record,
        entity=entity,
        pair_hash="0",
        score="0.9",
        client_name="x",
        listed_name="x",
        features=[],
    )
    Case.objects.create(client=client, origin=f"hit-{hit.id}", opened_at=timezone.now())
    ScreeningThreshold.objects.get_or_create(
        version=1,
        defaults={"base_version": 0, "threshold": "0.9", "reason": "x", "proposed_by": client},
    )
    search = ScreeningSearch.objects.create(actor=client, purpose="x", row_count=0)
    return search.id, hit.id


def make_item(record: KycRecord) -> InformationItem:
    """Return a question that an officer asked the client."""
    decision = KycDecision.objects.create(
        record=record,
        outcome="REQUEST_INFORMATION",
        reason_code="ROUTINE",
        evidence_version=KycRecord.objects.get(pk=record.pk).evidence_version,
        risk_rating="LOW",
        from_status="APPROVED",
        proposed_by=make_user(Role.COMPLIANCE_OFFICER),
    )
    return InformationItem.objects.create(
        record=record,
        decision=decision,
        kind="QUESTION",
        subject="OCCUPATION",
        reason_code="ROUTINE",
        due_date=timezone.localdate(),
    )


def make_account() -> dict[str, Any]:
    """Return the ids of a client's portfolio that traded, open order, KYC, document and alert."""
    client = make_user(Role.CLIENT)
    record = fill_kyc(client)
    put_kyc(record, "APPROVED", risk_rating="LOW")
    portfolio = make_portfolio(client, cash="10000")
    hold_units(portfolio, "2")
    order = place_order(portfolio, order_type="LIMIT", limit_price="95")
    OrderRefusal.objects.create(
        portfolio=portfolio, symbol="AAPL", side="BUY", order_type="MARKET", code="lot_size"
    )
    Restriction.objects.create(
        symbol="MSFT", client=client, starts_at=timezone.now(), reason="Test", added_by=client
    )
    make_lists(client)
    CorporateAction.objects.create(
        kind="SPLIT",
        symbol="AAPL",
        currency="USD",
        ex_date=date(2020, 8, 31) + timedelta(days=CorporateAction.objects.count()),
        ratio_new=2,
        ratio_old=1,
        source="x",
        proposed_by=client,
    )
    PaymentScreening.objects.create(
        transfer_id=make_transfer(portfolio).pk,
        client=client,
        party={},
        list_versions={},
        matcher_version="x",
        status="CLEAR",
    )
    ChargeRate.objects.create(kind="CUSTODY_FEE", rate_bps=1, reason="x", proposed_by=client)
    search_id, hit_id = make_screening(client, record)
    alert_id = make_alert(client).pk
    work_items_sync()
    item = make_item(record)
    return {
        "client": client,
        "client_id": client.pk,
        "item_id": item.pk,
        "decision_id": item.decision_id,
        "work_item_id": WorkItem.objects.get(subject_id=alert_id).pk,
        "portfolio_id": portfolio.id,
        "order_id": order.id,
        "record_id": record.pk,
        "document_id": record.documents.get().pk,
        "batch_id": OrderBatch.objects.create(
            portfolio=portfolio, kind="REBALANCE", status="PROPOSED"
        ).pk,
        "plan_id": make_plan(portfolio).pk,
        "alert_id": alert_id,
        "page_id": alert_id,
        "view_id": uuid4(),
        "hit_id": hit_id,
        "search_id": search_id,
        "key_id": make_key(client),
        "webhook_id": Webhook.objects.create(
            user=client, url="https://hook.example/", secret="x", events=[]
        ).pk,
        "account_id": Account.objects.get(owner_id=portfolio.id, kind="CASH").pk,
        "form": "csv",
        "what": "positions",
        "question": "tin",
        "party_id": uuid4(),
        "holding_id": uuid4(),
        "kind": "person",
        "assignment_id": uuid4(),
        "step": "tax",
        "code": "personal",
        "symbol": "AAPL",
        "year": 2020,
        "key": "unknown",
        "provider": "acme",
        "uidb36": "0",
        "url": "compliance",
        "content_type_id": 1,
    }


@dataclass
class Visitor:
    """Somebody with a browser and an API client; `user` is None for whoever has not signed in."""

    user: User | None
    browser: Client
    api: APIClient
    session_key: str = ""

    def ask(self, method: str, path: str, data: dict[str, Any] | None = None) -> Any:
        """Send one request and undo what it did."""
        client = self.api if path.startswith("/api/") else self.browser
        if self.session_key:
            self.browser.cookies[settings.SESSION_COOKIE_NAME] = self.session_key
        extra: dict[str, Any] = {"REMOTE_ADDR": OUTSIDE, "HTTP_IDEMPOTENCY_KEY": uuid4().hex}
        if path.startswith("/api/") and method != "GET":
            extra |= {"format": "json"}
        with undone():
            return getattr(client, method.lower())(path, data or {}, **extra)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def visitor(user: User | None) -> Visitor:
    browser, api = Client(raise_request_exception=True), APIClient()
    if user is None:
        return Visitor(None, browser, api)
    browser.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    if user.is_staff:
        session = browser.session
        session[DEVICE_ID_SESSION_KEY] = totp_device(user).persistent_id
        session.save()
    pair = api_session_open(user=user, methods=["pwd", "otp"])
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
    return Visitor(user, browser, api, browser.cookies[settings.SESSION_COOKIE_NAME].value)


def visitor_of(role: str, client: User) -> Visitor:
    """Return somebody of the role, or ANONYMOUS: the client, their adviser, or any of the staff."""
    if role == "ANONYMOUS":
        return visitor(None)
    if role == Role.CLIENT:
        return visitor(client)
    user = make_user(Role(role), with_totp=True)
    if role == Role.ADVISER:
        AdviserAssignment.objects.create(adviser=user, client=client)
    return visitor(user)


def own_ids(user: User | None) -> dict[str, Any]:
    """Return the ids of what everybody has: a notification, an API session, a link of a mail."""
    if user is None:
        return {"notification_id": uuid4(), "session_id": uuid4(), "token": "unknown"}
    told = notification_send(user_id=user.pk, event_id=uuid4(), code="kyc_under_review", facts={})
    api_session_open(user=user, methods=["pwd", "otp"])
    opened = ApiSession.objects.filter(user=user).latest("created_at")
    token = "0" * 43
    EmailChange.objects.create(
        user=user,
        email=f"new-{user.email}",
        former_email=user.email,
        token_hash=hashlib.sha256(token.encode()).digest(),
        expires_at=timezone.now() + timedelta(hours=1),
    )
    return {"notification_id": told.pk, "session_id": opened.pk, "token": token}
