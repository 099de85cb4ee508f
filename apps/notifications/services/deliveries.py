"""How webhooks are delivered: claimed, called outside of any transaction, settled.

At least once, each in its own time: receivers tell repeats by `webhook-id`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import DomainError
from apps.infrastructure import outbound
from apps.notifications.domain.webhooks import signature_of
from apps.notifications.events import WebhookDisabled
from apps.notifications.models import Webhook, WebhookDelivery
from apps.notifications.services.messages import notification_send

logger = structlog.get_logger(__name__)
# A worker that dies keeps its delivery to itself for this long: more than a call may take.
LEASE = timedelta(seconds=60)
SWEEP_LIMIT = 200
GONE = 410


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a call ended: the answer's status, or the reason why there was none."""

    status: int | None = None
    error_code: str = ""

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def delivery_attempt(*, delivery_id: UUID) -> bool:
    """Try a delivery whose time has come; return whether it arrived.  Twice at once is once."""
    delivery = _delivery_claim(delivery_id=delivery_id)
    if delivery is None:
        return False
    outcome = _call(delivery)
    _delivery_settle(delivery_id=delivery.pk, outcome=outcome)
    return outcome.is_delivered


def deliveries_sweep() -> int:
    """Ask workers for the deliveries that are due; return how many."""
    due = WebhookDelivery.objects.due().order_by("next_attempt_at").values_list("pk", flat=True)
    waiting = list(due[:SWEEP_LIMIT])
    for delivery_id in waiting:
        delivery_ask(delivery_id)
    return len(waiting)


def deliveries_prune() -> int:
    """Forget deliveries that are older than settings.WEBHOOKS["kept_days"]; return how many."""
    before = timezone.now() - timedelta(days=settings.WEBHOOKS["kept_days"])
    return WebhookDelivery.objects.filter(created_at__lt=before).delete()[0]


def delivery_ask(delivery_id: UUID) -> None:
    """Ask a worker to try now; without a broker the sweep asks again."""
    try:
        current_app.send_task("notifications.deliver_webhook", args=[str(delivery_id)])
    except (OSError, RedisError, KombuError) as error:
        logger.warning("webhook_nudge_failed", error=type(error).__name__)


@command
def _delivery_claim(*, delivery_id: UUID) -> WebhookDelivery | None:
    delivery = WebhookDelivery.objects.locked_due(delivery_id)
    if delivery is None:
        return None
    if delivery.attempts > len(settings.WEBHOOKS["pauses"]):
        # Every try was made, and the worker of the last one died before it could say so.
        delivery.status, delivery.error_code = WebhookDelivery.Status.FAILED, "no_answer"
        delivery.save(update_fields=["status", "error_code", "updated_at"])
        return None
    delivery.attempts += 1
    delivery.next_attempt_at = timezone.now() + LEASE
    delivery.save(update_fields=["attempts", "next_attempt_at", "updated_at"])
    return delivery


def _call(delivery: WebhookDelivery) -> Outcome:
    webhook, timestamp = delivery.webhook, int(timezone.now().timestamp())
    message_id = f"msg_{delivery.pk.hex}"
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Stratford-Webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature_of(webhook.secret, message_id, timestamp, delivery.body),
    }
    try:
        # Resolved and checked at every call: a name may have moved inside since it was given.
        target = outbound.target_of(webhook.url)
        return Outcome(status=outbound.post(target, delivery.body.encode(), headers))
    except DomainError as refusal:
        return Outcome(error_code=refusal.code)
    except outbound.Unreachable:
        return Outcome(error_code="unreachable")
    except outbound.Broken:
        return Outcome(error_code="no_answer")


@command
def _delivery_settle(*, delivery_id: UUID, outcome: Outcome) -> None:
    webhook_id = WebhookDelivery.objects.values_list("webhook_id", flat=True).get(pk=delivery_id)
    webhook = Webhook.objects.select_for_update(of=("self",)).get(pk=webhook_id)
    delivery = WebhookDelivery.objects.select_for_update().get(pk=delivery_id)
    now = timezone.now()
    delivery.response_status, delivery.error_code = outcome.status, outcome.error_code
    if outcome.is_delivered:
        delivery.status, delivery.delivered_at = WebhookDelivery.Status.DELIVERED, now
        webhook.failures, webhook.paused_until = 0, None
    else:
        _fail(webhook, delivery, now)
    delivery.save()
    webhook.save(update_fields=["failures", "paused_until", "disabled_at", "updated_at"])
    if webhook.failures >= settings.WEBHOOKS["failures_most"]:
        _disable(webhook, "FAILURES", now)
    elif outcome.status == GONE:
        _disable(webhook, "GONE", now)


def _fail(webhook: Webhook, delivery: WebhookDelivery, now: datetime) -> None:
    pauses = settings.WEBHOOKS["pauses"]
    webhook.failures += 1
    # All other deliveries to this address wait too, for less time than this one.
    pause = pauses[min(webhook.failures, len(pauses)) - 1]
    webhook.paused_until = now + timedelta(seconds=min(pause, 300))
    if delivery.attempts > len(pauses):
        delivery.status = WebhookDelivery.Status.FAILED
    else:
        delivery.next_attempt_at = now + timedelta(seconds=pauses[delivery.attempts - 1])


def _disable(webhook: Webhook, reason: str, now: datetime) -> None:
    """Switch the webhook off, give up what waits for it, and tell its owner once."""
    if webhook.disabled_at is not None:
        return
    webhook.disabled_at = now
    webhook.save(update_fields=["disabled_at", "updated_at"])
    webhook.deliveries.filter(status="PENDING").update(
        status=WebhookDelivery.Status.FAILED, error_code="webhook_disabled"
    )
    row = emit(
        WebhookDisabled(
            stream=f"user-{webhook.user_id}",
            webhook_id=str(webhook.pk),
            client_id=str(webhook.user_id),
            reason=reason,
        ),
        actor=None,
    )
    notification_send(
        user_id=webhook.user_id, event_id=row.event_id, code="webhook_disabled", facts={}
    )
