"""Rows of compliance for tests."""

from apps.compliance.models import KycRecord
from apps.users.models import User


def make_kyc(client: User, status: str = "APPROVED", risk_rating: str = "LOW") -> KycRecord:
    """Return the client's record in that state, as if its whole walk had happened."""
    return KycRecord.objects.create(client=client, status=status, risk_rating=risk_rating)
