"""What a client did in the identity check of an entity, and the signature for tax residence."""

from dataclasses import dataclass
from typing import ClassVar

from apps.compliance.events import KycEvent


@dataclass(frozen=True, kw_only=True)
class KycKindChosen(KycEvent):
    name: ClassVar[str] = "compliance.kyc.kind_chosen"
    kind: str
    evidence_version: int


@dataclass(frozen=True, kw_only=True)
class KycPartySaved(KycEvent):
    """Which questions about an owner or controller changed, never the answers."""

    name: ClassVar[str] = "compliance.kyc.party_saved"
    party_id: str
    changed_fields: list[str]
    evidence_version: int


@dataclass(frozen=True, kw_only=True)
class KycPartyRemoved(KycEvent):
    name: ClassVar[str] = "compliance.kyc.party_removed"
    party_id: str
    evidence_version: int


@dataclass(frozen=True, kw_only=True)
class KycHoldingSaved(KycEvent):
    name: ClassVar[str] = "compliance.kyc.holding_saved"
    holding_id: str
    evidence_version: int


@dataclass(frozen=True, kw_only=True)
class KycHoldingRemoved(KycEvent):
    name: ClassVar[str] = "compliance.kyc.holding_removed"
    holding_id: str
    evidence_version: int


@dataclass(frozen=True, kw_only=True)
class KycTaxCertified(KycEvent):
    name: ClassVar[str] = "compliance.kyc.tax_certified"
    number: int
    wording_version: str
    evidence_version: int
