"""Which list entries could be this client, found by the index before anything is scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import JSONField, OuterRef, Subquery, Value

from apps.compliance.domain.kyc import RESCREENED
from apps.compliance.domain.matching import DEFAULT_THRESHOLD, MOST_ADDED, Subject
from apps.compliance.models import (
    KycRecord,
    ScreeningHit,
    ScreeningRun,
    WatchlistEntity,
    WatchlistVersion,
)
from apps.compliance.selectors.kyc import all_answers
from apps.compliance.selectors.name_indexes import name_index

# What birth date and country could still lift over the threshold.
LEAST_NAME = float(DEFAULT_THRESHOLD - MOST_ADDED)


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
    answers = all_answers(record_id)
    names = [f"{answers['given_names']} {answers['family_name']}"]
    names += [answers["native_name"]] if answers.get("native_name") else []
    names += [name.strip() for name in answers.get("other_names", "").split(";") if name.strip()]
    countries = {
        answers[name]
        for name in ("nationality", "second_nationality", "residence")
        if answers.get(name)
    }
    return Subject(
        kind="PERSON",
        names=tuple(dict.fromkeys(names)),
        birth_dates=(answers["date_of_birth"],),
        countries=tuple(sorted(countries)),
    )


def candidates_of(
    subject: Subject, *, version_ids: Sequence[UUID] | None = None
) -> list[Candidate]:
    """Return entries in force that may be the subject; `version_ids` keeps to what they brought."""
    index = name_index(subject.kind)
    ids = {found.reference for name in subject.names for found in index.search(name, LEAST_NAME)}
    rows = WatchlistEntity.objects.filter(id__in=ids, removed_in=None)
    if version_ids is not None:
        rows = rows.filter(added_in__in=version_ids)
    return [_candidate(row) for row in rows.prefetch_related("names").order_by("id")]


def versions_in_force() -> dict[str, int]:
    """Return the newest version number by list code."""
    rows = WatchlistVersion.objects.order_by("list_code", "-version").distinct("list_code")
    return dict(rows.values_list("list_code", "version"))


def rescreening_due(*, limit: int) -> list[UUID]:
    """Return clients whose newest run did not see every list version in force, oldest first."""
    newest = ScreeningRun.objects.filter(record=OuterRef("pk")).order_by("-created_at")
    rows = KycRecord.objects.filter(status__in=RESCREENED).annotate(
        seen=Subquery(newest.values("list_versions")[:1], output_field=JSONField())
    )
    due = rows.filter(seen__isnull=False).exclude(seen=Value(versions_in_force(), JSONField()))
    return list(due.order_by("created_at").values_list("id", flat=True)[:limit])


def versions_unseen(record_id: UUID) -> list[UUID]:
    """Return the list versions that came after the record's newest run."""
    newest = ScreeningRun.objects.filter(record_id=record_id).order_by("-created_at").first()
    seen = newest.list_versions if newest else {}
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
        ),
        weak_names=frozenset(name.name for name in names if name.is_weak),
    )
