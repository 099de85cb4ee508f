"""The names in force, kept in this process for searching; built anew when a list has changed."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from threading import Lock
from uuid import UUID

from apps.compliance.domain.name_index import NameIndex
from apps.compliance.models import WatchlistEntity, WatchlistName, WatchlistVersion

Versions = frozenset[UUID]
# Gives the index for a kind of entry.
IndexOf = Callable[[str], NameIndex]


@dataclass(frozen=True)
class _Built:
    versions: Versions
    index: NameIndex


_built: dict[str, _Built] = {}
_building = Lock()


def name_index(kind: str) -> NameIndex:
    """Return the index of the names in force of that kind; references are the entities' ids.

    Building takes about a second for 25,000 names, once per process and list change.
    """
    versions: Versions = frozenset(WatchlistVersion.objects.values_list("id", flat=True))
    with _building:
        built = _built.get(kind)
        if built is None or built.versions != versions:
            built = _built[kind] = _Built(versions, _build(kind))
    return built.index


def delta_index(version_ids: Collection[UUID]) -> IndexOf:
    """Return how to get at the index of what these versions brought and what is still in force."""

    @cache
    def index_of(kind: str) -> NameIndex:
        return _build(kind, version_ids)

    return index_of


def _build(kind: str, version_ids: Collection[UUID] | None = None) -> NameIndex:
    entities = WatchlistEntity.objects.filter(removed_in=None, kind=kind)
    if version_ids is not None:
        entities = entities.filter(added_in__in=version_ids)
    # By their ids, not by a join: right after an import the planner knows nothing of the tables.
    rows = WatchlistName.objects.filter(entity__in=list(entities.values_list("id", flat=True)))
    return NameIndex(kind, rows.order_by("id").values_list("entity_id", "name").iterator())
