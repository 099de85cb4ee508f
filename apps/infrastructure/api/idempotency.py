"""Idempotency-Key: a POST that moves money or places an order happens once.

The record of the answer is written in the same transaction as the command, under a unique
constraint.  A second request with the same key waits for the first (up to five seconds), then
gets the first answer; with another body it is refused.
After: the IETF draft "The Idempotency-Key HTTP Header Field".
"""

import json
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg.errors import LockNotAvailable
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import Conflict, DomainError, InvalidInput, Unavailable
from apps.infrastructure.api.problems import CONTENT_TYPE, domain_problem, domain_status
from apps.infrastructure.encryption import blind_index
from apps.infrastructure.models import IdempotencyRecord

HEADER = "Idempotency-Key"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
WAIT_MS = 5000
KEPT = timedelta(hours=48)
Post = Callable[..., Response]


class _Replay(Exception):
    """The key has an answer already."""

    def __init__(self, record: IdempotencyRecord) -> None:
        self.record = record


def _fingerprint(request: Request) -> str:
    text = json.dumps([request.method, request.path, request.data], sort_keys=True, default=str)
    return blind_index(text, "idempotency.fingerprint")


def _principal(request: Request) -> str:
    """Name who asks; what each API key was answered is its own, for it may reach less."""
    return str(getattr(request.auth, "principal", request.user.pk))


def _claim(principal: str, key: str, fingerprint: str) -> IdempotencyRecord:
    """Insert the record, or wait for the transaction that did and raise _Replay with its answer."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {WAIT_MS}")
        try:
            cursor.execute(
                "INSERT INTO infrastructure_idempotencyrecord"
                " (id, principal, key, fingerprint, status) VALUES (%s, %s, %s, %s, 0)"
                " ON CONFLICT DO NOTHING RETURNING id",
                [uuid.uuid4(), principal, key, fingerprint],
            )
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise Conflict(
                    "The first request with this key is not done yet.", code="idempotency_in_flight"
                ) from error
            raise
        row = cursor.fetchone()
        cursor.execute("SET LOCAL lock_timeout = 0")
    if row is None:
        raise _Replay(IdempotencyRecord.objects.get(principal=principal, key=key))
    return IdempotencyRecord(id=row[0], principal=principal, key=key, fingerprint=fingerprint)


def _keep(record: IdempotencyRecord, status: int, data: Any) -> Response:
    """Keep the answer as it is rendered, and return it as every replay will."""
    record.status, record.body = status, JSONRenderer().render(data).decode()
    record.save(force_update=True, update_fields=["status", "body"])
    return _answer(record)


def _answer(record: IdempotencyRecord) -> Response:
    kind = CONTENT_TYPE if record.status >= 400 else None
    return Response(json.loads(record.body or "null"), record.status, content_type=kind)


def _run(answer: Callable[[], Response], principal: str, key: str, fingerprint: str) -> Response:
    with transaction.atomic():
        record = _claim(principal, key, fingerprint)
        try:
            with transaction.atomic():
                response = answer()
        except DomainError as error:
            # A refusal is an answer too; bad input and outages are not kept: mend and try again.
            if isinstance(error, InvalidInput | Unavailable):
                raise
            if error.write_down is not None:
                error.write_down()
            return _keep(record, domain_status(error), domain_problem(error))
        return _keep(record, response.status_code, response.data)


def answers_prune() -> int:
    """Forget the answers that are older than KEPT; return how many."""
    return IdempotencyRecord.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]


def idempotent(post: Post) -> Post:
    """Wrap a view's `post`: demand the header, run once per principal and key, replay the answer.

    Raises ValidationError without a usable key, Conflict `idempotency_in_flight` while the first
    request still runs, and answers 422 `idempotency_mismatch` for another body under the same key.
    """

    @wraps(post)
    def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER, "")
        if not KEY.fullmatch(key):
            raise ValidationError({HEADER: ["1 to 255 visible ASCII characters are needed."]})
        fingerprint = _fingerprint(request)
        try:
            return _run(
                lambda: post(view, request, *args, **kwargs), _principal(request), key, fingerprint
            )
        except _Replay as replay:
            record = replay.record
        if record.fingerprint != fingerprint:
            raise DomainError("The key was used for another request.", code="idempotency_mismatch")
        response = _answer(record)
        response["Idempotent-Replayed"] = "true"
        return response

    once.is_idempotent = True  # type: ignore[attr-defined]
    return once
