"""Which list entries could be this client, found by the database before anything is scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import JSONField, OuterRef, Subquery, Value

from apps.compliance.domain.kyc import RESCREENED
from apps.compliance.domain.matching import Subject, index_form, index_keys
from apps.compliance.models import (
    KycRecord,
    ScreeningHit,
    ScreeningRun,
    WatchlistEntity,
    WatchlistVersion,
)
from apps.compliance.selectors.kyc import all_answers

# Set-based and indexed: alike by trigrams (typos), or two phonetic keys in common (spelling, order,
# script; one where a name has only one).
CANDIDATES = """
WITH asked AS (
    SELECT form, string_to_array(keys, ' ')::varchar[] AS keys
    FROM unnest(%(forms)s::text[], %(keys)s::text[]) AS given (form, keys)
), found AS (
    SELECT listed.entity_id
    FROM asked JOIN compliance_watchlistname listed ON listed.form %% asked.form
    UNION
    SELECT listed.entity_id
    FROM asked JOIN compliance_watchlistname listed ON listed.keys && asked.keys
    WHERE (
        SELECT count(*) FROM unnest(listed.keys) AS key WHERE key = ANY(asked.keys)
    ) >= LEAST(2, cardinality(asked.keys), cardinality(listed.keys))
)
SELECT entity.id
FROM found JOIN compliance_watchlistentity entity ON entity.id = found.entity_id
WHERE entity.removed_in_id IS NULL AND entity.kind = %(kind)s
  AND (%(versions)s::uuid[] IS NULL OR entity.added_in_id = ANY(%(versions)s::uuid[]))
"""


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
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.similarity_threshold', '0.4', true)")
        cursor.execute(
            CANDIDATES,
            {
                "forms": [index_form(name) for name in subject.names],
                "keys": [" ".join(index_keys(name)) for name in subject.names],
                "kind": subject.kind,
                "versions": list(version_ids) if version_ids is not None else None,
            },
        )
        ids = [row[0] for row in cursor.fetchall()]
    rows = WatchlistEntity.objects.filter(id__in=ids).prefetch_related("names").order_by("id")
    return [_candidate(row) for row in rows]


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
