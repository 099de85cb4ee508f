"""Who paid clients, for monitoring."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from apps.compliance.domain.name_similarity import name_similarity
from apps.compliance.selectors.screening import subject_screened
from apps.trading.selectors.cash import payments_of

# A payer so like the client is the client, spelled otherwise or without a middle name.
OWN_FROM = Decimal("0.900")


@dataclass(frozen=True, slots=True)
class Funding:
    """A deposit and how like the client its payer is called (0 to 1; 0 where nobody is named)."""

    transfer_id: UUID
    at: datetime
    amount: Decimal
    currency: str
    likeness: Decimal

    @property
    def is_third_party(self) -> bool:
        return self.likeness < OWN_FROM


def funding_list(client_id: UUID, *, since: datetime) -> list[Funding]:
    """Return the client's deposits since then that the bank brought, oldest first.

    Names are compared as the client was last screened.
    """
    client = subject_screened(client_id)
    names, kind = (client.names, client.kind) if client else ((), "PERSON")
    return [
        Funding(
            transfer_id=payment.transfer_id,
            at=payment.at,
            amount=payment.amount,
            currency=payment.currency,
            likeness=max(
                (
                    Decimal(str(round(name_similarity(name, payment.party.name, kind), 3)))
                    for name in names
                ),
                default=Decimal(0),
            ),
        )
        for payment in payments_of(client_id, since=since)
        if payment.kind == "DEPOSIT" and payment.status == "SETTLED"
    ]
