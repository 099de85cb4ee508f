"""What the lists say, what an import changed in them, and how far one has come."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.compliance.models import WatchlistEntity, WatchlistVersion
from apps.infrastructure.cache import TwoLevelCache

_progress = TwoLevelCache("watchlist_import", ttl_seconds=3600, local_ttl_seconds=0)
FIELDS = (
    *("kind", "names", "programmes", "birth_dates", "birth_places", "nationalities"),
    *("countries", "addresses", "gender", "identifiers", "remarks"),
)


@dataclass(frozen=True)
class FieldChange:
    """One field of an entry, before and after, as text a line a value."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def is_changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class EntityChange:
    """What one version did to one entry: `what` is ADDED, CHANGED or REMOVED."""

    uid: str
    what: str
    name: str
    fields: tuple[FieldChange, ...]


def import_progress_note(import_id: UUID, share: float) -> None:
    """Note how much of the file was read; kept for an hour, and only for people to look at."""
    _progress.set(str(import_id), round(share * 100))


def import_progress(import_id: UUID) -> int | None:
    """Return the percentage, or None where nobody noted one lately."""
    found = _progress.get(str(import_id))
    return int(found) if found is not None else None


def version_uids(version: WatchlistVersion) -> list[str]:
    """Return the entries (by id) that the version changed, took away and brought, in this order."""
    rows = WatchlistEntity.objects.filter(list_code=version.list_code)
    added = set(rows.filter(added_in=version).values_list("uid", flat=True))
    ended = set(rows.filter(removed_in=version).values_list("uid", flat=True))
    return [*sorted(added & ended), *sorted(ended - added), *sorted(added - ended)]


def version_diff(version: WatchlistVersion, uids: Iterable[str]) -> list[EntityChange]:
    """Return what the version did to these entries, each field side by side."""
    wanted = list(uids)
    rows = WatchlistEntity.objects.filter(list_code=version.list_code, uid__in=wanted)
    before = {row.uid: row for row in rows.filter(removed_in=version).prefetch_related("names")}
    after = {row.uid: row for row in rows.filter(added_in=version).prefetch_related("names")}
    return [_change(uid, before.get(uid), after.get(uid)) for uid in wanted]


def _change(
    uid: str, before: WatchlistEntity | None, after: WatchlistEntity | None
) -> EntityChange:
    what = "CHANGED" if before and after else "ADDED" if after else "REMOVED"
    fields = (FieldChange(name, _texts(before, name), _texts(after, name)) for name in FIELDS)
    shown = after or before
    primary = [name.name for name in shown.names.all() if name.kind == "PRIMARY"] if shown else []
    return EntityChange(
        uid=uid,
        what=what,
        name=primary[0] if primary else uid,
        fields=tuple(one for one in fields if one.is_changed),
    )


def _texts(row: WatchlistEntity | None, name: str) -> tuple[str, ...]:
    if row is None:
        return ()
    if name == "names":
        return tuple(sorted(_name_text(one) for one in row.names.all()))
    if name == "identifiers":
        return tuple(sorted(_identifier_text(one) for one in row.identifiers))
    value = getattr(row, name)
    if isinstance(value, list):
        return tuple(sorted(value))
    return (value,) if value else ()


def _name_text(name: Any) -> str:
    kind = "" if name.kind == "ALIAS" else f" ({name.get_kind_display().lower()})"
    return f"{name.name}{kind}{' (weak)' if name.is_weak else ''}"


def _identifier_text(row: dict[str, str]) -> str:
    country = f" ({row['country']})" if row["country"] else ""
    return f"{row['kind']} {row['value']}{country}"
