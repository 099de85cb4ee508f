"""The client's own ledger entries and audit trail, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from apps.audit.selectors import client_trail
from apps.compliance.domain.kyc import KycStatus, client_status
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import entries_of
from apps.portal.domain.wording import EVENTS, event_words

MOST_ENTRIES = 50
MOST_EVENTS = 50
STOPPED = {KycStatus.SUSPENDED, KycStatus.EXPIRED}
# The other side of every movement belongs to the firm: the client sees the client's own accounts.
ACCOUNT_WORDS = {
    AccountKind.CASH: "Cash",
    AccountKind.HELD: "Held for orders",
    AccountKind.SECURITIES: "Securities",
    AccountKind.FEES: "Fees",
    AccountKind.DIVIDENDS: "Dividends",
    AccountKind.INTEREST: "Interest",
    AccountKind.FX: "Currency exchange",
}


@dataclass(frozen=True, slots=True)
class Movement:
    account: str
    asset: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class EntryView:
    id: UUID
    kind: str
    at: datetime
    movements: list[Movement]


@dataclass(frozen=True, slots=True)
class EventView:
    words: str
    at: datetime
    stream: str
    version: int
    hash: str
    is_own: bool


def entry_views(portfolio_id: UUID, *, limit: int = MOST_ENTRIES) -> list[EntryView]:
    """Return the portfolio's newest ledger entries with what each moved."""
    return [
        EntryView(
            row.entry.id,
            row.entry.kind,
            row.entry.posted_at,
            [
                Movement(
                    ACCOUNT_WORDS.get(AccountKind(posting.account.kind), posting.account.kind),
                    posting.asset,
                    posting.amount,
                )
                for posting in row.entry.postings.all()
            ],
        )
        for row in entries_of(portfolio_id, limit=limit)
    ]


def event_views(client_id: UUID, *, limit: int = MOST_EVENTS) -> list[EventView]:
    """Return the newest events that the client did or that concern the client."""
    trail = client_trail(client_id, names=EVENTS.keys()).iterator(chunk_size=limit)
    told = islice((row for row in trail if _is_told(row.name, row.payload)), limit)
    return [
        EventView(
            event_words(row.name, row.payload),
            row.occurred_at,
            row.stream,
            row.version,
            row.hash,
            row.actor_id == client_id,
        )
        for row in told
    ]


def _is_told(name: str, payload: Mapping[str, Any]) -> bool:
    """Tell whether the client hears of the event: of no decision that ends a review unseen.

    Nor of one that stops the account, which changes its state too: whether an officer did, or a
    list, looks the same.
    """
    was = payload.get("from_status")
    if name != "compliance.kyc.decided" or not was:
        return True
    status = payload["status"]
    return status not in STOPPED and client_status(was) != client_status(status)
