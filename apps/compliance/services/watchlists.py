"""Lists come in as versions: unchanged is a no-op, broken leaves the old one in force."""

from collections.abc import Callable, Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.events import WatchlistImported, WatchlistImportRefused
from apps.compliance.models import WatchlistEntity, WatchlistImport, WatchlistVersion
from apps.compliance.providers import READER_VERSION, BrokenList, ListedEntity, WatchlistProvider
from apps.compliance.providers.detection import provider_of
from apps.compliance.selectors.watchlists import import_progress_note
from apps.compliance.services.operations_alerts import operations_alert_raise
from apps.compliance.services.watchlist_rows import entities_copy
from apps.core.commands import command
from apps.core.errors import Conflict, DomainError, InvalidInput, Refused
from apps.users.models import User

SAMPLE = Path(__file__).resolve().parent.parent / "data" / "ofac_sample"
MAX_CODE = 30
MAX_UID = 255
CHUNK = 2000
# How many entries or names a list may lose at once before two people must say that it is right:
# the greater of the two, and never more than half.
LOSS_PERCENT, LOSS_COUNT = 10, 20

Progress = Callable[[int, float], None]


def default_source() -> tuple[str, Path]:
    """Return list code and folder: the reference data where it is, else the project's sample."""
    reference = settings.REFERENCE_DATA
    if reference and (Path(reference) / "ofac" / "sdn.csv").exists():
        return "OFAC-SDN", Path(reference) / "ofac"
    return "SAMPLE", SAMPLE


def watchlist_import(
    *,
    actor: User | None,
    path: Path,
    list_code: str = "",
    on_progress: Progress = lambda _, __: None,
) -> WatchlistVersion:
    """Bring the list in force to what the file (or OFAC's folder) says; return the version.

    The format is told by the content; `list_code` by the format, where it has one.  `on_progress`
    hears the number of entries and the share of the file (0 to 1) read so far.  Raises Refused
    `watchlist_broken`, `watchlist_older` or `watchlist_shrunk`, InvalidInput without a code,
    Conflict `watchlist_import_running`; then nothing changed but what says so.
    """
    list_code = list_code and code_checked(list_code)
    provider: WatchlistProvider | None = None
    refusal: BrokenList | None = None
    try:
        provider = provider_of(path, list_code)
    except BrokenList as error:
        refusal = error
    code = list_code or (provider.default_code if provider else "UNKNOWN")
    if not code:
        raise InvalidInput("Say which list this is.", field="list_code")
    if provider is not None:
        return provider_import(
            actor=actor, provider=provider, list_code=code, on_progress=on_progress
        )
    attempt = _import_begin(actor=actor, list_code=code, format_name="")
    _import_refuse(actor=actor, import_id=attempt.id, refusal=refusal or BrokenList("Unreadable."))
    raise refusal or BrokenList("Unreadable.")


def code_checked(text: str) -> str:
    """Return a list's code as it is written everywhere; raises InvalidInput."""
    code = text.strip().upper()
    if not 0 < len(code) <= MAX_CODE or not code.replace("-", "").isalnum() or not code.isascii():
        raise InvalidInput("A list's code has letters, digits and hyphens.", field="list_code")
    return code


def provider_import(
    *,
    actor: User | None,
    provider: WatchlistProvider,
    list_code: str,
    on_progress: Progress = lambda _, __: None,
    is_vetted: bool = False,
) -> WatchlistVersion:
    """Do the same with entries that a provider reads; `is_vetted` where two people looked at them.

    Raises as `watchlist_import`.
    """
    attempt = _import_begin(actor=actor, list_code=list_code, format_name=provider.format)

    def note(count: int) -> None:
        share = provider.share_read
        import_progress_note(attempt.id, share)
        on_progress(count, share)

    try:
        return _import_run(
            actor=actor,
            import_id=attempt.id,
            provider=provider,
            on_entries=note,
            is_vetted=is_vetted,
        )
    except Refused as refusal:
        _import_refuse(actor=actor, import_id=attempt.id, refusal=refusal)
        raise
    except Conflict as conflict:
        _import_abort(import_id=attempt.id, code=conflict.code)
        raise


