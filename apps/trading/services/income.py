"""What holdings bring: dividends into a portfolio's cash, tax withheld at source shown apart."""

from decimal import Decimal
from typing import TYPE_CHECKING

from apps.audit.services import Actor, emit
from apps.core.commands import command
from apps.core.domain.money import Money
from apps.core.errors import Conflict, InvalidInput
from apps.ledger.domain.legs import AccountKind, Leg
from apps.ledger.selectors import entry_find
from apps.ledger.services import entry_post
from apps.trading.events import DividendPaid
from apps.trading.models import Portfolio

if TYPE_CHECKING:
    from apps.ledger.models import Entry


@command
def dividend_pay(
    *,
    actor: Actor | None,
    portfolio: Portfolio,
    symbol: str,
    gross: Decimal,
    withheld: Decimal,
    currency: str,
    idempotency_key: str,
    reference: str = "",
) -> "list[Entry]":
    """Credit the gross amount, debit the tax withheld at source, and return both entries.

    The tax is an entry of its own, so that a statement shows it; without tax there is one entry.
    The same key with the same amounts posts nothing new.  `reference` is an id of what caused it;
    the entries' reference is the symbol before it.  Call it under the portfolio's lock.

    Raises InvalidInput (not positive, more than the minor unit, more tax than dividend) and
    Conflict `idempotency_key_reused`.
    """
    paid, tax = Money.of(gross, currency), Money.of(withheld, currency)
    if paid.amount <= 0 or not 0 <= tax.amount <= paid.amount:
        raise InvalidInput("A dividend is positive, and its tax a part of it.", field="gross")
    tax_key = f"{idempotency_key}-tax"
    is_known = entry_find(idempotency_key) is not None
    if is_known and (entry_find(tax_key) is not None) is not (tax.amount > 0):
        raise Conflict("The key belongs to another dividend.", code="idempotency_key_reused")
    entries = [
        entry_post(
            actor=actor,
            idempotency_key=key,
            kind=kind,
            reference=f"{symbol} {reference}".strip(),
            legs=[
                Leg(None, AccountKind.DIVIDENDS, currency, -amount),
                Leg(portfolio.id, AccountKind.CASH, currency, amount),
            ],
        )
        for key, kind, amount in (
            (idempotency_key, "DIVIDEND", paid.amount),
            (tax_key, "WITHHOLDING_TAX", -tax.amount),
        )
        if amount
    ]
    if not is_known:
        event = DividendPaid(
            stream=portfolio.stream,
            portfolio_id=str(portfolio.id),
            client_id=str(portfolio.client_id),
            symbol=symbol,
            gross=f"{paid.amount:f}",
            withheld=f"{tax.amount:f}",
            currency=currency,
            entry_id=str(entries[0].id),
        )
        emit(event, actor=actor)
    return entries
