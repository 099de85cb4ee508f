"""The names in force, kept in this process for searching; built anew when a list has changed."""

from dataclasses import dataclass
from threading import Lock
from uuid import UUID

from apps.compliance.domain.name_index import NameIndex
from apps.compliance.models import WatchlistName, WatchlistVersion

Versions = frozenset[UUID]


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


def _build(kind: str) -> NameIndex:
    rows = WatchlistName.objects.filter(entity__removed_in=None, entity__kind=kind)
    return NameIndex(kind, rows.order_by("id").values_list("entity_id", "name").iterator())
