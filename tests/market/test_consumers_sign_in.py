"""Open sockets end with the sign-in behind them, told or not, within five seconds."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client

from apps.infrastructure import realtime
from apps.market.consumers.frames import CLOSE_FORBIDDEN, CLOSE_UNAUTHENTICATED
from apps.users.backends import SessionStore
from apps.users.domain.roles import Role
from apps.users.models import User
from apps.users.services.accounts import password_set
from apps.users.services.sessions import session_end, sessions_end
from apps.users.services.ws_tokens import ws_token_issue
from tests.market.test_consumers import ORIGIN, Caller, calling, cookie_of, faster
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "timescale"])
# Nobody looks by itself: what ends the socket is the push.
TOLD = faster(recheck_ms=60_000)


@pytest.fixture
def user() -> User:
    return make_user()


def portal(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


async def seconds_until_closed(caller: Caller) -> tuple[float, int]:
    began = time.monotonic()
    code = await caller.closed()
    return time.monotonic() - began, code


def ways(user: User) -> dict[str, Callable[[], Any]]:
    return {
        "ended": lambda: sessions_end(actor=user, user_id=user.pk, reason="ASKED"),
        "password": lambda: password_set(user=user, password="quite another password"),
    }


@TOLD
@pytest.mark.parametrize("way", ["ended", "password"])
async def test_socket_hears_at_once_that_its_sign_in_ended(user: User, way: str) -> None:
    client = await sync_to_async(portal)(user)
    async with calling(ORIGIN, cookie_of(client)) as caller:
        await caller.say(op="subscribe", id=1, channel="orders")
        await caller.hear("ack")
        await asyncio.sleep(0.2)
        await sync_to_async(ways(user)[way])()
        seconds, code = await seconds_until_closed(caller)
    assert code == CLOSE_UNAUTHENTICATED
    assert seconds < 1


@TOLD
async def test_socket_of_the_session_that_is_kept_stays_open(user: User) -> None:
    mine, other = [await sync_to_async(portal)(user) for _ in range(2)]
    keep = await sync_to_async(lambda: SessionStore(mine.cookies["sessionid"].value).public_id)()
    async with (
        calling(ORIGIN, cookie_of(mine)) as kept,
        calling(ORIGIN, cookie_of(other)) as ended,
    ):
        for caller in (kept, ended):
            await caller.say(op="subscribe", id=1, channel="orders")
            await caller.hear("ack")
        await asyncio.sleep(0.2)
        await sync_to_async(sessions_end)(actor=user, user_id=user.pk, reason="ASKED", keep=keep)
        assert (await seconds_until_closed(ended))[1] == CLOSE_UNAUTHENTICATED
        await kept.say(op="unsubscribe", id=2, channel="orders")
        assert (await kept.hear("ack"))["id"] == 2


@TOLD
async def test_socket_of_an_api_session_ends_with_it(user: User) -> None:
    client = await sync_to_async(api_client)(user)
    answer = await sync_to_async(client.post)("/api/v1/ws-tokens")
    (row,) = (await sync_to_async(client.get)("/api/v1/sessions")).json()
    async with calling() as caller:
        await caller.say(op="auth", id=1, token=answer.json()["token"])
        await caller.hear("ack")
        await asyncio.sleep(0.2)
        await sync_to_async(session_end)(actor=user, session_id=row["id"])
        assert (await seconds_until_closed(caller))[1] == CLOSE_UNAUTHENTICATED


async def test_asvs_v8_3_2_socket_ends_within_five_seconds_when_nobody_tells_it(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.LIVE_FEED["recheck_ms"] <= 4000
    monkeypatch.setattr(realtime, "_publish_recheck", lambda user_id: None)
    client = await sync_to_async(portal)(user)
    async with calling(ORIGIN, cookie_of(client)) as caller:
        await caller.say(op="subscribe", id=1, channel="orders")
        await caller.hear("ack")
        await sync_to_async(sessions_end)(actor=user, user_id=user.pk, reason="ASKED")
        seconds, code = await seconds_until_closed(caller)
    assert code == CLOSE_UNAUTHENTICATED
    assert seconds < 5


@faster(recheck_ms=100)
async def test_asvs_v8_3_2_socket_closes_4403_when_a_role_is_removed(user: User) -> None:
    token = await sync_to_async(ws_token_issue)(user)
    async with calling() as caller:
        await caller.say(op="auth", id=1, token=token)
        await caller.hear("ack")
        group = await sync_to_async(Group.objects.get)(name=Role.CLIENT.value)
        await sync_to_async(user.groups.remove)(group)
        assert (await seconds_until_closed(caller))[1] == CLOSE_FORBIDDEN


async def test_token_of_a_sign_in_that_has_ended_opens_nothing(user: User) -> None:
    client = await sync_to_async(portal)(user)
    answer = await sync_to_async(client.post)("/api/v1/ws-tokens")
    await sync_to_async(sessions_end)(actor=user, user_id=user.pk, reason="ASKED")
    async with calling() as caller:
        await caller.say(op="auth", id=1, token=answer.json()["token"])
        assert (await caller.hear("error"))["slug"] == "unauthenticated"
        assert await caller.closed() == CLOSE_UNAUTHENTICATED
