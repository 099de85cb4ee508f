"""Legs: what an entry moves, before it is posted."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from apps.core.domain.instruments import QUANTITY_PLACES, SYMBOL_PATTERN
from apps.core.domain.money import MINOR_UNITS, exact
from apps.core.errors import InvalidInput

MAX_LEGS = 200
KIND_PATTERN = re.compile(r"[A-Z][A-Z0-9_]{0,39}")


class AccountKind(StrEnum):
    """What an account is for; the firm's own kinds stand against the clients'."""

    CASH = "CASH"
    HELD = "HELD"
    SECURITIES = "SECURITIES"
    FEES = "FEES"
    DIVIDENDS = "DIVIDENDS"
    INTEREST = "INTEREST"
    FX = "FX"
    CLIENT_MONEY = "CLIENT_MONEY"
    CLEARING = "CLEARING"


# The firm's accounts are rows that every client's entries meet: each is kept in that many parts.
FIRM_SHARDS = 16
# A client can never owe on these; the firm's accounts mirror the outside world and have no floor.
FLOORED_KINDS = frozenset({AccountKind.CASH, AccountKind.HELD, AccountKind.SECURITIES})


class AccountKey(NamedTuple):
    """An account's natural key; `owner_id` None is the firm."""

    owner_id: UUID | None
    kind: AccountKind
    asset: str

    @property
    def floor(self) -> Decimal | None:
        """The least balance that the account may have, in its asset; None is no limit."""
        return Decimal(0) if self.owner_id and self.kind in FLOORED_KINDS else None

    @property
    def rank(self) -> tuple[bool, str, str, str]:
        """The one order in which accounts are made and locked: the firm's shared rows last."""
        return (self.owner_id is None, str(self.owner_id), self.kind.value, self.asset)


@dataclass(frozen=True, slots=True)
class Leg:
    """An amount that moves into (+) or out of (-) an account, in units of the asset.

    The asset is a currency code or a symbol.  Raises InvalidInput for an unknown form of asset,
    for zero, and for more decimals than the asset has (a currency's minor unit, 8 for units).
    """

    owner_id: UUID | None
    kind: AccountKind
    asset: str
    amount: Decimal

    def __post_init__(self) -> None:
        if not SYMBOL_PATTERN.fullmatch(self.asset):
            raise InvalidInput("Not an asset.", field="asset")
        if not isinstance(self.amount, Decimal):
            raise InvalidInput("A leg takes a Decimal.", field="amount")
        if exact(self.amount, places=places_of(self.asset), name="amount") == 0:
            raise InvalidInput("A leg moves something.", field="amount")

    @property
    def account(self) -> AccountKey:
        return AccountKey(self.owner_id, AccountKind(self.kind), self.asset)


def is_currency(asset: str) -> bool:
    """Tell money from units: no instrument may have a currency's code as its symbol."""
    return asset in MINOR_UNITS


def places_of(asset: str) -> int:
    """Return how many decimals amounts of the asset have."""
    return MINOR_UNITS.get(asset, QUANTITY_PLACES)


def net(legs: Sequence[Leg]) -> dict[AccountKey, Decimal]:
    """Return the change of each account, in locking order, leaving out those that do not change.

    Raises InvalidInput when the legs do not sum to zero in every asset, when nothing moves, and
    beyond 200 legs.
    """
    if len(legs) > MAX_LEGS:
        raise InvalidInput(f"An entry has at most {MAX_LEGS} legs.", field="legs")
    changes: defaultdict[AccountKey, Decimal] = defaultdict(Decimal)
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    for leg in legs:
        changes[leg.account] += leg.amount
        totals[leg.asset] += leg.amount
    for asset, total in totals.items():
        if total:
            raise InvalidInput(f"The legs in {asset} sum to {total}, not to zero.", field="legs")
    moved = {key: changes[key] for key in sorted(changes, key=lambda k: k.rank) if changes[key]}
    if not moved:
        raise InvalidInput("The entry moves nothing.", field="legs")
    return moved


def shard_of(keys: Iterable[AccountKey]) -> int:
    """Return which part of the firm's accounts an entry moves: one a client, so that all of a
    client's entries and their reversals meet in it, and most clients' never wait for each other.
    """
    owners = [key.owner_id for key in keys if key.owner_id]
    return min(owners).int % FIRM_SHARDS if owners else 0


def digest(kind: str, changes: Mapping[AccountKey, Decimal]) -> str:
    """Return the SHA-256 (hex) over an entry's kind and its net changes.

    The pre-image is the kind and one line `owner|kind|asset|amount` per account (the amount with
    8 decimals, the firm's owner empty), sorted by code point and joined by line feeds, so that
    SQL can compute it from the postings as well.
    """
    lines = sorted(
        f"{key.owner_id or ''}|{key.kind.value}|{key.asset}|{amount:.8f}"
        for key, amount in changes.items()
    )
    return hashlib.sha256("\n".join([kind, *lines]).encode()).hexdigest()
