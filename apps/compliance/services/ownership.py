"""The client's part of an entity's ownership: name parties, say what they hold, take them out."""

import json
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, Sum
from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.kyc import CLEARED
from apps.compliance.domain.masking import answers_unmasked
from apps.compliance.domain.ownership import Role
from apps.compliance.domain.questionnaire import answers_clean, answers_missing
from apps.compliance.domain.questions_party import PARTY_STEPS
from apps.compliance.domain.reviews import ReviewReason
from apps.compliance.events.own_kyc import (
    KycHoldingRemoved,
    KycHoldingSaved,
    KycPartyRemoved,
    KycPartySaved,
)
from apps.compliance.models import KycHolding, KycParty, KycRecord
from apps.compliance.services.kyc import editable_record
from apps.compliance.services.review_triggers import client_changed
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotFound, Refused
from apps.users.models import User

# So that control can be worked out while somebody waits.
MOST_PARTIES, MOST_HOLDINGS = 30, 100
WHOLE, PLACES = Decimal(100), 6


@command
def party_save(*, actor: User, party_id: UUID, kind: str, answers: Mapping[str, Any]) -> KycParty:
    """Keep what is known of a party under the id that its author chose; half of it is kept too.

    Not so of a client of the firm, who is compared with the lists as it stands.  Raises
    InvalidInput (InvalidAnswers by field), NotFound for a party of somebody else or one that was
    taken out, Conflict `kyc_not_editable`, `party_kind` and `signatory_named`, Refused
    `not_an_entity`, `party_limit` and `kyc_incomplete`.
    """
    if kind not in PARTY_STEPS:
        raise InvalidInput("A party is a person or a company.", field="kind")
    record = _entity(actor)
    party = KycParty.objects.filter(id=party_id).first()
    if party is None:
        if record.parties.filter(removed_at=None).count() >= MOST_PARTIES:
            raise Refused(
                "There are too many parties.", code="party_limit", limit=str(MOST_PARTIES)
            )
        party = KycParty(id=party_id, record=record, kind=kind, answers="{}", version=0)
    if party.record_id != record.id or party.removed_at is not None:
        raise NotFound("There is no such party.")
    if party.kind != kind:
        raise Conflict("A party stays a person, or a company.", code="party_kind")
    kept = json.loads(party.answers)
    given = answers_unmasked(answers, kept)
    clean = answers_clean(
        PARTY_STEPS[kind], given, today=timezone.localdate(), is_entity=kind == "COMPANY"
    )
    _check_whole_party(record, kind, clean)
    changed = sorted(name for name in {*kept, *clean} if kept.get(name) != clean.get(name))
    if party.version and not changed:
        return party
    party.is_signatory = bool(clean.get("is_signatory"))
    others = record.parties.filter(is_signatory=True, removed_at=None).exclude(id=party_id)
    if party.is_signatory and others.exists():
        raise Conflict("Another person is named as yourself.", code="signatory_named")
    party.answers = json.dumps(clean, ensure_ascii=False, sort_keys=True)
    party.version += 1
    party.save()
    _note(actor, record, KycPartySaved, party_id=str(party.id), changed_fields=changed)
    return party


@command
def party_remove(*, actor: User, party_id: UUID) -> None:
    """Take a party out, with what it holds and who holds it; again changes nothing.

    Raises NotFound, Conflict `kyc_not_editable`.
    """
    record = _entity(actor)
    party = record.parties.filter(id=party_id).first()
    if party is None:
        raise NotFound("There is no such party.")
    if party.removed_at is not None:
        return
    now = timezone.now()
    party.holdings.filter(removed_at=None).update(removed_at=now)
    party.holders.filter(removed_at=None).update(removed_at=now)
    party.removed_at = now
    party.save()
    _note(actor, record, KycPartyRemoved, party_id=str(party.id))


