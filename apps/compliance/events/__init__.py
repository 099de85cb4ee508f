"""What happened in compliance.  References and codes only: nothing here names a person."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class AlertEvent(DomainEvent):
    """What every event of an alert carries."""

    name: ClassVar[str] = "compliance.alert.any"
    alert_id: str
    client_id: str
    kind: str
    scenario_code: str


@dataclass(frozen=True, kw_only=True)
class AlertRaised(AlertEvent):
    name: ClassVar[str] = "compliance.alert.raised"
    scenario_version: int
    score: str
    references: list[str]


@dataclass(frozen=True, kw_only=True)
class AlertEvidenceAdded(AlertEvent):
    name: ClassVar[str] = "compliance.alert.evidence_added"
    score: str
    references: list[str]
    proposal_withdrawn: bool


@dataclass(frozen=True, kw_only=True)
class AlertProposed(AlertEvent):
    name: ClassVar[str] = "compliance.alert.proposed"
    disposition: str
    reason_code: str
    note_id: int


@dataclass(frozen=True, kw_only=True)
class AlertProposalRejected(AlertEvent):
    name: ClassVar[str] = "compliance.alert.proposal_rejected"
    disposition: str
    proposed_by: str
    note_id: int


@dataclass(frozen=True, kw_only=True)
class AlertDecided(AlertEvent):
    """Two officers closed the alert; `references` are those of its evidence."""

    name: ClassVar[str] = "compliance.alert.decided"
    disposition: str
    reason_code: str
    proposed_by: str
    confirmed_by: str
    references: list[str]


@dataclass(frozen=True, kw_only=True)
class AlertNoted(AlertEvent):
    name: ClassVar[str] = "compliance.alert.noted"
    note_id: int


@dataclass(frozen=True, kw_only=True)
class AlertViewed(AlertEvent):
    name: ClassVar[str] = "compliance.alert.viewed"


@dataclass(frozen=True, kw_only=True)
class AlertExported(DomainEvent):
    name: ClassVar[str] = "compliance.alert.exported"
    alert_ids: list[str]


@dataclass(frozen=True, kw_only=True)
class KycEvent(DomainEvent):
    """What every event of a KYC record carries."""

    name: ClassVar[str] = "compliance.kyc.any"
    record_id: str
    client_id: str


@dataclass(frozen=True, kw_only=True)
class KycStarted(KycEvent):
    name: ClassVar[str] = "compliance.kyc.started"


@dataclass(frozen=True, kw_only=True)
class KycStepSaved(KycEvent):
    """Which questions changed, never the answers."""

    name: ClassVar[str] = "compliance.kyc.step_saved"
    step: str
    changed_fields: list[str]
    evidence_version: int


@dataclass(frozen=True, kw_only=True)
class KycDocumentUploaded(KycEvent):
    name: ClassVar[str] = "compliance.kyc.document_uploaded"
    document_id: str
    kind: str
    document_version: int
    sha256: str
    evidence_version: int


@dataclass(frozen=True, kw_only=True)
class KycDocumentRead(KycEvent):
    name: ClassVar[str] = "compliance.kyc.document_read"
    document_id: str


@dataclass(frozen=True, kw_only=True)
class KycFileQuarantined(KycEvent):
    """Malware was found in an upload; `signature` is the scanner's name for it."""

    name: ClassVar[str] = "compliance.kyc.file_quarantined"
    file_id: str
    kind: str
    signature: str
    scanner: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class KycQuarantineDeleted(KycEvent):
    """A quarantined file was kept as long as it is needed."""

    name: ClassVar[str] = "compliance.kyc.quarantine_deleted"
    file_id: str


@dataclass(frozen=True, kw_only=True)
class KycAnswerRevealed(KycEvent):
    """Somebody asked to see a masked answer in full; the answer is not in the event."""

    name: ClassVar[str] = "compliance.kyc.answer_revealed"
    question: str


@dataclass(frozen=True, kw_only=True)
class KycRecordViewed(KycEvent):
    name: ClassVar[str] = "compliance.kyc.viewed"


@dataclass(frozen=True, kw_only=True)
class KycSubmitted(KycEvent):
    name: ClassVar[str] = "compliance.kyc.submitted"
    evidence_version: int
    questionnaire_version: str = ""


@dataclass(frozen=True, kw_only=True)
class KycScreened(KycEvent):
    name: ClassVar[str] = "compliance.kyc.screened"
    run_id: str
    trigger: str
    hit_count: int
    new_hit_count: int
    risk_rating: str
    evidence_version: int


@dataclass(frozen=True, kw_only=True)
class ScreeningHitDisposed(KycEvent):
    name: ClassVar[str] = "compliance.kyc.hit_disposed"
    hit_id: str
    disposition: str
    evidence_version: int


@dataclass(frozen=True, kw_only=True)
class KycDecisionProposed(KycEvent):
    name: ClassVar[str] = "compliance.kyc.decision_proposed"
    decision_id: str
    outcome: str
    reason_code: str
    risk_rating: str
    evidence_version: int


@dataclass(frozen=True, kw_only=True)
class KycDecisionWithdrawn(KycEvent):
    name: ClassVar[str] = "compliance.kyc.decision_withdrawn"
    decision_id: str