@command
def _import_begin(*, actor: User | None, list_code: str, format_name: str) -> WatchlistImport:
    return WatchlistImport.objects.create(list_code=list_code, format=format_name, started_by=actor)


@command
def _import_run(
    *,
    actor: User | None,
    import_id: UUID,
    provider: WatchlistProvider,
    on_entries: Callable[[int], None],
    is_vetted: bool,
) -> WatchlistVersion:
    """Swap the new version in, in one transaction: whoever is cut off here changed nothing."""
    attempt = WatchlistImport.objects.select_for_update().get(id=import_id)
    _lock(attempt.list_code)
    _abandoned(attempt).update(
        status=WatchlistImport.Status.ABORTED, code="cut_off", ended_at=timezone.now()
    )
    attempt.checksum = provider.checksum()
    versions = WatchlistVersion.objects.filter(list_code=attempt.list_code)
    latest = versions.order_by("-version").first()
    if latest and (latest.checksum, latest.reader) == (attempt.checksum, READER_VERSION):
        _end(attempt, WatchlistImport.Status.UNCHANGED, latest)
        return latest
    issued = provider.issued()
    if latest and not is_vetted:
        _check_age(attempt, latest, issued)
    version = WatchlistVersion.objects.create(
        list_code=attempt.list_code,
        version=latest.version + 1 if latest else 1,
        checksum=attempt.checksum,
        format=provider.format,
        reader=READER_VERSION,
        issued_on=issued,
        entity_count=0,
        name_count=0,
        added_count=0,
        changed_count=0,
        removed_count=0,
    )
    _apply(version, provider.entities(), on_entries)
    if not is_vetted and not version.entity_count:
        raise BrokenList("The file has no entries.")
    if latest and not is_vetted:
        _check_loss(attempt, latest, version)
    if latest and not (version.added_count or version.changed_count or version.removed_count):
        # The file is another one, but it says the same of everybody.
        version.delete()
        latest.checksum, latest.reader, latest.issued_on = attempt.checksum, READER_VERSION, issued
        latest.save()
        _end(attempt, WatchlistImport.Status.UNCHANGED, latest)
        return latest
    version.save()
    _end(attempt, WatchlistImport.Status.IMPORTED, version)
    emit(_imported(version), actor=actor)
    return version