@command
def holding_save(
    *,
    actor: User,
    holding_id: UUID,
    owner_id: UUID | None,
    owned_id: UUID | None,
    shares: Decimal,
    votes: Decimal | None = None,
    roles: Collection[str] = (),
) -> KycHolding:
    """Keep what a party has in another, or in the entity (None), in per cent.

    Votes that are not stated go with the shares.  Raises InvalidInput, NotFound, Conflict
    `kyc_not_editable` and `holding_exists`, Refused `not_an_entity`, `holding_empty`,
    `holding_of_person`, `holdings_exceed` and `holding_limit`.
    """
    votes = shares if votes is None else votes
    held = sorted({*roles})
    _check_values(shares, votes, held)
    record = _entity(actor)
    _party(record, owner_id)
    owned = _party(record, owned_id)
    if owned is not None and owned.kind == "PERSON":
        raise Refused("Nobody owns a person.", code="holding_of_person")
    holding = _holding(record, holding_id)
    before = (holding.owner_id, holding.owned_id, holding.shares, holding.votes, holding.roles)
    if before == (owner_id, owned_id, shares, votes, held):
        return holding
    others = record.holdings.filter(owned_id=owned_id, removed_at=None).exclude(id=holding_id)
    if others.filter(owner_id=owner_id).exists():
        raise Conflict("This holding is stated already.", code="holding_exists")
    for name, part in (("shares", shares), ("votes", votes)):
        _check_whole(others, name, part)
    holding.owner_id, holding.owned_id = owner_id, owned_id
    holding.shares, holding.votes, holding.roles = shares, votes, held
    holding.save()
    _note(actor, record, KycHoldingSaved, holding_id=str(holding.id))
    return holding


@command
def holding_remove(*, actor: User, holding_id: UUID) -> None:
    """Take a holding out; again changes nothing.  Raises NotFound, Conflict `kyc_not_editable`."""
    record = _entity(actor)
    holding = record.holdings.filter(id=holding_id).first()
    if holding is None:
        raise NotFound("There is no such holding.")
    if holding.removed_at is None:
        holding.removed_at = timezone.now()
        holding.save()
        _note(actor, record, KycHoldingRemoved, holding_id=str(holding.id))


def _entity(actor: User) -> KycRecord:
    record = editable_record(actor)
    if not record.is_entity:
        raise Refused("A person has no owners.", code="not_an_entity")
    return record


def _party(record: KycRecord, party_id: UUID | None) -> KycParty | None:
    if party_id is None:
        return None
    party = record.parties.filter(id=party_id, removed_at=None).first()
    if party is None:
        raise NotFound("There is no such party.")
    return party


def _holding(record: KycRecord, holding_id: UUID) -> KycHolding:
    """Return the record's holding of that id, or a new one that says nothing yet."""
    holding = KycHolding.objects.filter(id=holding_id).first()
    if holding is None:
        if record.holdings.filter(removed_at=None).count() >= MOST_HOLDINGS:
            raise Refused("There are too many holdings.", code="holding_limit")
        return KycHolding(id=holding_id, record=record, shares=-1, votes=-1)
    if holding.record_id != record.id or holding.removed_at is not None:
        raise NotFound("There is no such holding.")
    return holding


def _check_values(shares: Decimal, votes: Decimal, roles: list[str]) -> None:
    if not all(_is_percent(part) for part in (shares, votes)):
        raise InvalidInput("A percentage is from 0 to 100 with at most six decimals.")
    if not {*roles} <= {*Role}:
        raise InvalidInput("There is no such role.", field="roles")
    if not (shares or votes or roles):
        raise Refused("Say what it holds: shares, votes or a role.", code="holding_empty")


def _check_whole(others: QuerySet[KycHolding], name: str, part: Decimal) -> None:
    total = (others.aggregate(total=Sum(name))["total"] or 0) + part
    if total > WHOLE:
        raise Refused(
            f"Together that is more than 100 % of the {name}.",
            code="holdings_exceed",
            limit=str(WHOLE),
            measured=str(total),
        )


def _check_whole_party(record: KycRecord, kind: str, answers: Mapping[str, Any]) -> None:
    missing = answers_missing(PARTY_STEPS[kind], answers)
    if missing and record.status in CLEARED:
        raise Refused(
            "Answer everything: you are our client.",
            code="kyc_incomplete",
            missing=", ".join(missing),
        )


def _is_percent(part: Decimal) -> bool:
    return part.is_finite() and 0 <= part <= WHOLE and part == round(part, PLACES)


def _note(
    actor: User,
    record: KycRecord,
    event: type[KycPartySaved | KycPartyRemoved | KycHoldingSaved | KycHoldingRemoved],
    **facts: Any,
) -> None:
    record.evidence_version += 1
    record.save()
    happened = event(
        stream=record.stream,
        record_id=str(record.id),
        client_id=str(actor.id),
        evidence_version=record.evidence_version,
        **facts,
    )
    emit(happened, actor=actor)
    client_changed(record, actor=actor, reason=ReviewReason.OWNERSHIP_CHANGE)
