"""The tables of compliance, one noun a file; Django needs their names here."""

from apps.compliance.models.alert import Alert, AlertEvidence, AlertNote
from apps.compliance.models.document import KycDocument, QuarantinedFile
from apps.compliance.models.kyc import KycDecision, KycRecord, KycStep
from apps.compliance.models.movement import Movement
from apps.compliance.models.operations_alert import OperationsAlert
from apps.compliance.models.own_list import OwnListChange
from apps.compliance.models.scenario import Scenario
from apps.compliance.models.screening import ScreenedClient, ScreeningHit, ScreeningRun
from apps.compliance.models.watchlist import WatchlistEntity, WatchlistName, WatchlistVersion
from apps.compliance.models.watchlist_import import WatchlistImport, WatchlistSource

__all__ = [
    "Alert",
    "AlertEvidence",
    "AlertNote",
    "KycDecision",
    "KycDocument",
    "KycRecord",
    "KycStep",
    "Movement",
    "OperationsAlert",
    "OwnListChange",
    "QuarantinedFile",
    "Scenario",
    "ScreenedClient",
    "ScreeningHit",
    "ScreeningRun",
    "WatchlistEntity",
    "WatchlistImport",
    "WatchlistName",
    "WatchlistSource",
    "WatchlistVersion",
]
