"""Whether a client's tax residence is certified as it is stated now."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.compliance.domain.questionnaires import ClientKind
from apps.compliance.domain.self_certification import (
    WORDING,
    WORDING_VERSION,
    Contradiction,
    certified_facts,
    contradictions,
)
from apps.compliance.models import KycRecord, TaxSelfCertification
from apps.infrastructure.encryption import blind_index


@dataclass(frozen=True)
class CertificationView:
    """`is_in_force` says that nothing that was signed has changed since."""

    wording: str
    wording_version: str
    is_in_force: bool
    signed: tuple[TaxSelfCertification, ...]
    contradictions: tuple[Contradiction, ...]


def certification_of(
    record: KycRecord, answers: Mapping[str, Any] | None = None
) -> CertificationView:
    """Return the signatures, newest first, and what an officer should ask about.

    `answers` are those of every step in one, where the caller has them.
    """
    if answers is None:
        given = [json.loads(row.answers) for row in record.steps.all()]
        answers = {name: value for step in given for name, value in step.items()}
    signed = tuple(record.certifications.select_related("signed_by"))
    return CertificationView(
        wording=WORDING[ClientKind(record.kind)],
        wording_version=WORDING_VERSION,
        is_in_force=bool(signed) and signed[0].digest == facts_digest(facts_of(record, answers)),
        signed=signed,
        contradictions=tuple(contradictions(answers)),
    )


def facts_of(record: KycRecord, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a signature covers: of a passive NFE its parties' tax residences too."""
    facts = certified_facts(answers)
    if answers.get("crs_type") == "PASSIVE_NFE":
        rows = record.parties.filter(removed_at=None, kind="PERSON").order_by("id")
        facts["parties"] = {str(row.id): certified_facts(json.loads(row.answers)) for row in rows}
    return facts


def facts_digest(facts: Mapping[str, Any]) -> str:
    return blind_index(json.dumps(facts, sort_keys=True), "kyc.self_certification")
