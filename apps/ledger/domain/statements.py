"""What a statement of an account says: each posting in plain words with the balance after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.ledger.domain.legs import is_currency, places_of

HEADER = ("Posted (UTC)", "Description", "Reference", "Amount", "Balance")
WORDS = {
    "CREDIT_INTEREST": "Interest on cash, {cause}",
    "CUSTODY_FEE": "Custody fee, {cause}",
    "DEPOSIT": "Deposit",
    "DEPOSIT_HOLD": "Deposit, being processed",
    "DEPOSIT_RELEASE": "Deposit, free to use",
    "DIVIDEND": "Dividend of {cause}",
    "ORDER_HOLD": "Held for an order",
    "ORDER_RELEASE": "Free again: an order ended or holds less",
    "REVERSAL": "Correction of an earlier entry",
    "WITHDRAWAL": "Withdrawal",
    "WITHDRAWAL_HOLD": "Held for a withdrawal",
    "WITHDRAWAL_RELEASE": "Free again: the bank refused a withdrawal",
    "WITHHOLDING_TAX": "Tax withheld on the dividend of {cause}",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One posting; `amount` and `balance` in units of the account's asset."""

    at: datetime
    description: str
    reference: str
    amount: Decimal
    balance: Decimal


def describe(kind: str, reference: str, changes: Mapping[str, Decimal], asset: str) -> str:
    """Return an entry in plain words.

    `changes` is what it moved for the account's owner by asset, over all of the owner's accounts.
    """
    units = [(code, change) for code, change in changes.items() if change and not is_currency(code)]
    if kind == "EXECUTION" and units:
        symbol, change = units[0]
        return f"{'Bought' if change > 0 else 'Sold'} {written(abs(change), symbol)} {symbol}"
    if kind == "CONVERSION":
        others = [(code, change) for code, change in changes.items() if code != asset]
        if others:
            code, change = others[0]
            way = "from" if change < 0 else "to"
            return f"Changed {way} {written(abs(change), code)} {code}"
    template = WORDS.get(kind, kind.replace("_", " ").capitalize())
    return template.format(cause=reference.partition(" ")[0])


def written(value: Decimal, asset: str) -> str:
    """Return an amount as a statement prints it: a currency's decimals, units without zeros."""
    if is_currency(asset):
        return f"{value:.{places_of(asset)}f}"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cells(line: Line, asset: str) -> list[str]:
    """Return a line's cells under HEADER."""
    amount, balance = written(line.amount, asset), written(line.balance, asset)
    return [f"{line.at:%Y-%m-%d %H:%M:%S}", line.description, line.reference, amount, balance]
