"""What others may ask about a client's KYC record."""

from uuid import UUID

from apps.compliance.models import KycRecord


def kyc_of(client_id: UUID) -> KycRecord | None:
    """Return the client's record, or None when the client never began."""
    return KycRecord.objects.of(client_id).first()
