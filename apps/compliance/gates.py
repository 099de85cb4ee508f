"""Checks that other contexts run by dotted path (settings PRE_TRADE_CHECKS, CASH_CHECKS)."""

from typing import Protocol
from uuid import UUID

from apps.compliance.domain.kyc import CLEARED, FROZEN
from apps.compliance.selectors.kyc import kyc_of
from apps.core.errors import Refused


class Draft(Protocol):
    """What the gates read of an order that is not placed yet."""

    @property
    def client_id(self) -> UUID: ...


def check_kyc_approved(draft: Draft) -> None:
    """Raise Refused `kyc_not_approved` or `account_frozen` unless the client may trade."""
    check_client_cleared(draft.client_id)


def check_client_cleared(client_id: UUID) -> None:
    """Raise Refused `kyc_not_approved` or `account_frozen` unless the client may do business."""
    record = kyc_of(client_id)
    status = record.status if record else "NONE"
    if status in FROZEN:
        raise Refused(
            "This account is frozen. Please contact us.", code="account_frozen", measured=status
        )
    if status not in CLEARED:
        raise Refused(
            "Your identity check is not approved yet.",
            code="kyc_not_approved",
            limit="APPROVED",
            measured=status,
        )
