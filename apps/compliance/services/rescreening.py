"""Clients are compared again: with what a list change brought, and every night with everything."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.kyc import EDITABLE, RESCREENED
from apps.compliance.domain.matching import MATCHER_VERSION
from apps.compliance.events import ClientsChecked, ClientsRescreened
from apps.compliance.models import KycRecord, ScreenedClient, ScreeningHit, ScreeningRun
from apps.compliance.selectors.name_indexes import IndexOf, delta_index
from apps.compliance.selectors.screening import (
    candidates_of,
    entities_near,
    subjects_from,
    subjects_kept,
    subjects_of,
    versions_in_force,
    versions_since,
)
from apps.compliance.services.operations_alerts import operations_alert_raise
from apps.compliance.services.screening import UNDECIDED, pairs_found, screening_run
from apps.core.commands import command
from apps.infrastructure.failures import FailureTold

# Whose answers are not being changed.
SETTLED = RESCREENED - EDITABLE
NIGHT_HOUR = 2
STREAM = "rescreening"
# Clients of one transaction.
BATCH = 1000


def clients_rescreen(*, limit: int = 20 * BATCH) -> int:
    """Compare the clients whom a list change has not reached yet with what it changed.

    Who cannot be touched is marked, a batch a transaction; who may be is screened in full, each in
    a transaction of its own.  Return how many; what is left, was cut off or failed is due again.
    """
    done, after = 0, None
    while done < limit:
        batch = _batch_compare(after=after, limit=min(BATCH, limit - done))
        for record_id in batch.touched:
            _screen(record_id, ScreeningRun.Trigger.LIST_CHANGE)
        done += len(batch.clients)
        if not batch.clients:
            break
        after = batch.clients[-1]
    for record_id in _never_kept(limit - done):
        _screen(record_id, ScreeningRun.Trigger.LIST_CHANGE)
        done += 1
    return done


def night_begun() -> datetime:
    """Return the last 02:00 UTC: who was not screened in full since then is due."""
    now = timezone.now()
    begun = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return begun if begun <= now else begun - timedelta(days=1)


def clients_check(*, since: datetime, limit: int = BATCH) -> int:
    """Screen in full who was not since that moment; a difference is an operations alert.

    Return how many clients were checked.  The difference itself is mended on the spot.
    """
    batch = _batch_check(since=since, limit=limit)
    for record_id in batch.touched:
        _screen(record_id, ScreeningRun.Trigger.NIGHTLY)
    return len(batch.clients)


@command
def client_screen(*, record_id: UUID) -> ScreeningRun | None:
    """Screen a client whose data are others than when last screened; for changes after approval.

    While the client may edit, nothing is compared: handing in does that.
    """
    record = KycRecord.objects.locked(record_id)
    if record.status not in SETTLED or subjects_of(record_id) == subjects_kept(record_id):
        return None
    return screening_run(record_id=record_id, trigger=ScreeningRun.Trigger.CLIENT_CHANGE)


def _screen(record_id: UUID, trigger: str) -> None:
    """Screen one client; a failure stops none of the others, and the client stays due."""
    with FailureTold(
        "RESCREENING_FAILED",
        subject=str(record_id),
        message="A client could not be screened after a list change; it is tried again.",
        trigger=trigger,
    ):
        screening_run(record_id=record_id, trigger=trigger)


@dataclass(frozen=True)
class _Batch:
    """The records (by id) of a batch, in order, and those that must be screened in full."""

    clients: list[UUID]
    touched: list[UUID]


@dataclass(frozen=True)
class _Delta:
    """What changed between two states of the lists: the new entries, and who hit the old ones."""

    index_of: IndexOf
    version_ids: tuple[UUID, ...]

    def touched(self, clients: Collection[ScreenedClient]) -> set[UUID]:
        """Return the records (by id) that the delta can touch."""
        # Few hits end with a list change: naming a thousand clients would cost more.
        ended = ScreeningHit.objects.filter(
            status__in=(*UNDECIDED, ScreeningHit.Status.TRUE_MATCH),
            entity__removed_in__in=self.version_ids,
        )
        found = {client.record_id for client in clients}
        found &= {*ended.values_list("record_id", flat=True)}
        for client in clients:
            if client.record_id not in found and any(
                entities_near(subject, self.index_of) for subject in subjects_from(client).values()
            ):
                found.add(client.record_id)
        return found


@lru_cache(maxsize=2)
def _delta(version_ids: tuple[UUID, ...]) -> _Delta:
    return _Delta(delta_index(version_ids), version_ids)


@command
def _batch_compare(*, after: UUID | None, limit: int) -> _Batch:
    versions = versions_in_force()
    rows = ScreenedClient.objects.filter(record__status__in=RESCREENED)
    rows = rows.exclude(list_versions=versions, matcher_version=MATCHER_VERSION)
    if after is not None:
        rows = rows.filter(record_id__gt=after)
    rows = rows.only("record_id", "subject", "parties", "list_versions", "matcher_version")
    rows = rows.select_for_update(of=("self",), skip_locked=True).order_by("record_id")
    clients = list(rows[:limit])
    if not clients:
        return _Batch([], [])
    groups: dict[tuple[tuple[str, int], ...], list[ScreenedClient]] = defaultdict(list)
    for client in clients:
        groups[tuple(sorted(client.list_versions.items()))].append(client)
    touched = sorted({one for seen, group in groups.items() for one in _touched(group, dict(seen))})
    untouched = [client.pk for client in clients if client.record_id not in touched]
    ScreenedClient.objects.filter(pk__in=untouched).update(list_versions=versions)
    emit(
        ClientsRescreened(
            stream=STREAM,
            list_versions=versions,
            client_count=len(clients),
            touched=[str(record_id) for record_id in touched],
        ),
        actor=None,
    )
    return _Batch([client.record_id for client in clients], touched)


def _touched(clients: list[ScreenedClient], seen: dict[str, int]) -> set[UUID]:
    by_other = {one.record_id for one in clients if one.matcher_version != MATCHER_VERSION}
    rest = [one for one in clients if one.record_id not in by_other]
    return by_other | _delta(tuple(sorted(versions_since(seen)))).touched(rest)


def _never_kept(limit: int) -> list[UUID]:
    """Return clients (by record) who were screened before it was kept as what."""
    rows = KycRecord.objects.filter(status__in=SETTLED, screened=None, screenings__isnull=False)
    return list(rows.distinct().order_by("id").values_list("id", flat=True)[: max(limit, 0)])


@command
def _batch_check(*, since: datetime, limit: int) -> _Batch:
    """Return who was screened, and whose results are not what is kept."""
    versions = versions_in_force()
    rows = ScreenedClient.objects.filter(
        record__status__in=RESCREENED,
        checked_at__lt=since,
        list_versions=versions,
        matcher_version=MATCHER_VERSION,
    )
    rows = rows.select_related("record").order_by("checked_at", "id")
    rows = rows.select_for_update(of=("self",), skip_locked=True)
    clients = list(rows[:limit])
    if not clients:
        return _Batch([], [])
    differing = [client.record_id for client in clients if _differs(client)]
    checked = ScreenedClient.objects.filter(pk__in=[client.pk for client in clients])
    checked.update(checked_at=timezone.now())
    emit(
        ClientsChecked(
            stream=STREAM,
            list_versions=versions,
            client_count=len(clients),
            differing=[str(record_id) for record_id in differing],
        ),
        actor=None,
    )
    if differing:
        operations_alert_raise(
            kind="RESCREENING_DIFFERS",
            subject="nightly screening",
            message=f"{len(differing)} of {len(clients)} clients had results that nobody was told"
            " of: a list change did not reach them. They were screened again.",
            facts={"records": [str(record_id) for record_id in differing], "lists": versions},
        )
    return _Batch([client.record_id for client in clients], differing)


def _differs(client: ScreenedClient) -> bool:
    rating = client.record.risk_rating
    found = {
        pair
        for party, subject in subjects_from(client).items()
        for pair in pairs_found(subject, candidates_of(subject), rating, party)
    }
    hits = ScreeningHit.objects.filter(record_id=client.record_id)
    known = hits.exclude(status=ScreeningHit.Status.SUPERSEDED)
    undecided = {*known.filter(status__in=UNDECIDED).values_list("pair_hash", flat=True)}
    return bool(undecided - found or found - {*known.values_list("pair_hash", flat=True)})