def _lock(list_code: str) -> None:
    """Let one import of a list run at a time, however long its file takes to read."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"watchlist-{list_code}"]
        )
        if not cursor.fetchone()[0]:
            raise Conflict("This list is being imported already.", code="watchlist_import_running")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def _abandoned(attempt: WatchlistImport) -> QuerySet[WatchlistImport]:
    """Return attempts that nobody works on any more: the lock of their list is ours."""
    rows = WatchlistImport.objects.filter(list_code=attempt.list_code, status="RUNNING")
    return rows.exclude(id=attempt.id).filter(created_at__lt=attempt.created_at)


def _apply(
    version: WatchlistVersion, entities: Iterator[ListedEntity], on_entries: Callable[[int], None]
) -> None:
    """Write what is new or changed, chunk by chunk; end what is not in the list any more."""
    in_force = WatchlistEntity.objects.filter(list_code=version.list_code, removed_in=None)
    known = dict(in_force.values_list("uid", "content_hash"))
    seen: set[str] = set()
    while chunk := list(islice(entities, CHUNK)):
        fresh: list[ListedEntity] = []
        changed: list[str] = []
        for entity in chunk:
            if not 0 < len(entity.uid) <= MAX_UID or not entity.uid.isprintable():
                raise BrokenList("An entry has no number that can be kept.")
            if entity.uid in seen:
                raise BrokenList("An entry stands twice in the list.", uid=entity.uid)
            seen.add(entity.uid)
            version.name_count += len(entity.names)
            if known.get(entity.uid) != entity.content_hash:
                fresh.append(entity)
                changed += [entity.uid] if entity.uid in known else []
        in_force.filter(uid__in=changed).update(removed_in=version)
        entities_copy(fresh, version)
        version.added_count += len(fresh) - len(changed)
        version.changed_count += len(changed)
        on_entries(len(seen))
    removed = known.keys() - seen
    in_force.filter(uid__in=removed).update(removed_in=version)
    version.removed_count = len(removed)
    version.entity_count = len(seen)


def _check_age(attempt: WatchlistImport, latest: WatchlistVersion, issued: date | None) -> None:
    """Raise Refused `watchlist_older` for a file that something newer came after."""
    accepted = (WatchlistImport.Status.IMPORTED, WatchlistImport.Status.UNCHANGED)
    earlier = WatchlistImport.objects.filter(list_code=attempt.list_code, status__in=accepted)
    if issued and latest.issued_on and issued < latest.issued_on:
        message = f"The file is of {issued}; the list in force is of {latest.issued_on}."
    elif latest.checksum != attempt.checksum and earlier.filter(checksum=attempt.checksum).exists():
        message = "This file came in before, and another one after it."
    else:
        return
    if not _is_overridden(attempt, latest, "watchlist_older"):
        raise Refused(message, code="watchlist_older", checksum=attempt.checksum)


def _check_loss(
    attempt: WatchlistImport, latest: WatchlistVersion, version: WatchlistVersion
) -> None:
    """Raise Refused `watchlist_shrunk` for a file that parses but lost too much."""
    for what, before, lost in (
        ("entries", latest.entity_count, version.removed_count),
        ("names", latest.name_count, latest.name_count - version.name_count),
    ):
        limit = min(max(LOSS_COUNT, before * LOSS_PERCENT // 100), before // 2)
        if lost > limit and not _is_overridden(attempt, latest, "watchlist_shrunk"):
            raise Refused(
                f"The list lost {lost} of {before} {what}; at most {limit} at once are believed.",
                code="watchlist_shrunk",
                checksum=attempt.checksum,
                limit=str(limit),
                measured=str(lost),
            )


def _is_overridden(attempt: WatchlistImport, latest: WatchlistVersion, code: str) -> bool:
    """Tell whether two people let this very file in, in place of what is in force."""
    rows = WatchlistImport.objects.filter(
        list_code=attempt.list_code,
        checksum=attempt.checksum,
        code=code,
        created_at__gt=latest.created_at,
    )
    return rows.exclude(override_confirmed_by=None).exists()


def _end(attempt: WatchlistImport, status: str, version: WatchlistVersion) -> None:
    attempt.status, attempt.version, attempt.ended_at = status, version, timezone.now()
    attempt.save()


@command
def _import_abort(*, import_id: UUID, code: str) -> None:
    WatchlistImport.objects.filter(id=import_id, ended_at=None).update(
        status=WatchlistImport.Status.ABORTED, code=code, ended_at=timezone.now()
    )


@command
def _import_refuse(*, actor: User | None, import_id: UUID, refusal: DomainError) -> None:
    attempt = WatchlistImport.objects.select_for_update().get(id=import_id)
    attempt.status, attempt.ended_at = WatchlistImport.Status.REFUSED, timezone.now()
    attempt.code, attempt.message = refusal.code, refusal.message[:500]
    attempt.checksum = refusal.facts.get("checksum", attempt.checksum)
    attempt.facts = refusal.facts
    attempt.save()
    emit(
        WatchlistImportRefused(
            stream=attempt.stream,
            list_code=attempt.list_code,
            code=refusal.code,
            checksum=attempt.checksum,
        ),
        actor=actor,
    )
    operations_alert_raise(
        kind="IMPORT_REFUSED",
        subject=attempt.list_code,
        message=f"{attempt.list_code}: {refusal.message} The old version stays in force.",
        facts={"import": str(attempt.id), "code": refusal.code, **refusal.facts},
    )


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
