"""The bank that brings and takes clients' money, behind one Protocol."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol
from uuid import NAMESPACE_OID, UUID, uuid5

from django.conf import settings
from django.db.models import Q, Sum
from django.utils.module_loading import import_string

from apps.core.domain.money import Money
from apps.trading.domain.parties import Party
from apps.trading.models import CashTransfer


@dataclass(frozen=True, slots=True)
class BankAnswer:
    """What the bank says to an instruction; `reference` is its own, `code` why it failed.

    `payer` is whose account a deposit came from; None where the bank does not say so (yet).
    """

    outcome: Literal["SETTLED", "PENDING", "FAILED"]
    reference: str
    code: str = ""
    payer: Party | None = None


class Bank(Protocol):
    """Moves money between bank accounts and the firm's client-money account.

    A deposit is asked of the account that the client (`holder`) has named to the bank; the bank
    says whose account it came from.  The transfer's id makes an instruction idempotent: asking
    twice moves once.  A bank that answers later says PENDING, and its notice ends in
    `transfer_settle` or `transfer_fail`.
    """

    def collect(self, *, transfer_id: UUID, amount: Money, holder: str) -> BankAnswer: ...

    def pay(self, *, transfer_id: UUID, amount: Money, payee: Party) -> BankAnswer: ...

    def balances(self) -> dict[str, Decimal]:
        """Return what the bank keeps for the firm's clients, by currency."""
        ...


class SimulatedBank:
    """No bank at all: says at once that every transfer settled.  For paper portfolios only.

    Its accounts are in their holders' names, so that every deposit is the client's own.
    """

    def collect(self, *, transfer_id: UUID, amount: Money, holder: str) -> BankAnswer:
        payer = Party(holder, account=f"SIM{uuid5(NAMESPACE_OID, holder).hex[:16].upper()}")
        return BankAnswer("SETTLED", _reference(transfer_id), payer=payer)

    def pay(self, *, transfer_id: UUID, amount: Money, payee: Party) -> BankAnswer:
        return BankAnswer("SETTLED", _reference(transfer_id))

    def balances(self) -> dict[str, Decimal]:
        """Return what its transfers, all it knows, add up to."""
        settled = CashTransfer.objects.filter(status="SETTLED").values("currency").order_by()
        sums = settled.annotate(
            paid_in=Sum("amount", filter=Q(kind="DEPOSIT"), default=Decimal(0)),
            paid_out=Sum("amount", filter=Q(kind="WITHDRAWAL"), default=Decimal(0)),
        )
        return {row["currency"]: row["paid_in"] - row["paid_out"] for row in sums}


def _reference(transfer_id: UUID) -> str:
    return f"SIMULATED-{transfer_id.hex[:16].upper()}"


def bank() -> Bank:
    """Return the bank that settings.CASH_BANK names."""
    provider: Bank = import_string(settings.CASH_BANK)()
    return provider
