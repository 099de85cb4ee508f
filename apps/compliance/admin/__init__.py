"""The officers' pages of compliance; Django looks for them here."""

from apps.compliance.admin import alerts, kyc

__all__ = ["alerts", "kyc"]
