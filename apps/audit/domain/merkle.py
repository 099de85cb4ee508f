"""Merkle trees over event hashes, as RFC 6962 section 2.1 defines them."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Step = tuple[str, str]


def leaf_of(event_hash: str) -> bytes:
    return hashlib.sha256(b"\x00" + bytes.fromhex(event_hash)).digest()


def node_of(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class MerkleTree:
    """Takes leaves one by one and keeps only one hash for each power of two."""

    count: int = 0
    _peaks: list[tuple[int, bytes]] | None = None

    def add(self, event_hash: str) -> None:
        peaks = self._peaks = self._peaks if self._peaks is not None else []
        size, digest = 1, leaf_of(event_hash)
        while peaks and peaks[-1][0] == size:
            _, left = peaks.pop()
            size, digest = size * 2, node_of(left, digest)
        peaks.append((size, digest))
        self.count += 1

    @property
    def root(self) -> str:
        """Return the root in hex; of no leaves it is the hash of nothing."""
        if not self._peaks:
            return hashlib.sha256(b"").hexdigest()
        digest = self._peaks[-1][1]
        for _, left in reversed(self._peaks[:-1]):
            digest = node_of(left, digest)
        return digest.hex()


def root_of(event_hashes: Iterable[str]) -> str:
    tree = MerkleTree()
    for event_hash in event_hashes:
        tree.add(event_hash)
    return tree.root


def inclusion_proof(event_hashes: Sequence[str], index: int) -> list[Step]:
    """Return the siblings from the leaf to the root: ("left" or "right" of the path, hex)."""
    return [(side, digest.hex()) for side, digest in _path([*map(leaf_of, event_hashes)], index)]


def _path(leaves: Sequence[bytes], index: int) -> list[tuple[str, bytes]]:
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = leaves[:split], leaves[split:]
    if index < split:
        return [*_path(left, index), ("right", _subtree(right))]
    return [*_path(right, index - split), ("left", _subtree(left))]


def _subtree(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_of(_subtree(leaves[:split]), _subtree(leaves[split:]))


def proof_verify(event_hash: str, proof: Iterable[Step], root: str) -> bool:
    """Return whether the event's hash is under the root."""
    digest = leaf_of(event_hash)
    for side, sibling in proof:
        other = bytes.fromhex(sibling)
        digest = node_of(other, digest) if side == "left" else node_of(digest, other)
    return digest.hex() == root
