"""What webhooks say, and how they are signed (after Standard Webhooks 1.0)."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime

EVENT_TYPES = {
    "order.filled": "An order, or a part of it, was filled",
    "order.rejected": "An order was not accepted by the venue",
    "order.canceled": "An order was cancelled",
    "order.expired": "An order's time ended",
    "cash.deposited": "Money arrived",
    "cash.withdrawn": "Money left for the bank",
    "kyc.decided": "The identity check was decided",
}
TEST_TYPE = "webhook.test"
SECRET_PREFIX = "whsec_"  # noqa: S105
SECRET_BYTES = 32


def secret_make() -> str:
    """Return a new secret: 256 bits from the system's random source, in base64."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def body_of(event_type: str, occurred_at: datetime, data: Mapping[str, str]) -> str:
    """Return the JSON text that is sent and signed, letter by letter."""
    content = {"type": event_type, "timestamp": occurred_at.isoformat(), "data": dict(data)}
    return json.dumps(content, separators=(",", ":"))


def signature_of(secret: str, message_id: str, timestamp: int, body: str) -> str:
    """Return `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
