"""The names in force, kept in this process for searching; built anew when a list has changed."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from threading import Lock
from uuid import UUID

from django.db.models import QuerySet

from apps.compliance.domain.identifiers import identifier_normal, identifier_value
from apps.compliance.domain.matching import MATCHER_VERSION
from apps.compliance.domain.name_index import LAYOUT, NameIndex
from apps.compliance.models import (
    NameIndexFile,
    WatchlistEntity,
    WatchlistName,
    WatchlistVersion,
)

Versions = frozenset[UUID]
# Gives the index for a kind of entry.
IndexOf = Callable[[str], NameIndex]
# An index that other code made is not revised.
MADE_BY = sha256(f"{MATCHER_VERSION} {LAYOUT}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Built:
    versions: Versions
    index: NameIndex


_built: dict[str, _Built] = {}
_building = Lock()


def name_index(kind: str) -> NameIndex:
    """Return the index of the names in force of that kind; references are the entities' ids.

    Built once per list change, by whichever process asks first, and kept in the database; every
    other process reads it from there in a fraction of a second.
    """
    versions: Versions = frozenset(WatchlistVersion.objects.values_list("id", flat=True))
    with _building:
        built = _built.get(kind)
        if built is None or built.versions != versions:
            built = _built[kind] = _Built(versions, _kept(kind, versions))
    return built.index


def indexes_forget() -> None:
    """Keep no index in this process any more, as after a restart."""
    with _building:
        _built.clear()


def row_identifiers(rows: list[dict[str, str]]) -> set[str]:
    """Return an entry's numbers in the one writing in which they are compared."""
    found = (identifier_normal(row["kind"], row["value"], row["country"]) for row in rows)
    return {identifier for identifier in found if identifier}


def _kept(kind: str, versions: Versions) -> NameIndex:
    """Return the index from the database; where it is older, revise it, and keep that."""
    state = MADE_BY + sha256(repr(sorted(map(str, versions))).encode()).hexdigest()[: -len(MADE_BY)]
    row = NameIndexFile.objects.filter(kind=kind).first()
    if row is not None and row.state == state:
        return NameIndex.from_bytes(bytes(row.content))
    if kind in _built:
        index = _revise(_built[kind].index)
    elif row is not None and row.state.startswith(MADE_BY):
        index = _revise(NameIndex.from_bytes(bytes(row.content)))
    else:
        index = _build(kind)
    NameIndexFile.objects.update_or_create(
        kind=kind, defaults={"state": state, "content": index.to_bytes()}
    )
    return index


def delta_index(version_ids: Collection[UUID]) -> IndexOf:
    """Return how to get at the index of what these versions brought and what is still in force."""

    @cache
    def index_of(kind: str) -> NameIndex:
        return _build(kind, version_ids)

    return index_of


def _revise(index: NameIndex) -> NameIndex:
    """Return the index with what came, and without what went: rows never change."""
    entities = WatchlistEntity.objects.filter(removed_in=None, kind=index.kind)
    in_force, before = set(entities.values_list("id", flat=True)), index.references
    return index.revised(in_force & before, _names(in_force - before), _identifiers(entities))


def _build(kind: str, version_ids: Collection[UUID] | None = None) -> NameIndex:
    entities = WatchlistEntity.objects.filter(removed_in=None, kind=kind)
    if version_ids is not None:
        entities = entities.filter(added_in__in=version_ids)
    names = _names(entities.values_list("id", flat=True))
    return NameIndex(kind, names, _identifiers(entities))


def _names(entity_ids: Iterable[int]) -> Iterator[tuple[int, str]]:
    # By their ids, not by a join: right after an import the planner knows nothing of the tables.
    rows = WatchlistName.objects.filter(entity__in=list(entity_ids))
    return rows.order_by("id").values_list("entity_id", "name").iterator()


def _identifiers(entities: QuerySet[WatchlistEntity]) -> dict[str, set[int]]:
    identifiers = defaultdict(set)
    for entity_id, found in entities.exclude(identifiers=[]).values_list("id", "identifiers"):
        for identifier in row_identifiers(found):
            identifiers[identifier_value(identifier)].add(entity_id)
    return identifiers
