"""An entity's owners and controllers as client and officer see them: who, how much, how."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from apps.compliance.domain.kyc import EDITABLE
from apps.compliance.domain.masking import answers_masked
from apps.compliance.domain.ownership import (
    Holding,
    Owner,
    Party,
    Role,
    Structure,
    ownership_resolve,
)
from apps.compliance.domain.ownership_drawing import Drawing, drawing_of
from apps.compliance.domain.ownership_gaps import TEXTS, Gap, percent_words, structure_gaps
from apps.compliance.domain.questionnaire import Step, answers_missing
from apps.compliance.domain.questions_party import PARTY_STEPS
from apps.compliance.domain.wording import plain
from apps.compliance.models import KycParty, KycRecord
from apps.core.errors import Refused

# The entity's own id in the graph; the parties' are UUIDs.
ENTITY = "ENTITY"


@dataclass(frozen=True)
class PartyView:
    id: UUID
    kind: str
    name: str
    step: Step
    answers: dict[str, Any]
    missing: tuple[str, ...]
    is_signatory: bool


@dataclass(frozen=True)
class HoldingView:
    """`owner_id` and `owned_id` are None for the entity."""

    id: UUID
    owner_id: UUID | None
    owned_id: UUID | None
    owner: str
    owned: str
    shares: Decimal
    votes: Decimal
    roles: tuple[str, ...]

    @property
    def role_words(self) -> str:
        return ", ".join(plain(role) for role in self.roles)


@dataclass(frozen=True)
class OwnerView:
    name: str
    party_id: UUID
    ownership: str
    controlled: str
    controlled_votes: str
    circular: str
    is_beneficial: bool
    grounds: tuple[str, ...]
    paths: tuple[str, ...]
    through: tuple[str, ...]
    roles: tuple[str, ...]


@dataclass(frozen=True)
class OwnershipView:
    """`gaps` are sentences for the client; `unexplained` and `exempted` are per cent in words."""

    entity: str
    is_editable: bool
    parties: tuple[PartyView, ...]
    holdings: tuple[HoldingView, ...]
    owners: tuple[OwnerView, ...]
    answerable: tuple[str, ...]
    exempted: str
    unexplained: str
    is_unexplained: bool
    gaps: tuple[str, ...]
    drawing: Drawing

    @property
    def is_complete(self) -> bool:
        return not self.gaps

    def party(self, party_id: UUID) -> PartyView | None:
        return next((one for one in self.parties if one.id == party_id), None)

    def holding(self, holding_id: UUID) -> HoldingView | None:
        return next((one for one in self.holdings if one.id == holding_id), None)


def parties_of(record_id: UUID) -> list[tuple[KycParty, dict[str, Any]]]:
    """Return the parties in force with their decrypted answers, oldest first."""
    rows = KycParty.objects.filter(record_id=record_id, removed_at=None).order_by("created_at")
    return [(row, json.loads(row.answers)) for row in rows]


def parties_answers(record_id: UUID) -> dict[str, dict[str, Any]]:
    """Return the decrypted answers about each party by its id."""
    return {str(row.id): given for row, given in parties_of(record_id)}


def ownership_of(client_id: UUID) -> OwnershipView:
    """Return the ownership of the entity that the client acts for; raises Refused for none."""
    record = KycRecord.objects.of(client_id).first()
    if record is None or not record.is_entity:
        raise Refused("The account is not that of an entity.", code="not_an_entity")
    return ownership_view(record)


def ownership_view(record: KycRecord) -> OwnershipView:
    """Return the ownership of an entity as it is stated, and what follows from it."""
    given = [json.loads(row.answers) for row in record.steps.all()]
    answers = {name: value for step in given for name, value in step.items()}
    rows = parties_of(record.id)
    exemption = answers.get("exemption", "NONE")
    entity = Party(
        id=ENTITY,
        is_person=False,
        is_exempt=exemption != "NONE",
        legal_form=answers.get("legal_form", ""),
    )
    names = {str(row.id): _name(row.kind, given) for row, given in rows}
    names[ENTITY] = answers.get("legal_name", "The entity")
    parties = [_party(row, given) for row, given in rows]
    kept = list(record.holdings.filter(removed_at=None).order_by("created_at"))
    holdings = [
        Holding(
            owner=str(one.owner_id or ENTITY),
            owned=str(one.owned_id or ENTITY),
            shares=Fraction(one.shares) / 100,
            votes=Fraction(one.votes) / 100,
            roles=frozenset(Role(role) for role in one.roles),
        )
        for one in kept
    ]
    structure = ownership_resolve(entity, parties, holdings)
    views = tuple(_party_view(row, given) for row, given in rows)
    signatory = next((str(view.id) for view in views if view.is_signatory), "")
    gaps = [Gap("ANSWERS_MISSING", str(view.id)) for view in views if view.missing]
    gaps += [] if signatory else [Gap("SIGNATORY_MISSING")]
    gaps += structure_gaps(
        entity, parties, holdings, structure, exemption=exemption, signatory=signatory
    )
    gaps += _tax_gaps(structure, answers, {str(row.id): given for row, given in rows})
    return OwnershipView(
        entity=names[ENTITY],
        is_editable=record.status in EDITABLE,
        parties=views,
        holdings=tuple(
            HoldingView(
                id=row.id,
                owner_id=row.owner_id,
                owned_id=row.owned_id,
                owner=names[one.owner],
                owned=names[one.owned],
                shares=row.shares,
                votes=row.votes,
                roles=tuple(row.roles),
            )
            for row, one in zip(kept, holdings, strict=True)
        ),
        owners=tuple(_owner_view(owner, names) for owner in structure.owners),
        answerable=tuple(names[one] for one in structure.answerable),
        exempted=percent_words(structure.exempted),
        unexplained=percent_words(structure.unexplained),
        is_unexplained=structure.unexplained > 0,
        gaps=tuple(_sentence(gap, names) for gap in gaps),
        drawing=drawing_of(ENTITY, names, holdings, {one.party for one in structure.owners}),
    )


def _party(row: KycParty, answers: Mapping[str, Any]) -> Party:
    return Party(
        id=str(row.id),
        is_person=row.kind == "PERSON",
        is_exempt=answers.get("exemption", "NONE") != "NONE",
        legal_form=answers.get("legal_form", ""),
    )


def _party_view(row: KycParty, answers: dict[str, Any]) -> PartyView:
    step = PARTY_STEPS[row.kind]
    return PartyView(
        id=row.id,
        kind=row.kind,
        name=_name(row.kind, answers),
        step=step,
        answers=answers_masked(answers),
        missing=tuple(answers_missing(step, answers)),
        is_signatory=row.is_signatory,
    )


def _owner_view(owner: Owner, names: Mapping[str, str]) -> OwnerView:
    return OwnerView(
        name=names[owner.party],
        party_id=UUID(owner.party),
        ownership=percent_words(owner.ownership),
        controlled=percent_words(owner.controlled),
        controlled_votes=percent_words(owner.controlled_votes),
        circular=percent_words(owner.circular) if owner.circular else "",
        is_beneficial=owner.is_beneficial,
        grounds=tuple(plain(ground) for ground in owner.grounds),
        paths=tuple(
            f"{' > '.join(names[one] for one in path.parties)}: {percent_words(path.share)}"
            for path in owner.paths
        ),
        through=tuple(names[one] for one in owner.through),
        roles=tuple(plain(role) for role in sorted(owner.roles)),
    )


def _tax_gaps(
    structure: Structure, answers: Mapping[str, Any], given: Mapping[str, Mapping[str, Any]]
) -> list[Gap]:
    """Return who of a passive NFE has not stated a tax residence with its number or why none."""
    if answers.get("crs_type") != "PASSIVE_NFE":
        return []
    return [
        Gap("TAX_RESIDENCE_MISSING", party)
        for party in structure.answerable
        if not given[party].get("tax_residence")
        or not (given[party].get("tin") or given[party].get("no_tin_code"))
    ]


def _name(kind: str, answers: Mapping[str, Any]) -> str:
    if kind == "COMPANY":
        return str(answers.get("legal_name", "Company without a name"))
    names = (answers.get("given_names", ""), answers.get("family_name", ""))
    return " ".join(filter(None, names)) or "Person without a name"


def _sentence(gap: Gap, names: Mapping[str, str]) -> str:
    text = TEXTS[gap.code]
    if text.endswith("."):
        return text
    return f"{text} {names[gap.party or ENTITY]}."
