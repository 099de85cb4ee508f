"""The officers' pages of compliance; Django looks for them here."""

from apps.compliance.admin import alerts

__all__ = ["alerts"]
