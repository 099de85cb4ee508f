"""The client's own ledger entries and audit trail, in plain words."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from apps.audit.selectors import client_trail
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import entries_of
from apps.portal.domain.wording import EVENTS, event_words

MOST_ENTRIES = 50
MOST_EVENTS = 50
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
            entry.id,
            entry.kind,
            entry.posted_at,
            [
                Movement(
                    ACCOUNT_WORDS.get(AccountKind(posting.account.kind), posting.account.kind),
                    posting.asset,
                    posting.amount,
                )
                for posting in entry.postings.all()
            ],
        )
        for entry in entries_of(portfolio_id)[:limit]
    ]


def event_views(client_id: UUID, *, limit: int = MOST_EVENTS) -> list[EventView]:
    """Return the newest events that the client did or that concern the client."""
    return [
        EventView(
            event_words(row.name, row.payload),
            row.occurred_at,
            row.stream,
            row.version,
            row.hash,
            row.actor_id == client_id,
        )
        for row in client_trail(client_id, names=EVENTS.keys())[:limit]
    ]