@dataclass(frozen=True, kw_only=True)
class KycDecided(KycEvent):
    """`decision` is the outcome; `confirmed_by` is empty where one officer decided.

    `from_status` is empty in events of before it was kept.
    """

    name: ClassVar[str] = "compliance.kyc.decided"
    decision_id: str
    decision: str
    reason_code: str
    risk_rating: str
    status: str
    proposed_by: str
    confirmed_by: str
    evidence_version: int
    from_status: str = ""


@dataclass(frozen=True, kw_only=True)
class KycStatusChanged(KycEvent):
    """Suspended, reopened, expired or closed outside a decision."""

    name: ClassVar[str] = "compliance.kyc.status_changed"
    status: str
    reason_code: str


@dataclass(frozen=True, kw_only=True)
class ScreeningHitsSuperseded(DomainEvent):
    """Undecided hits that the client's data, or the list, do not give any more."""

    name: ClassVar[str] = "compliance.hits.superseded"
    record_id: str
    client_id: str
    run_id: str
    trigger: str
    hit_ids: list[str]


@dataclass(frozen=True, kw_only=True)
class ClientsRescreened(DomainEvent):
    """A batch was compared with what lists changed; `touched` were screened in full."""

    name: ClassVar[str] = "compliance.clients.rescreened"
    list_versions: dict[str, int]
    client_count: int
    touched: list[str]


@dataclass(frozen=True, kw_only=True)
class ClientsChecked(DomainEvent):
    """A batch was screened in full; `differing` had results that a delta should have found."""

    name: ClassVar[str] = "compliance.clients.checked"
    list_versions: dict[str, int]
    client_count: int
    differing: list[str]


@dataclass(frozen=True, kw_only=True)
class WatchlistImported(DomainEvent):
    name: ClassVar[str] = "compliance.watchlist.imported"
    list_code: str
    version_id: str
    version: int
    checksum: str
    entity_count: int
    name_count: int
    added: int
    changed: int
    removed: int


@dataclass(frozen=True, kw_only=True)
class WatchlistImportRefused(DomainEvent):
    """A broken file was offered; what was in force stays in force."""

    name: ClassVar[str] = "compliance.watchlist.import_refused"
    list_code: str
    code: str
    checksum: str


@dataclass(frozen=True, kw_only=True)
class WatchlistOverrideProposed(DomainEvent):
    """Somebody says that a file which lost much is right all the same."""

    name: ClassVar[str] = "compliance.watchlist.override_proposed"
    import_id: str
    list_code: str
    checksum: str


@dataclass(frozen=True, kw_only=True)
class WatchlistOverrideConfirmed(DomainEvent):
    """A second person says so too: this very file may come in."""

    name: ClassVar[str] = "compliance.watchlist.override_confirmed"
    import_id: str
    list_code: str
    checksum: str


@dataclass(frozen=True, kw_only=True)
class WatchlistSourceChanged(DomainEvent):
    name: ClassVar[str] = "compliance.watchlist.source_changed"
    list_code: str
    url: str
    interval_hours: int
    is_active: bool


@dataclass(frozen=True, kw_only=True)
class OwnListChangeProposed(DomainEvent):
    name: ClassVar[str] = "compliance.own_list.proposed"
    change_id: str
    action: str
    uid: str
    payload_hash: str


@dataclass(frozen=True, kw_only=True)
class OwnListChangeDecided(DomainEvent):
    name: ClassVar[str] = "compliance.own_list.decided"
    change_id: str
    action: str
    uid: str
    payload_hash: str
    status: str


@dataclass(frozen=True, kw_only=True)
class OperationsAlertRaised(DomainEvent):
    """Something that runs by itself did not do its work."""

    name: ClassVar[str] = "compliance.operations.alerted"
    alert_id: str
    kind: str
    subject: str
    message: str


@dataclass(frozen=True, kw_only=True)
class OperationsAlertAcknowledged(DomainEvent):
    name: ClassVar[str] = "compliance.operations.acknowledged"
    alert_id: str
    kind: str
    subject: str


@dataclass(frozen=True, kw_only=True)
class ScreeningThresholdChanged(DomainEvent):
    """`status` says what became of it; empty `list_code` or `risk_class` mean every one."""

    name: ClassVar[str] = "compliance.threshold.changed"
    threshold_id: str
    list_code: str
    risk_class: str
    version: int
    threshold: str
    status: str


@dataclass(frozen=True, kw_only=True)
class CaseOpened(DomainEvent):
    name: ClassVar[str] = "compliance.case.opened"
    case_id: str
    client_id: str
    origin: str


@dataclass(frozen=True, kw_only=True)
class ScreeningSearched(DomainEvent):
    """Names were asked for on demand (`how`: ASKED), their results seen or taken out."""

    name: ClassVar[str] = "compliance.screening.searched"
    search_id: str
    how: str
    row_count: int


@dataclass(frozen=True, kw_only=True)
class ScreeningSearchFailed(DomainEvent):
    """A file of names could not be compared to its end."""

    name: ClassVar[str] = "compliance.search.failed"
    search_id: str
    code: str
    done_count: int
    row_count: int
