"""What an event's hash is taken over, so that anybody can compute it again."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID


class Sealed(Protocol):
    """The columns of a stored event."""

    previous_hash: str
    event_id: UUID
    stream: str
    version: int
    name: str
    actor_id: UUID | None
    occurred_at: datetime
    correlation_id: str
    payload: Any


def seal_image(
    *,
    previous_hash: str,
    event_id: UUID,
    stream: str,
    version: int,
    name: str,
    actor_id: UUID | None,
    occurred_at: datetime,
    correlation_id: str,
    payload: Mapping[str, Any],
) -> list[Any]:
    """Return what an event's hash is taken over: every column and the hash before it."""
    return [
        previous_hash,
        str(event_id),
        stream,
        version,
        name,
        str(actor_id) if actor_id else None,
        occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
        correlation_id,
        payload,
    ]


def seal(image: list[Any]) -> str:
    """Return the SHA-256 (hex) of the image as JSON with sorted keys and no white space.

    A third party can compute it without this code.
    """
    return hashlib.sha256(_text(image).encode()).hexdigest()


def _text(image: list[Any]) -> str:
    return json.dumps(image, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def seal_halves(row: Sealed) -> tuple[str, str]:
    """Return the text between the previous hash and the version, and the text after the version.

    For a row whose place in its stream is not known yet.
    """
    image = image_of(row)
    return _text(image[1:3])[1:-1], _text(image[4:])[1:-1]


def image_of(row: Sealed) -> list[Any]:
    """Return the pre-image of the row's hash, from its own columns."""
    return seal_image(
        previous_hash=row.previous_hash,
        event_id=row.event_id,
        stream=row.stream,
        version=row.version,
        name=row.name,
        actor_id=row.actor_id,
        occurred_at=row.occurred_at,
        correlation_id=row.correlation_id,
        payload=row.payload,
    )


def seal_of(row: Sealed) -> str:
    """Return the hash that the row should have, from its own columns."""
    return seal(image_of(row))
