"""What a checkpoint signs, and how a third party checks it with the public key alone."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from apps.audit.domain.merkle import proof_verify


@dataclass(frozen=True, slots=True)
class CheckpointFacts:
    """All events with first_sequence ≤ sequence ≤ last_sequence, under one Merkle root."""

    number: int
    first_sequence: int
    last_sequence: int
    event_count: int
    merkle_root: str
    previous_hash: str
    created_at: datetime

    def image(self) -> bytes:
        """Return the signed bytes: one JSON array, no white space."""
        return json.dumps(
            [
                self.number,
                self.first_sequence,
                self.last_sequence,
                self.event_count,
                self.merkle_root,
                self.previous_hash,
                self.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
            ],
            separators=(",", ":"),
        ).encode()

    def hash(self) -> str:
        return hashlib.sha256(self.image()).hexdigest()


def signature_verify(public_key: bytes, facts: CheckpointFacts, signature: str) -> bool:
    """Return whether the raw 32-byte Ed25519 key signed the checkpoint; `signature` is hex."""
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(bytes.fromhex(signature), facts.image())
    except (InvalidSignature, ValueError):
        return False
    return True


def proof_document_verify(document: Mapping[str, Any], public_key: bytes) -> bool:
    """Return whether a document of `audit_prove` holds: the event's hash, its path, the signature.

    Needs no database; a document that is not of that shape does not hold.
    """
    try:
        event, checkpoint = document["event"], document["checkpoint"]
        image = json.dumps(
            event["image"], sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        facts = CheckpointFacts(
            **{
                **checkpoint["facts"],
                "created_at": datetime.fromisoformat(checkpoint["facts"]["created_at"]),
            }
        )
        return (
            hashlib.sha256(image.encode()).hexdigest() == event["hash"]
            and proof_verify(event["hash"], document["proof"], facts.merkle_root)
            and signature_verify(public_key, facts, checkpoint["signature"])
        )
    except (KeyError, TypeError, ValueError):
        return False
