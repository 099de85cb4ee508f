"""The firm's own list: one officer proposes a change, another carries it out."""

import tempfile
from collections.abc import Mapping
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.reasons import reason_checked
from apps.compliance.events import OwnListChangeDecided, OwnListChangeProposed
from apps.compliance.models import OwnListChange
from apps.compliance.providers import BrokenList, ListedEntity
from apps.compliance.providers.own import (
    OWN,
    OwnCsv,
    OwnEntries,
    entity_as_json,
    entity_from_json,
    entity_of,
)
from apps.compliance.selectors.own_list import own_entries, own_version
from apps.compliance.services.watchlist_sources import PROPOSE
from apps.compliance.services.watchlists import provider_import
from apps.compliance.services.work_locks import work_lock_require
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from apps.users.models import User

MAX_ENTRIES = 10_000


def entry_propose_put(*, actor: User, cells: Mapping[str, str], reason: str) -> OwnListChange:
    """Propose an entry, new or in place of the one of its id; `cells` by own.COLUMNS.

    Raises NotPermitted, BrokenList (which says what is wrong), InvalidInput.
    """
    _check_permitted(actor)
    entity = entity_of(cells)
    return _change_propose(
        actor=actor, action="PUT", uid=entity.uid, entities=[entity], reason=reason
    )


def entry_propose_end(*, actor: User, uid: str, reason: str) -> OwnListChange:
    """Propose to end an entry.  Raises NotPermitted, NotFound, InvalidInput."""
    _check_permitted(actor)
    if uid not in own_entries():
        raise NotFound("There is no such entry.")
    return _change_propose(actor=actor, action="END", uid=uid, entities=[], reason=reason)


def list_propose_replace(*, actor: User, content: bytes, reason: str) -> OwnListChange:
    """Propose a whole CSV in place of the list.  Raises NotPermitted, BrokenList, InvalidInput."""
    _check_permitted(actor)
    with tempfile.TemporaryDirectory(prefix="stratford-own-") as folder:
        path = Path(folder) / "own.csv"
        path.write_bytes(content)
        entities = list(OwnCsv(path).entities())
    if not 0 < len(entities) <= MAX_ENTRIES:
        raise InvalidInput(f"The list has 1 to {MAX_ENTRIES} entries.", field="file")
    if len({entity.uid for entity in entities}) < len(entities):
        raise BrokenList("An entry stands twice in the list.", field="file")
    return _change_propose(actor=actor, action="REPLACE", uid="", entities=entities, reason=reason)


@command
def own_list_confirm(*, actor: User, change_id: UUID) -> OwnListChange:
    """Carry a proposed change out as another officer; the list gets a new version.

    Raises NotPermitted (`same_officer`), NotFound, Conflict when it was decided, or `stale_list`
    when the list has changed since it was proposed.
    """
    change = _open(actor, change_id)
    if change.proposed_by_id == actor.pk:
        raise NotPermitted("Another officer must confirm.", code="same_officer")
    if change.base_version != own_version():
        raise Conflict("The list has changed since; propose it again.", code="stale_list")
    if change.payload_hash != _digest(change.payload):
        raise Conflict("This is not what was proposed.", code="payload_changed")
    entries = {} if change.action == OwnListChange.Action.REPLACE else own_entries()
    entries |= {one["uid"]: entity_from_json(one) for one in change.payload}
    if change.action == OwnListChange.Action.END:
        entries.pop(change.uid, None)
    _decide(actor, change, OwnListChange.Status.DONE)
    provider_import(
        actor=actor, provider=OwnEntries(entries.values()), list_code=OWN, is_vetted=True
    )
    return change


@command
def own_list_decline(*, actor: User, change_id: UUID) -> OwnListChange:
    """Leave the list as it is; the proposer may take a proposal back so.

    Raises NotPermitted, NotFound, Conflict.
    """
    change = _open(actor, change_id)
    _decide(actor, change, OwnListChange.Status.DECLINED)
    return change


@command
def _change_propose(
    *, actor: User, action: str, uid: str, entities: list[ListedEntity], reason: str
) -> OwnListChange:
    text = reason_checked(reason)
    payload = [entity_as_json(entity) for entity in entities]
    change = OwnListChange.objects.create(
        action=action,
        uid=uid,
        payload=payload,
        payload_hash=_digest(payload),
        base_version=own_version(),
        reason=text,
        proposed_by=actor,
    )
    emit(OwnListChangeProposed(**_identity(change)), actor=actor)
    return change


def _check_permitted(actor: User) -> None:
    if not actor.has_perm(PROPOSE):
        raise NotPermitted("You may not change the firm's own list.")


def _open(actor: User, change_id: UUID) -> OwnListChange:
    _check_permitted(actor)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('own-list', 0))")
    change = OwnListChange.objects.select_for_update().filter(id=change_id).first()
    if change is None:
        raise NotFound("There is no such proposal.")
    work_lock_require(actor=actor, page_id=change.id)
    if change.status != OwnListChange.Status.PROPOSED:
        raise Conflict("This was decided already.", code="own_list_decided", status=change.status)
    return change


def _decide(actor: User, change: OwnListChange, status: str) -> None:
    change.status, change.decided_by, change.decided_at = status, actor, timezone.now()
    change.save()
    emit(OwnListChangeDecided(**_identity(change), status=status), actor=actor)


def _identity(change: OwnListChange) -> dict[str, Any]:
    return {
        "stream": change.stream,
        "change_id": str(change.id),
        "action": change.action,
        "uid": change.uid,
        "payload_hash": change.payload_hash,
    }


def _digest(payload: Any) -> str:
    return sha256(dumps(payload, sort_keys=True).encode()).hexdigest()
