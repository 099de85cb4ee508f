"""The firm's own list as it is in force."""

from apps.compliance.models import OwnListChange, WatchlistEntity, WatchlistVersion
from apps.compliance.providers import ListedEntity, ListedIdentifier, ListedName
from apps.compliance.providers.own import COLUMNS, OWN, cells_of, entity_from_json
from apps.compliance.selectors.watchlists import EntityChange, FieldChange


def own_version() -> int:
    """Return the number of the version in force, 0 before the first."""
    newest = WatchlistVersion.objects.filter(list_code=OWN).order_by("-version").first()
    return newest.version if newest else 0


def own_entries() -> dict[str, ListedEntity]:
    """Return the entries in force by their id."""
    rows = WatchlistEntity.objects.filter(list_code=OWN, removed_in=None)
    return {row.uid: _entity(row) for row in rows.prefetch_related("names").order_by("uid")}


def proposals_open() -> list[OwnListChange]:
    """Return what waits for a second officer, oldest first."""
    rows = OwnListChange.objects.filter(status=OwnListChange.Status.PROPOSED)
    return list(rows.select_related("proposed_by").order_by("created_at"))


def proposal_diff(change: OwnListChange) -> list[EntityChange]:
    """Return what the change would do to each entry that it touches, side by side."""
    before = own_entries()
    after = {one["uid"]: entity_from_json(one) for one in change.payload}
    touched = {*after, *before} if change.action == OwnListChange.Action.REPLACE else {*after}
    touched |= {change.uid} if change.uid else set()
    found = [_change(uid, before.get(uid), after.get(uid)) for uid in sorted(touched)]
    return [one for one in found if one.fields]


def _change(uid: str, before: ListedEntity | None, after: ListedEntity | None) -> EntityChange:
    old, new = (cells_of(entity) if entity else {} for entity in (before, after))
    fields = (
        FieldChange(name, _lines(old.get(name, "")), _lines(new.get(name, ""))) for name in COLUMNS
    )
    shown = after or before
    return EntityChange(
        uid=uid,
        what="CHANGED" if before and after else "ADDED" if after else "REMOVED",
        name=shown.names[0].name if shown else uid,
        fields=tuple(one for one in fields if one.is_changed),
    )


def _lines(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(";") if part.strip())


def _entity(row: WatchlistEntity) -> ListedEntity:
    names = sorted(row.names.all(), key=lambda name: (name.kind != "PRIMARY", name.id))
    return ListedEntity(
        uid=row.uid,
        kind=row.kind,
        names=tuple(ListedName(one.name, one.kind, one.is_weak, one.script) for one in names),
        programmes=tuple(row.programmes),
        birth_dates=tuple(row.birth_dates),
        birth_places=tuple(row.birth_places),
        nationalities=tuple(row.nationalities),
        countries=tuple(row.countries),
        addresses=tuple(row.addresses),
        gender=row.gender,
        identifiers=tuple(ListedIdentifier(**one) for one in row.identifiers),
        remarks=row.remarks,
    )
