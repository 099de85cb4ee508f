"""Which list entries could be this client, found by the index before anything is scored."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from apps.compliance.domain.identifiers import identifier_value
from apps.compliance.domain.matching import MOST_ADDED, RESULT_FLOOR, Subject
from apps.compliance.domain.subjects import subject_answered
from apps.compliance.models import (
    ScreenedClient,
    ScreeningHit,
    WatchlistEntity,
    WatchlistVersion,
)
from apps.compliance.selectors.kyc import all_answers
from apps.compliance.selectors.name_indexes import IndexOf, name_index, row_identifiers
from apps.compliance.selectors.ownership import parties_answers

# What birth date and country could still lift to where results are kept from.
LEAST_NAME = float(RESULT_FLOOR - MOST_ADDED)


@dataclass(frozen=True)
class Candidate:
    entity_id: int
    content_hash: str
    list_code: str
    uid: str
    subject: Subject
    weak_names: frozenset[str]


def subject_of(record_id: UUID) -> Subject:
    """Return the client as the matcher compares it; raises KeyError when nothing was answered."""
    return subject_answered(all_answers(record_id))


def subjects_of(record_id: UUID) -> dict[str, Subject]:
    """Return everybody who is compared: the client by "", an entity's parties by their id."""
    answers = all_answers(record_id)
    found = {"": subject_answered(answers)}
    if "legal_name" in answers:
        parties = parties_answers(record_id)
        found |= {party: subject_answered(given) for party, given in parties.items()}
    return found


def subjects_kept(record_id: UUID) -> dict[str, Subject]:
    """Return them as last screened; answers that are being changed do not count yet."""
    kept = ScreenedClient.objects.filter(record_id=record_id).first()
    return subjects_from(kept) if kept else subjects_of(record_id)


def subjects_from(kept: ScreenedClient) -> dict[str, Subject]:
    parties = kept.parties or {}
    return {
        "": subject_from_json(kept.subject),
        **{party: subject_from_json(data) for party, data in parties.items()},
    }


def subject_kept(record_id: UUID) -> Subject:
    """Return the client alone as last screened."""
    return subjects_kept(record_id)[""]


def subject_screened(client_id: UUID) -> Subject | None:
    """Return the client as last screened; None where that has not been."""
    kept = ScreenedClient.objects.filter(record__client_id=client_id).first()
    return subject_from_json(kept.subject) if kept else None


def subject_as_json(subject: Subject) -> dict[str, Any]:
    return asdict(subject)


def subject_from_json(data: Mapping[str, Any]) -> Subject:
    """Return what `subject_as_json` gave, as it came back from the database."""
    return Subject(
        kind=data["kind"],
        names=tuple(data["names"]),
        birth_dates=tuple(data["birth_dates"]),
        countries=tuple(data["countries"]),
        gender=data.get("gender", ""),
        identifiers=tuple(data.get("identifiers", ())),
    )


def entities_near(subject: Subject, index_of: IndexOf = name_index) -> set[int]:
    """Return the entities (by id) that may be the subject, by the names in force or another index.

    This is the one place that decides what is compared at all: full screening and delta agree.
    """
    index = index_of(subject.kind)
    near = {found.reference for name in subject.names for found in index.search(name, LEAST_NAME)}
    for identifier in subject.identifiers:
        near.update(index.holding(identifier_value(identifier)))
    return near


def candidates_of(subject: Subject) -> list[Candidate]:
    """Return entries in force that may be the subject."""
    rows = WatchlistEntity.objects.filter(id__in=entities_near(subject), removed_in=None)
    return [_candidate(row) for row in rows.prefetch_related("names").order_by("id")]


def versions_in_force() -> dict[str, int]:
    """Return the newest version number by list code."""
    rows = WatchlistVersion.objects.order_by("list_code", "-version").distinct("list_code")
    return dict(rows.values_list("list_code", "version"))


def versions_since(seen: Mapping[str, int]) -> list[UUID]:
    """Return the list versions (by id) that are newer than those."""
    rows = WatchlistVersion.objects.values_list("id", "list_code", "version")
    return [row_id for row_id, code, version in rows if version > seen.get(code, 0)]


def live_hits(record_id: UUID) -> list[ScreeningHit]:
    """Return the hits that still count: not cleared and not superseded, best first."""
    cleared = (ScreeningHit.Status.FALSE_POSITIVE, ScreeningHit.Status.SUPERSEDED)
    return list(ScreeningHit.objects.filter(record_id=record_id).exclude(status__in=cleared))


def _candidate(row: WatchlistEntity) -> Candidate:
    names = list(row.names.all())
    return Candidate(
        entity_id=row.id,
        content_hash=row.content_hash,
        list_code=row.list_code,
        uid=row.uid,
        subject=Subject(
            kind=row.kind,
            names=tuple(name.name for name in names),
            birth_dates=tuple(row.birth_dates),
            countries=tuple(row.countries),
            gender=row.gender,
            identifiers=tuple(sorted(row_identifiers(row.identifiers))),
        ),
        weak_names=frozenset(name.name for name in names if name.is_weak),
    )
