"""Webhooks: whose they are, what they are told, and what happens when nobody listens."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.audit.services import outbox_deliver
from apps.core.errors import NotPermitted, Refused
from apps.notifications import tasks
from apps.notifications.models import Notification, Webhook, WebhookDelivery
from apps.notifications.services import deliveries
from apps.notifications.services.deliveries import delivery_attempt
from apps.notifications.services.webhooks import (
    deliveries_enqueue,
    webhook_create,
    webhook_enable,
    webhook_test,
)
from apps.users.domain.roles import Role
from apps.users.models import ApiSession, User
from stratford import limits
from tests.infrastructure.outbound_server import Receiver, receiving
from tests.trading.factories import make_market, make_portfolio, place_order
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db
WEBHOOKS = "/api/v1/webhooks"


@pytest.fixture(autouse=True)
def _inside(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OUTBOUND_INSIDE = ["127.0.0.1/32"]
    settings.PRE_TRADE_CHECKS = []
    monkeypatch.setattr(deliveries, "delivery_ask", lambda _: None)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as running:
        yield running


def make_webhook(receiver: Receiver, user: User | None = None) -> tuple[Webhook, str]:
    events = ["order.filled", "cash.deposited"]
    return webhook_create(actor=user or make_user(), url=receiver.url(), events=events)


def tell(webhook: Webhook) -> WebhookDelivery:
    deliveries_enqueue(
        user_id=webhook.user_id,
        event_id=uuid4(),
        event_type="cash.deposited",
        occurred_at=timezone.now(),
        data={"amount": "5"},
    )
    return WebhookDelivery.objects.latest("created_at")


def attempt(delivery: WebhookDelivery, times: int = 1) -> None:
    """Try at once, however long the pauses would be."""
    for _ in range(times):
        WebhookDelivery.objects.filter(pk=delivery.pk).update(next_attempt_at=timezone.now())
        Webhook.objects.update(paused_until=None)
        delivery_attempt(delivery_id=delivery.pk)
    delivery.refresh_from_db()
    delivery.webhook.refresh_from_db()


def test_filled_order_is_told_once_and_signed(receiver: Receiver) -> None:
    portfolio = make_portfolio(cash="1000")
    _, secret = make_webhook(receiver, portfolio.client)
    make_market()
    order = place_order(portfolio)
    outbox_deliver(context="trading")
    from apps.trading.services.routing import order_route  # noqa: PLC0415

    order_route(order_id=order.pk)
    outbox_deliver(context="notifications")
    delivery = WebhookDelivery.objects.get(event_type="order.filled")

    assert delivery_attempt(delivery_id=delivery.pk)
    assert not delivery_attempt(delivery_id=delivery.pk), "it has arrived"

    ((_, headers, body),) = receiver.received
    told = json.loads(body)
    assert told["type"] == "order.filled"
    assert told["data"]["order_id"] == str(order.pk)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    assert len(key) == 32
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(headers["webhook-timestamp"]) - timezone.now().timestamp()) < 60


def test_nobody_elses_event_and_no_other_event_is_told(receiver: Receiver) -> None:
    webhook, _ = make_webhook(receiver)
    for user_id, event_type in ((make_user().pk, "cash.deposited"), (webhook.user_id, "x")):
        told = deliveries_enqueue(
            user_id=user_id,
            event_id=uuid4(),
            event_type=event_type,
            occurred_at=timezone.now(),
            data={},
        )
        assert told == 0


def test_secret_and_address_are_not_readable_in_the_table(receiver: Receiver) -> None:
    webhook, secret = make_webhook(receiver)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret, url FROM notifications_webhook")
        row = [bytes(value) for value in cursor.fetchone()]
    assert secret.encode() not in row[0]
    assert b"hook" not in row[1]
    assert secret not in str(list(AuditEvent.objects.values_list("payload", flat=True)))
    assert str(receiver.port) not in str(AuditEvent.objects.stream(webhook.user.stream).values())


def test_delivery_that_fails_is_tried_again_with_growing_pauses(
    receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOKS = {**settings.WEBHOOKS, "pauses": (5, 30), "failures_most": 99}
    receiver.statuses = [500, 302, 200]
    webhook, _ = make_webhook(receiver)
    delivery = tell(webhook)

    pauses = []
    for _ in range(2):
        attempt(delivery)
        pauses.append(round((delivery.next_attempt_at - timezone.now()).total_seconds()))
    assert pauses == [5, 30]
    assert (delivery.status, delivery.response_status) == ("PENDING", 302)
    assert not delivery_attempt(delivery_id=delivery.pk), "its time has not come"
    attempt(delivery)
    assert (delivery.status, delivery.attempts, delivery.webhook.failures) == ("DELIVERED", 3, 0)
    ids = {headers["webhook-id"] for _, headers, _ in receiver.received}
    assert len(ids) == 1


def test_delivery_is_given_up_after_the_last_pause(receiver: Receiver, settings: Settings) -> None:
    settings.WEBHOOKS = {**settings.WEBHOOKS, "pauses": (5,)}
    receiver.statuses = [500]
    delivery = tell(make_webhook(receiver)[0])
    attempt(delivery, times=3)
    assert (delivery.status, delivery.attempts) == ("FAILED", 2)


def test_delivery_whose_workers_always_die_is_given_up(receiver: Receiver) -> None:
    delivery = tell(make_webhook(receiver)[0])
    WebhookDelivery.objects.update(attempts=len(limits.WEBHOOKS["pauses"]) + 1)
    attempt(delivery)
    assert (delivery.status, delivery.error_code) == ("FAILED", "no_answer")
    assert receiver.received == []


def test_secret_of_a_webhook_is_under_the_key_of_credentials(receiver: Receiver) -> None:
    make_webhook(receiver)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key.data_class FROM notifications_webhook hook JOIN infrastructure_datakey key"
            " ON substring(hook.secret from 2 for 8) = key.key_id"
        )
        assert cursor.fetchall() == [("credentials",)]


def test_failing_address_pauses_all_of_its_deliveries(receiver: Receiver) -> None:
    receiver.statuses = [500]
    webhook, _ = make_webhook(receiver)
    first, second = tell(webhook), tell(webhook)
    delivery_attempt(delivery_id=first.pk)
    assert not delivery_attempt(delivery_id=second.pk)
    assert len(receiver.received) == 1


@pytest.mark.parametrize(("status", "reason"), [(500, "FAILURES"), (410, "GONE")])
def test_webhook_that_keeps_failing_is_switched_off_and_its_owner_hears(
    receiver: Receiver, settings: Settings, status: int, reason: str
) -> None:
    settings.WEBHOOKS = {**settings.WEBHOOKS, "failures_most": 2 if status == 500 else 99}
    receiver.statuses = [status]
    webhook, _ = make_webhook(receiver)
    delivery, other = tell(webhook), tell(webhook)
    attempt(delivery, times=2)

    webhook.refresh_from_db()
    assert webhook.disabled_at is not None
    event = AuditEvent.objects.get(name="notifications.webhook.disabled")
    assert event.payload["reason"] == reason
    assert Notification.objects.get().body_code == "webhook_disabled"
    other.refresh_from_db()
    assert (other.status, other.error_code) == ("FAILED", "webhook_disabled")
    webhook_enable(actor=webhook.user, webhook_id=webhook.pk)
    receiver.statuses = [200]
    assert delivery_attempt(delivery_id=tell(webhook).pk)


def test_asvs_v1_3_6_webhook_whose_name_moved_inside_is_not_called(
    receiver: Receiver, settings: Settings
) -> None:
    delivery = tell(make_webhook(receiver)[0])
    settings.OUTBOUND_INSIDE = []
    attempt(delivery)
    assert (delivery.status, delivery.error_code) == ("PENDING", "outbound_inside")
    assert receiver.received == []


def test_asvs_v1_3_6_webhook_at_an_inside_address_is_refused(settings: Settings) -> None:
    settings.OUTBOUND_INSIDE = []
    client = api_client(make_user(with_totp=True))
    for url in ("https://127.0.0.1/", "https://169.254.169.254/latest", "http://localhost/"):
        body = {"url": url, "events": ["order.filled"]}
        answer = client.post(WEBHOOKS, body, format="json")
        assert (answer.status_code, answer.json()["code"]) == (422, "outbound_inside")
    assert not Webhook.objects.exists()
    assert not AuditEvent.objects.filter(name="notifications.webhook.created").exists()


def test_revoked_webhook_and_disabled_client_are_told_nothing(receiver: Receiver) -> None:
    user = make_user()
    webhook, _ = make_webhook(receiver, user)
    delivery = tell(webhook)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert not delivery_attempt(delivery_id=delivery.pk)
    User.objects.filter(pk=user.pk).update(is_active=True)
    assert api_client(user).delete(f"{WEBHOOKS}/{webhook.pk}").status_code == 204
    assert not delivery_attempt(delivery_id=delivery.pk)
    assert receiver.received == []


def test_api_makes_tests_lists_and_revokes_ones_own_only(receiver: Receiver) -> None:
    user = make_user(with_totp=True)
    client, stranger = api_client(user), api_client(make_user())
    body = {"url": receiver.url(), "events": ["order.filled"]}
    made = client.post(WEBHOOKS, body, format="json")
    assert made.status_code == 201
    one = f"{WEBHOOKS}/{made.json()['id']}"
    assert "secret" not in client.get(one).json()
    sent = client.post(f"{one}/test")
    assert sent.status_code == 202
    delivery_attempt(delivery_id=sent.json()["id"])
    (row,) = client.get(f"{one}/deliveries").json()["results"]
    assert (row["status"], row["response_status"]) == ("DELIVERED", 200)
    for method, path in (
        *(("get", one), ("delete", one), ("post", f"{one}/test"), ("post", f"{one}/enable")),
        ("get", f"{one}/deliveries"),
    ):
        assert getattr(stranger, method)(path).status_code == 404
    assert stranger.get(WEBHOOKS).json() == []
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404


def test_webhook_needs_a_fresh_second_factor(receiver: Receiver) -> None:
    client = api_client(make_user(with_totp=True))
    ApiSession.objects.update(second_factor_at=None)
    body = {"url": receiver.url(), "events": ["order.filled"]}
    answer = client.post(WEBHOOKS, body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")
    assert not Webhook.objects.exists()


def test_limits_of_webhooks_and_tests_hold(receiver: Receiver, settings: Settings) -> None:
    settings.WEBHOOKS = {**settings.WEBHOOKS, "live_most": 1, "tests_a_minute": 1}
    webhook, _ = make_webhook(receiver)
    with pytest.raises(Refused, match="too many"):
        make_webhook(receiver, webhook.user)
    webhook_test(actor=webhook.user, webhook_id=webhook.pk)
    with pytest.raises(Refused, match="Wait"):
        webhook_test(actor=webhook.user, webhook_id=webhook.pk)
    with pytest.raises(NotPermitted):
        make_webhook(receiver, make_user(Role.AUDITOR))
    assert (Webhook.objects.count(), WebhookDelivery.objects.count()) == (1, 1)


def test_sweep_asks_for_what_is_due_and_old_deliveries_are_forgotten(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(deliveries, "delivery_ask", asked.append)
    delivery = tell(make_webhook(receiver)[0])
    tasks.deliver_webhooks()
    assert asked == [delivery.pk]
    tasks.deliver_webhook(str(delivery.pk))
    asked.clear()
    tasks.deliver_webhooks()
    assert asked == []
    WebhookDelivery.objects.update(created_at=timezone.now() - timedelta(days=31))
    tasks.prune_deliveries()
    assert not WebhookDelivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_delivery_by_eight_workers_at_once_is_called_once(receiver: Receiver) -> None:
    delivery = tell(make_webhook(receiver)[0])

    def run(_: int) -> bool:
        try:
            return delivery_attempt(delivery_id=delivery.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(run, range(8))) == [False] * 7 + [True]
    assert len(receiver.received) == 1
