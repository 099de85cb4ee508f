"""Delivered messages are forgotten in time; what is pending never is."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from apps.audit.models import AuditEvent, OutboxMessage
from apps.audit.services import outbox_prune
from apps.audit.tasks import prune_outbox
from apps.infrastructure.tasks import clear_sessions
from apps.users.models import PortalSession

pytestmark = pytest.mark.django_db
OLD, RECENT = timedelta(days=31), timedelta(days=29)


def message(number: int, *, age: timedelta, is_delivered: bool = True) -> OutboxMessage:
    at = timezone.now() - age
    event = AuditEvent.objects.create(
        event_id=f"00000000-0000-4000-8000-{number:012}",
        stream="s",
        version=number,
        name="audit.test.pruned",
        payload={},
        occurred_at=at,
        hash="",
    )
    return OutboxMessage.objects.create(
        event=event,
        stream="s",
        handler="apps.audit.none",
        context="audit",
        created_at=at,
        delivered_at=at if is_delivered else None,
    )


def test_prune_outbox_forgets_only_what_was_delivered_long_ago() -> None:
    message(1, age=OLD)
    kept = [message(2, age=RECENT), message(3, age=OLD, is_delivered=False)]

    prune_outbox()

    assert list(OutboxMessage.objects.order_by("id")) == kept
    assert AuditEvent.objects.count() == 3


def test_outbox_prune_works_in_bounded_batches() -> None:
    for number in range(1, 6):
        message(number, age=OLD)

    assert outbox_prune(batch=2, batches=2) == 4
    assert OutboxMessage.objects.get().event.version == 5, "the oldest go first"
    assert outbox_prune(batch=2, batches=2) == 1


def test_clear_sessions_forgets_only_expired_ones() -> None:
    for hours in (-1, 1):
        PortalSession.objects.create(
            key_hash=bytes([hours + 1]), data="", expires_at=timezone.now() + timedelta(hours=hours)
        )

    clear_sessions()

    assert PortalSession.objects.get().expires_at > timezone.now()


@pytest.mark.parametrize("task", ["audit.prune_outbox", "infrastructure.clear_sessions"])
def test_clearing_up_is_on_the_schedule(task: str) -> None:
    assert task in {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
