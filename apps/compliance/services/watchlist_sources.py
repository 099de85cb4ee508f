"""Addresses that lists are fetched from, and the fetching itself."""

from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.events import WatchlistSourceChanged
from apps.compliance.models import WatchlistImport, WatchlistSource, WatchlistVersion
from apps.compliance.providers import READER_VERSION
from apps.compliance.services.operations_alerts import operations_alert_raise
from apps.compliance.services.watchlists import code_checked, watchlist_import
from apps.core.commands import command
from apps.core.errors import Conflict, DomainError, InvalidInput, NotFound, NotPermitted, Refused
from apps.infrastructure.outbound import Broken, Downloaded, Unreachable, download, url_check
from apps.users.models import User

PROPOSE = "compliance.propose_watchlist"
HOURS = range(1, 169)
# The greatest list (OpenSanctions' default collection) is about 3 GB; OFAC's is 125 MB.
MAX_BYTES = 4_000_000_000
MAX_SECONDS = 180.0


@command
def source_save(*, actor: User, list_code: str, url: str, interval_hours: int) -> WatchlistSource:
    """Say where a list comes from.  A source that was changed is off until another turns it on.

    Raises NotPermitted, InvalidInput.
    """
    _check_permitted(actor)
    code = code_checked(list_code)
    if interval_hours not in HOURS:
        raise InvalidInput("Ask every 1 to 168 hours.", field="interval_hours")
    parts = url_check(url.strip())
    if parts.scheme != "https":
        raise InvalidInput("A list is fetched over https.", field="url")
    source, _ = WatchlistSource.objects.select_for_update().update_or_create(
        list_code=code,
        defaults={
            "url": url.strip(),
            "interval_hours": interval_hours,
            "is_active": False,
            "changed_by": actor,
            "activated_by": None,
            "etag": "",
            "modified": "",
        },
    )
    _note(actor, source)
    return source


@command
def source_activate(*, actor: User, source_id: UUID) -> WatchlistSource:
    """Turn a source on that another person wrote down.

    Raises NotPermitted (`same_person`), NotFound, Conflict when it is on already.
    """
    source = _locked(actor, source_id)
    if source.changed_by_id == actor.pk:
        raise NotPermitted("Another person must turn it on.", code="same_person")
    if source.is_active:
        raise Conflict("The source is on already.", code="source_active")
    source.is_active, source.activated_by = True, actor
    source.save()
    _note(actor, source)
    return source


@command
def source_deactivate(*, actor: User, source_id: UUID) -> WatchlistSource:
    """Turn a source off; the list in force stays.  Raises NotPermitted, NotFound."""
    source = _locked(actor, source_id)
    source.is_active = False
    source.save()
    _note(actor, source)
    return source


def sources_due() -> list[UUID]:
    """Return the sources that are on and were not asked for their interval."""
    late = Q(checked_at=None) | Q(checked_at__lte=Now() - F("interval_hours") * timedelta(hours=1))
    rows = WatchlistSource.objects.filter(late, is_active=True)
    return list(rows.values_list("id", flat=True))


def source_refresh(*, source_id: UUID) -> str:
    """Fetch one list and bring it in; return what came of it, which the source keeps.

    A failure is an operations alert; the list in force stays, and the next round tries again.
    """
    source = WatchlistSource.objects.filter(id=source_id, is_active=True).first()
    if source is None:
        return "OFF"
    with TemporaryDirectory(prefix="stratford-list-") as folder:
        path = Path(folder) / "list"
        try:
            answer = _fetch(source, path)
        except (Broken, Unreachable, OSError, InvalidInput, Refused) as error:
            return _failed(source, str(error))
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return _source_asked(source=source, outcome="NOT_MODIFIED", answer=None)
        try:
            version = watchlist_import(actor=None, path=path, list_code=source.list_code)
        except DomainError as error:
            # The import has told of it; all of the file is asked for again: two may let it in.
            return _source_asked(source=source, outcome=error.code, answer=None)
    newest = WatchlistImport.objects.filter(version=version).first()
    outcome = newest.status if newest else "IMPORTED"
    return _source_asked(source=source, outcome=outcome, answer=answer)


def _fetch(source: WatchlistSource, path: Path) -> Downloaded:
    """Ask for the file; for a newer one only where the code that read the last one still does."""
    newest = WatchlistVersion.objects.filter(list_code=source.list_code).order_by("-version")
    is_read = newest.values_list("reader", flat=True).first() == READER_VERSION
    with path.open("wb") as file:
        return download(
            source.url,
            file,
            etag=source.etag if is_read else "",
            modified=source.modified if is_read else "",
            seconds=MAX_SECONDS,
            most=MAX_BYTES,
        )


def _failed(source: WatchlistSource, reason: str) -> str:
    operations_alert_raise(
        kind="FETCH_FAILED",
        subject=source.list_code,
        message=f"{source.list_code} could not be fetched ({reason[:200]}). The old version stays"
        " in force.",
        facts={"source": str(source.id)},
    )
    return _source_asked(source=source, outcome="FETCH_FAILED", answer=None)


@command
def _source_asked(*, source: WatchlistSource, outcome: str, answer: Downloaded | None) -> str:
    """Keep what came of it and, of a file that came in, what spares fetching it again."""
    asked = source.url
    source = WatchlistSource.objects.select_for_update().get(id=source.id)
    if source.url != asked:
        # Another address was written down meanwhile: it has not been asked.
        return outcome
    source.outcome, source.checked_at = outcome[:40], timezone.now()
    if answer is not None:
        source.etag, source.modified = answer.etag, answer.modified
    source.save(update_fields=["outcome", "checked_at", "etag", "modified", "updated_at"])
    return outcome


def _check_permitted(actor: User) -> None:
    if not actor.has_perm(PROPOSE):
        raise NotPermitted("You may not change where lists come from.")


def _locked(actor: User, source_id: UUID) -> WatchlistSource:
    _check_permitted(actor)
    source = WatchlistSource.objects.select_for_update().filter(id=source_id).first()
    if source is None:
        raise NotFound("There is no such source.")
    return source


def _note(actor: User, source: WatchlistSource) -> None:
    emit(
        WatchlistSourceChanged(
            stream=source.stream,
            list_code=source.list_code,
            url=source.url,
            interval_hours=source.interval_hours,
            is_active=source.is_active,
        ),
        actor=actor,
    )
