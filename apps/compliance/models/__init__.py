"""The tables of compliance, one noun a file; Django needs their names here."""

from apps.compliance.models.alert import Alert, AlertEvidence, AlertNote
from apps.compliance.models.case import Case
from apps.compliance.models.document import KycDocument, QuarantinedFile
from apps.compliance.models.due_diligence import DueDiligence, DueDiligenceItem
from apps.compliance.models.information import InformationItem, KycReminder
from apps.compliance.models.kyc import KycDecision, KycRecord, KycStep
from apps.compliance.models.match_withdrawal import MatchWithdrawal
from apps.compliance.models.movement import Movement
from apps.compliance.models.name_index import NameIndexFile
from apps.compliance.models.operations_alert import OperationsAlert
from apps.compliance.models.own_list import OwnListChange
from apps.compliance.models.ownership import KycHolding, KycParty
from apps.compliance.models.payment import PaymentExit, PaymentResult, PaymentScreening
from apps.compliance.models.rating_override import RatingOverride
from apps.compliance.models.review import KycReview
from apps.compliance.models.scenario import Scenario
from apps.compliance.models.screening import ScreenedClient, ScreeningHit, ScreeningRun
from apps.compliance.models.screening_review import HitDecision, ScreeningResult
from apps.compliance.models.screening_search import ScreeningSearch, ScreeningSearchRow
from apps.compliance.models.self_certification import TaxSelfCertification
from apps.compliance.models.threshold import ScreeningThreshold
from apps.compliance.models.watchlist import WatchlistEntity, WatchlistName, WatchlistVersion
from apps.compliance.models.watchlist_import import WatchlistImport, WatchlistSource
from apps.compliance.models.work_item import SavedView, WorkItem, WorkLock

__all__ = [
    "Alert",
    "AlertEvidence",
    "AlertNote",
    "Case",
    "DueDiligence",
    "DueDiligenceItem",
    "HitDecision",
    "InformationItem",
    "KycDecision",
    "KycDocument",
    "KycHolding",
    "KycParty",
    "KycRecord",
    "KycReminder",
    "KycReview",
    "KycStep",
    "MatchWithdrawal",
    "Movement",
    "NameIndexFile",
    "OperationsAlert",
    "OwnListChange",
    "PaymentExit",
    "PaymentResult",
    "PaymentScreening",
    "QuarantinedFile",
    "RatingOverride",
    "SavedView",
    "Scenario",
    "ScreenedClient",
    "ScreeningHit",
    "ScreeningResult",
    "ScreeningRun",
    "ScreeningSearch",
    "ScreeningSearchRow",
    "ScreeningThreshold",
    "TaxSelfCertification",
    "WatchlistEntity",
    "WatchlistImport",
    "WatchlistName",
    "WatchlistSource",
    "WatchlistVersion",
    "WorkItem",
    "WorkLock",
]
