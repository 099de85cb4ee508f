import json
import threading
import uuid
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate

from apps.core.errors import InvalidInput, Refused
from apps.infrastructure.api import idempotency
from apps.infrastructure.api.idempotency import KEPT, answers_prune, idempotent
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.infrastructure.models import IdempotencyRecord
from apps.users.models import User

pytestmark = pytest.mark.django_db


class CountingApi(ApiView):
    """Counts its runs; the body says what shall happen."""

    # It has no address, so the table of operations has no line for it.
    permission_classes = (IsAuthenticated,)
    runs: ClassVar[list[Any]] = []

    @idempotent
    def post(self, request: Request) -> Response:
        self.runs.append(request.data)
        match request.data.get("do"):
            case "refuse":
                raise Refused("No.", code="too_much", limit="1", measured="2")
            case "invalid":
                raise InvalidInput("No.")
            case "down":
                raise OperationalError
        return Response({"run": len(self.runs)}, 201)


@pytest.fixture(autouse=True)
def _no_runs() -> None:
    CountingApi.runs.clear()


@pytest.fixture
def user() -> User:
    return User.objects.create_user(f"{uuid.uuid4()}@example.com")


def post(user: User, key: str | None, body: dict[str, Any]) -> Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    request = APIRequestFactory().post(
        "/api/v1/x", json.dumps(body), content_type="application/json", headers=headers
    )
    force_authenticate(request, user)
    response: Response = CountingApi.as_view()(request)
    response.render()
    return response


def test_post_twice_with_one_key_runs_once_and_answers_alike(user: User) -> None:
    first, second = (post(user, "k", {"do": "it"}) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second["Idempotent-Replayed"] == "true"
    assert len(CountingApi.runs) == 1


def test_post_of_a_refusal_is_replayed_as_the_same_problem(user: User) -> None:
    first, second = (post(user, "k", {"do": "refuse"}) for _ in range(2))

    assert first.status_code == second.status_code == 422
    assert first.content == second.content
    assert json.loads(first.content)["facts"] == {"limit": "1", "measured": "2"}
    assert second["Content-Type"].startswith("application/problem+json")
    assert len(CountingApi.runs) == 1


@pytest.mark.parametrize(("do", "status"), [("invalid", 400), ("down", 503)])
def test_post_that_may_be_mended_is_not_kept(user: User, do: str, status: int) -> None:
    assert post(user, "k", {"do": do}).status_code == status
    assert not IdempotencyRecord.objects.exists()


def test_post_of_another_body_under_the_key_is_refused(user: User) -> None:
    post(user, "k", {"do": "it"})

    response = post(user, "k", {"do": "that"})

    assert (response.status_code, response.data["code"]) == (422, "idempotency_mismatch")
    assert len(CountingApi.runs) == 1


def test_post_of_two_people_under_one_key_runs_for_each(user: User) -> None:
    post(user, "k", {})
    post(User.objects.create_user("b@example.com"), "k", {})

    assert len(CountingApi.runs) == 2


@pytest.mark.parametrize("key", [None, "", "a b", "k" * 256, "\u00e9"])
def test_post_without_a_usable_key_is_refused(user: User, key: str | None) -> None:
    assert post(user, key, {}).status_code == 400
    assert not CountingApi.runs


@pytest.mark.django_db(transaction=True)
def test_post_fifty_times_at_once_runs_once(user: User) -> None:
    answers: list[bytes] = []
    barrier = threading.Barrier(50)

    def send() -> None:
        barrier.wait()
        answers.append(post(user, "k", {"do": "it"}).content)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [b'{"run":1}'] * 50
    assert len(CountingApi.runs) == 1


@pytest.mark.django_db(transaction=True)
def test_post_while_the_first_is_in_flight_is_refused_after_a_wait(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "WAIT_MS", 50)
    statuses = []

    def second() -> None:
        response = post(user, "k", {})
        statuses.append((response.status_code, response.data["code"]))
        connection.close()

    with transaction.atomic():
        IdempotencyRecord.objects.create(principal=str(user.pk), key="k", fingerprint="")
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()

    assert statuses == [(409, "idempotency_in_flight")]


class NamedInput(InputSerializer):
    """No field at all."""


def test_input_with_an_unknown_field_names_it() -> None:
    serializer = NamedInput(data={"is_staff": True})

    assert not serializer.is_valid()
    assert serializer.errors["is_staff"][0].code == "unknown_field"


def test_answers_are_forgotten_after_their_time_and_not_before() -> None:
    for key, age in (("old", KEPT + timedelta(minutes=1)), ("young", KEPT - timedelta(minutes=1))):
        IdempotencyRecord.objects.create(
            principal="p", key=key, fingerprint="", created_at=timezone.now() - age
        )

    assert answers_prune() == 1
    assert IdempotencyRecord.objects.get().key == "young"
