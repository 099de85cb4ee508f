"""Lists come in as versions: unchanged is a no-op, broken leaves the old one in force."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import connection

from apps.audit.services import emit
from apps.compliance.events import WatchlistImported, WatchlistImportRefused
from apps.compliance.models import WatchlistEntity, WatchlistVersion
from apps.compliance.providers import BrokenList, ListedEntity, WatchlistProvider
from apps.compliance.providers.ofac import OfacFolder
from apps.core.commands import command
from apps.core.errors import Refused
from apps.users.models import User

SAMPLE = Path(__file__).resolve().parent.parent / "data" / "ofac_sample"
MAX_NAME = 400
# A list that lost more than half of its entries at once is a broken list, whatever its checksum.
LEAST_SHARE_PERCENT = 50

ENTITY_COLUMNS = (
    "id, list_code, uid, kind, programmes, birth_dates, countries, remarks, content_hash,"
    " added_in_id"
)
NAME_COLUMNS = "entity_id, name, is_primary, is_weak"


@dataclass
class _Delta:
    added: list[ListedEntity] = field(default_factory=list)
    changed: list[ListedEntity] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    entity_count: int = 0
    name_count: int = 0


def default_source() -> tuple[str, Path]:
    """Return list code and folder: the reference data where it is, else the project's sample."""
    reference = settings.REFERENCE_DATA
    if reference and (Path(reference) / "ofac" / "sdn.csv").exists():
        return "OFAC-SDN", Path(reference) / "ofac"
    return "SAMPLE", SAMPLE


def watchlist_import(
    *,
    actor: User | None,
    folder: Path,
    list_code: str = "OFAC-SDN",
    on_progress: Callable[[int], None] = lambda _: None,
) -> WatchlistVersion:
    """Bring the list in force to what the folder's files say; return the version in force.

    `on_progress` hears the number of entries read so far.  Raises Refused `watchlist_broken` or
    `watchlist_shrunk`; then nothing changed but for the event that says so.
    """
    provider = OfacFolder(folder)
    try:
        return _version_import(
            actor=actor, provider=provider, list_code=list_code, on_progress=on_progress
        )
    except Refused as refusal:
        _note_refusal(actor=actor, list_code=list_code, refusal=refusal)
        raise


@command
def _note_refusal(*, actor: User | None, list_code: str, refusal: Refused) -> None:
    emit(
        WatchlistImportRefused(
            stream=f"watchlist-{list_code}",
            list_code=list_code,
            code=refusal.code,
            checksum=refusal.facts.get("checksum", ""),
        ),
        actor=actor,
    )


@command
def _version_import(
    *,
    actor: User | None,
    provider: WatchlistProvider,
    list_code: str,
    on_progress: Callable[[int], None],
) -> WatchlistVersion:
    with connection.cursor() as cursor:
        lock = f"watchlist-{list_code}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [lock])
    latest = WatchlistVersion.objects.filter(list_code=list_code).order_by("-version").first()
    checksum = provider.checksum()
    if latest and latest.checksum == checksum:
        return latest
    delta = _compare(provider.entities(), list_code, on_progress)
    if latest and delta.entity_count * 100 < latest.entity_count * LEAST_SHARE_PERCENT:
        raise Refused(
            "The list lost more than half of its entries.",
            code="watchlist_shrunk",
            checksum=checksum,
            limit=str(latest.entity_count * LEAST_SHARE_PERCENT // 100),
            measured=str(delta.entity_count),
        )
    version = WatchlistVersion.objects.create(
        list_code=list_code,
        version=latest.version + 1 if latest else 1,
        checksum=checksum,
        entity_count=delta.entity_count,
        name_count=delta.name_count,
        added_count=len(delta.added),
        changed_count=len(delta.changed),
        removed_count=len(delta.removed),
    )
    _apply(delta, version)
    emit(_imported(version), actor=actor)
    return version


def _compare(
    entities: Iterable[ListedEntity], list_code: str, on_progress: Callable[[int], None]
) -> _Delta:
    rows = WatchlistEntity.objects.filter(list_code=list_code, removed_in=None)
    known = dict(rows.values_list("uid", "content_hash"))
    delta, seen = _Delta(), set()
    for entity in entities:
        if entity.uid in seen:
            raise BrokenList("An entry stands twice in the list.", uid=entity.uid)
        seen.add(entity.uid)
        delta.entity_count += 1
        delta.name_count += len(entity.names)
        if entity.uid not in known:
            delta.added.append(entity)
        elif known[entity.uid] != entity.content_hash:
            delta.changed.append(entity)
        on_progress(delta.entity_count)
    if not seen:
        raise BrokenList("The list is empty.")
    delta.removed = known.keys() - seen
    return delta


def _apply(delta: _Delta, version: WatchlistVersion) -> None:
    gone = {*delta.removed, *(entity.uid for entity in delta.changed)}
    in_force = WatchlistEntity.objects.filter(list_code=version.list_code, removed_in=None)
    in_force.filter(uid__in=gone).update(removed_in=version)
    _copy([*delta.added, *delta.changed], version)


def _copy(entities: list[ListedEntity], version: WatchlistVersion) -> None:
    """Write entities and names by COPY (21,000 names in seconds); ids are taken beforehand."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('compliance_watchlistentity', 'id'))"
            " FROM generate_series(1, %s)",
            [len(entities)],
        )
        ids = [row[0] for row in cursor.fetchall()]
        with cursor.copy(f"COPY compliance_watchlistentity ({ENTITY_COLUMNS}) FROM STDIN") as copy:
            for row_id, entity in zip(ids, entities, strict=True):
                copy.write_row(
                    (
                        row_id,
                        version.list_code,
                        entity.uid,
                        entity.kind,
                        list(entity.programmes),
                        list(entity.birth_dates),
                        list(entity.countries),
                        entity.remarks,
                        entity.content_hash,
                        version.id,
                    )
                )
        with cursor.copy(f"COPY compliance_watchlistname ({NAME_COLUMNS}) FROM STDIN") as copy:
            for row_id, entity in zip(ids, entities, strict=True):
                for name in entity.names:
                    text = name.name[:MAX_NAME]
                    copy.write_row((row_id, text, name.is_primary, name.is_weak))


def _imported(version: WatchlistVersion) -> WatchlistImported:
    return WatchlistImported(
        stream=f"watchlist-{version.list_code}",
        list_code=version.list_code,
        version_id=str(version.id),
        version=version.version,
        checksum=version.checksum,
        entity_count=version.entity_count,
        name_count=version.name_count,
        added=version.added_count,
        changed=version.changed_count,
        removed=version.removed_count,
    )
