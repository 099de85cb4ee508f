"""The ledger against the world: what clients are owed, what the bank has, what positions say."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from apps.core.domain.money import MINOR_UNITS
from apps.core.queries import snapshot
from apps.ledger.selectors import ledger_differences
from apps.trading.providers.bank import bank

BOOKS = """
SELECT asset, coalesce(sum(balance) FILTER (WHERE owner_id IS NOT NULL), 0),
       coalesce(sum(balance) FILTER (WHERE owner_id IS NULL), 0),
       coalesce(-sum(balance) FILTER (WHERE owner_id IS NULL AND kind = 'CLIENT_MONEY'), 0)
  FROM ledger_account GROUP BY asset ORDER BY asset
"""


@dataclass(frozen=True, slots=True)
class Book:
    """One asset: what clients have, what the firm's accounts stand at against them, and the bank.

    `bank` is what the bank says that it keeps for clients, None for units.
    """

    asset: str
    clients: Decimal
    firm: Decimal
    client_money: Decimal
    bank: Decimal | None

    @property
    def sum_difference(self) -> Decimal:
        """The firm's accounts mirror the clients': together they are zero."""
        return self.clients + self.firm

    @property
    def bank_difference(self) -> Decimal:
        return Decimal(0) if self.bank is None else self.client_money - self.bank

    def differences(self) -> Iterator[str]:
        if self.sum_difference:
            yield f"{self.asset}: clients and firm sum to {self.sum_difference:f}, not to zero"
        if self.bank_difference:
            yield (
                f"{self.asset}: the ledger has {self.client_money:f} of client money at the bank, "
                f"the bank says {self.bank:f}"
            )


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Every asset's book, and each difference in words."""

    books: list[Book]
    differences: list[str]


def reconciliation_read() -> Reconciliation:
    """Compare the ledger with the bank, the lots, the open orders' holds and itself.

    One snapshot of the database, however long it takes.
    """
    with snapshot():
        books = books_read()
        found = [difference for book in books for difference in book.differences()]
        return Reconciliation(books, [*found, *ledger_differences()])


def books_read() -> list[Book]:
    """Return every asset's book: balances only, so that a page may ask."""
    balances = bank().balances()
    with connection.cursor() as cursor:
        cursor.execute(BOOKS)
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    return [_book(asset, rows, balances) for asset in sorted({*rows, *balances})]


def _book(
    asset: str, rows: dict[str, tuple[Decimal, Decimal, Decimal]], balances: dict[str, Decimal]
) -> Book:
    clients, firm, client_money = rows.get(asset, (Decimal(0),) * 3)
    at_bank = balances.get(asset, Decimal(0)) if asset in MINOR_UNITS else None
    return Book(asset, clients, firm, client_money, at_bank)
