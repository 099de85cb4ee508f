from typing import Any
from uuid import uuid4

import pytest
from channels.layers import get_channel_layer
from django.db import transaction
from pytest_django.fixtures import Settings

from apps.infrastructure.realtime import _send, push, user_group


async def test_send_reaches_the_users_group() -> None:
    user_id = uuid4()
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(user_group(user_id), channel)
    from asgiref.sync import sync_to_async  # noqa: PLC0415

    message = {"type": "private.event", "channel": "orders", "event_id": "e1", "data": {"id": "1"}}
    await sync_to_async(_send)(user_group(user_id), message)

    assert await layer.receive(channel) == message
    await layer.close_pools()


@pytest.mark.django_db(transaction=True)
def test_push_in_a_transaction_that_fails_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(
        "apps.infrastructure.realtime._send", lambda group, message: sent.append(group)
    )
    user_id = uuid4()

    def fail() -> None:
        with transaction.atomic():
            push(user_id=user_id, channel="orders", event_id="e1", data={})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert sent == []

    push(user_id=user_id, channel="orders", event_id="e1", data={})
    assert sent == [user_group(user_id)]


@pytest.mark.django_db(transaction=True)
def test_push_with_redis_down_does_not_raise(settings: Settings) -> None:
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": ["unix:///nowhere/redis.sock"]},
        }
    }

    push(user_id=uuid4(), channel="orders", event_id="e1", data={})
