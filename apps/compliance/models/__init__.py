"""The tables of compliance, one noun a file; Django needs their names here."""

from apps.compliance.models.alert import Alert, AlertEvidence, AlertNote
from apps.compliance.models.kyc import KycDecision, KycRecord, KycStep

__all__ = ["Alert", "AlertEvidence", "AlertNote", "KycDecision", "KycRecord", "KycStep"]
