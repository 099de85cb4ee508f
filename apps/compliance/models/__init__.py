"""The tables of compliance, one noun a file; Django needs their names here."""

from apps.compliance.models.alert import Alert, AlertEvidence, AlertNote
from apps.compliance.models.document import KycDocument, QuarantinedFile
from apps.compliance.models.kyc import KycDecision, KycRecord, KycStep
from apps.compliance.models.movement import Movement
from apps.compliance.models.scenario import Scenario
from apps.compliance.models.screening import ScreeningHit, ScreeningRun
from apps.compliance.models.watchlist import WatchlistEntity, WatchlistName, WatchlistVersion

__all__ = [
    "Alert",
    "AlertEvidence",
    "AlertNote",
    "KycDecision",
    "KycDocument",
    "KycRecord",
    "KycStep",
    "Movement",
    "QuarantinedFile",
    "Scenario",
    "ScreeningHit",
    "ScreeningRun",
    "WatchlistEntity",
    "WatchlistName",
    "WatchlistVersion",
]
