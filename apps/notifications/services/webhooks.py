"""Commands on webhooks: a client names an address, tries it, and takes it back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import InvalidInput, NotFound, NotPermitted, Refused
from apps.infrastructure.outbound import Unreachable, target_of
from apps.notifications.domain.webhooks import EVENT_TYPES, TEST_TYPE, body_of, secret_make
from apps.notifications.events import WebhookCreated, WebhookEnabled, WebhookRevoked
from apps.notifications.models import Webhook, WebhookDelivery
from apps.notifications.services.deliveries import delivery_ask
from apps.users.domain.roles import Role
from apps.users.models import User


def webhook_create(*, actor: User, url: str, events: Sequence[str]) -> tuple[Webhook, str]:
    """Keep the address, and return it with its secret: the only time that can be read.

    The caller has demanded a fresh second factor.  Raises NotPermitted for who is no client,
    InvalidInput (field in the facts), and Refused `outbound_inside` and `webhook_limit`.
    """
    try:
        target_of(url)
    except Unreachable as error:
        raise InvalidInput("The host of this address is not known.", field="url") from error
    return _webhook_keep(actor=actor, url=url, events=events)


@command
def _webhook_keep(*, actor: User, url: str, events: Sequence[str]) -> tuple[Webhook, str]:
    if not actor.has_role(Role.CLIENT):
        raise NotPermitted("Only clients have webhooks.")
    chosen = sorted(set(events))
    if not chosen or not set(chosen) <= set(EVENT_TYPES):
        raise InvalidInput("Choose one or more of the known events.", field="events")
    # The client's row is the lock under which the webhooks are counted.
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    most = settings.WEBHOOKS["live_most"]
    if Webhook.objects.of(actor.pk).count() >= most:
        raise Refused("You have too many webhooks.", code="webhook_limit", limit=str(most))
    secret = secret_make()
    webhook = Webhook.objects.create(user=actor, url=url, secret=secret, events=chosen)
    emit(
        WebhookCreated(
            stream=actor.stream,
            webhook_id=str(webhook.pk),
            client_id=str(actor.pk),
            events=chosen,
        ),
        actor=actor,
    )
    return webhook, secret


@command
def webhook_revoke(*, actor: User, webhook_id: UUID) -> None:
    """End one of the actor's own webhooks; what waits for it is not sent.  Raises NotFound."""
    webhook = _own(actor, webhook_id)
    webhook.revoked_at = timezone.now()
    webhook.save(update_fields=["revoked_at", "updated_at"])
    emit(
        WebhookRevoked(stream=actor.stream, webhook_id=str(webhook.pk), client_id=str(actor.pk)),
        actor=actor,
    )


@command
def webhook_enable(*, actor: User, webhook_id: UUID) -> Webhook:
    """Switch a webhook on again that failed too often; on one that is on, nothing happens."""
    webhook = _own(actor, webhook_id)
    if webhook.disabled_at is not None:
        webhook.disabled_at, webhook.paused_until, webhook.failures = None, None, 0
        webhook.save(update_fields=["disabled_at", "paused_until", "failures", "updated_at"])
        emit(
            WebhookEnabled(
                stream=actor.stream, webhook_id=str(webhook.pk), client_id=str(actor.pk)
            ),
            actor=actor,
        )
    return webhook


@command
def webhook_test(*, actor: User, webhook_id: UUID) -> WebhookDelivery:
    """Send one delivery of the type `webhook.test`.  Raises NotFound, Refused `webhook_tests`."""
    webhook = _own(actor, webhook_id)
    now, most = timezone.now(), settings.WEBHOOKS["tests_a_minute"]
    tests = webhook.deliveries.filter(event_type=TEST_TYPE)
    if tests.filter(created_at__gt=now - timedelta(minutes=1)).count() >= most:
        raise Refused("Wait a minute before the next test.", code="webhook_tests", limit=str(most))
    return _delivery_create(webhook, uuid4(), TEST_TYPE, body_of(TEST_TYPE, now, {}))


@command
def deliveries_enqueue(
    *,
    user_id: UUID,
    event_id: UUID,
    event_type: str,
    occurred_at: datetime,
    data: Mapping[str, str],
) -> int:
    """Write down what the user's webhooks are to be told; return how many.  Twice is once."""
    told = 0
    for webhook in Webhook.objects.that_hear(user_id, event_type):
        if not webhook.deliveries.filter(event_id=event_id).exists():
            body = body_of(event_type, occurred_at, data)
            _delivery_create(webhook, event_id, event_type, body)
            told += 1
    return told


def _own(actor: User, webhook_id: UUID) -> Webhook:
    webhook = Webhook.objects.locked(actor.pk, webhook_id)
    if webhook is None:
        raise NotFound("There is no such webhook.")
    return webhook


def _delivery_create(
    webhook: Webhook, event_id: UUID, event_type: str, body: str
) -> WebhookDelivery:
    delivery = WebhookDelivery.objects.create(
        webhook=webhook, event_id=event_id, event_type=event_type, body=body
    )
    transaction.on_commit(lambda: delivery_ask(delivery.pk), robust=True)
    return delivery
