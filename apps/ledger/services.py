"""Commands of the ledger: the only code that moves a balance."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.audit.services import Actor, emit
from apps.core.commands import command
from apps.core.domain.money import MINOR_UNITS
from apps.core.errors import (
    Conflict,
    IllegalTransition,
    InvalidInput,
    NotFound,
    NotPermitted,
    Refused,
)
from apps.ledger.domain.legs import (
    KIND_PATTERN,
    AccountKey,
    AccountKind,
    Leg,
    digest,
    net,
    shard_of,
)
from apps.ledger.events import EntryPosted, ReversalProposed
from apps.ledger.models import Account, Entry, Posting, ReversalProposal
from apps.ledger.repositories import LockedAccount
from apps.users.models import User

DECIDE_REVERSAL = "ledger.decide_reversal"
MAX_REASON_LENGTH = 300
MAX_KEY_LENGTH = 200
MAX_REFERENCE_LENGTH = 100


@command
def entry_post(
    *,
    actor: Actor | None,
    idempotency_key: str,
    kind: str,
    legs: Sequence[Leg],
    reference: str = "",
) -> Entry:
    """Move the legs' amounts in one entry and return it.

    `kind` is an UPPERCASE name of at most 40 characters, `reference` an id of what caused it.
    Legs on the same account are netted.  The same key with the same kind and legs returns the
    first entry and moves nothing.

    Raises InvalidInput (legs that do not sum to zero per asset, or are malformed), Conflict (the
    key has an entry with other legs), Refused `insufficient_funds` or `insufficient_units` (a
    client's account would fall below its floor; nothing moved).
    """
    return entry_add(
        actor=actor, idempotency_key=idempotency_key, kind=kind, legs=legs, reference=reference
    )


def entry_add(
    *,
    actor: Actor | None,
    idempotency_key: str,
    kind: str,
    legs: Sequence[Leg],
    reference: str = "",
) -> Entry:
    """Do what `entry_post` says as a part of the caller's command, which fails as a whole."""
    entry = Entry(idempotency_key=idempotency_key, kind=kind, reference=reference)
    return _post(actor, entry, legs)


@command
def entry_reverse(
    *, actor: Actor | None, entry_id: UUID, idempotency_key: str, reference: str = ""
) -> Entry:
    """Post the opposite of an entry, once, and return the reversing entry.

    Raises NotFound, Conflict (already reversed, or itself a reversal), and Refused when what the
    entry brought in is no longer there.
    """
    entry = Entry.objects.filter(id=entry_id).select_related("reversed_by").first()
    if entry is None:
        raise NotFound("There is no such entry.")
    if entry.reverses_id:
        raise Conflict("A reversal is not reversed: post the entry anew.", code="is_reversal")
    existing = getattr(entry, "reversed_by", None)
    if existing is not None and existing.idempotency_key != idempotency_key:
        raise Conflict("The entry was already reversed.", code="already_reversed")
    reversal = Entry(
        idempotency_key=idempotency_key,
        kind="REVERSAL",
        reference=reference or entry.reference,
        reverses=entry,
    )
    legs = [
        Leg(row.account.owner_id, AccountKind(row.account.kind), row.asset, -row.amount)
        for row in entry.postings.select_related("account")
    ]
    return _post(actor, reversal, legs)


def _post(actor: Actor | None, entry: Entry, legs: Sequence[Leg]) -> Entry:
    _check_labels(entry)
    changes = net(legs)
    entry.digest = digest(entry.kind, changes)
    first = _claim(entry)
    if first.id != entry.id:
        return first
    accounts = _lock(changes)
    _check_floors(accounts, changes)
    moves = [(accounts[key].id, key.asset, amount) for key, amount in changes.items()]
    Posting.objects.move(entry, moves)
    emit(_posted(entry, changes), actor=actor)
    return entry


def _check_labels(entry: Entry) -> None:
    if not 0 < len(entry.idempotency_key) <= MAX_KEY_LENGTH:
        raise InvalidInput("An entry needs a key.", field="idempotency_key")
    if not KIND_PATTERN.fullmatch(entry.kind):
        raise InvalidInput("An entry's kind is an UPPERCASE name.", field="kind")
    if len(entry.reference) > MAX_REFERENCE_LENGTH:
        raise InvalidInput("The reference is too long.", field="reference")


def _claim(entry: Entry) -> Entry:
    """Insert the entry under its key, waiting for whoever is inserting the same; else the first.

    Raises Conflict when the key's first entry says something else.
    """
    if Entry.objects.claim(entry):
        return entry
    first = Entry.objects.keyed(entry.idempotency_key)
    if first is None:
        raise Conflict("The entry was already reversed.", code="already_reversed")
    if (first.digest, first.reverses_id) != (entry.digest, entry.reverses_id):
        raise Conflict("The key belongs to another entry.", code="idempotency_key_reused")
    return first


def _lock(changes: Mapping[AccountKey, Decimal]) -> dict[AccountKey, LockedAccount]:
    """Return every account of the entry under its row lock, made first where it is missing."""
    shard = shard_of(changes)
    accounts = Account.objects.locked(changes, shard)
    if not accounts:
        known = set(
            Account.objects.keyed(changes).values_list("owner_id", "kind", "asset", "shard")
        )
        made = (Account.for_key(key, shard) for key in changes)
        missing = [
            row for row in made if (row.owner_id, row.kind, row.asset, row.shard) not in known
        ]
        Account.objects.bulk_create(missing, ignore_conflicts=True)
        accounts = Account.objects.locked(changes, shard)
    return accounts


def _check_floors(
    accounts: Mapping[AccountKey, LockedAccount], changes: Mapping[AccountKey, Decimal]
) -> None:
    for key, change in changes.items():
        account = accounts[key]
        if account.floor is None or account.balance + change >= account.floor or change > 0:
            continue
        what = "funds" if key.asset in MINOR_UNITS else "units"
        raise Refused(
            f"Not enough {key.asset}.",
            code=f"insufficient_{what}",
            asset=key.asset,
            limit=f"{account.balance - account.floor:f}",
            measured=f"{-change:f}",
        )


def _posted(entry: Entry, changes: Mapping[AccountKey, Decimal]) -> EntryPosted:
    return EntryPosted(
        stream=entry.stream,
        entry_id=str(entry.id),
        kind=entry.kind,
        reference=entry.reference,
        reverses_id=str(entry.reverses_id) if entry.reverses_id else None,
        digest=entry.digest,
        legs=[
            [str(key.owner_id) if key.owner_id else None, key.kind.value, key.asset, f"{amount:f}"]
            for key, amount in changes.items()
        ],
    )


@command
def reversal_propose(*, actor: User, entry_id: UUID, reason: str) -> ReversalProposal:
    """Ask for an entry to be reversed and return the proposal; nothing moves yet.

    What moved units or holds is corrected where it came from (its order, its corporate action), or
    lots and orders would no longer agree with the ledger.

    Raises NotPermitted, NotFound, InvalidInput (the reason), Conflict (`already_reversed`,
    `is_reversal`, `already_proposed`), Refused `entry_not_reversible`.
    """
    _check_officer(actor)
    text = reason.strip()
    if not 3 <= len(text) <= MAX_REASON_LENGTH or "\x00" in text:
        raise InvalidInput(f"A reason has 3 to {MAX_REASON_LENGTH} characters.", field="reason")
    entry = Entry.objects.filter(id=entry_id).first()
    if entry is None:
        raise NotFound("There is no such entry.")
    if entry.reverses_id:
        raise Conflict("A reversal is not reversed: post the entry anew.", code="is_reversal")
    if Entry.objects.filter(reverses=entry).exists():
        raise Conflict("The entry was already reversed.", code="already_reversed")
    if entry.postings.filter(account__kind__in=[AccountKind.HELD, AccountKind.SECURITIES]).exists():
        raise Refused("Correct this where it came from.", code="entry_not_reversible")
    proposal = ReversalProposal(entry=entry, reason=text, proposed_by=actor)
    try:
        with transaction.atomic():
            proposal.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("The entry has a proposal already.", code="already_proposed") from error
    event = ReversalProposed(stream=proposal.stream, entry_id=str(entry.id), reason=text)
    emit(event, actor=actor)
    return proposal


@command
def reversal_confirm(*, actor: User, proposal_id: UUID) -> ReversalProposal:
    """Post the reversing entry that another officer proposed.

    Raises NotPermitted (`four_eyes` for the proposer), NotFound, IllegalTransition, and what
    `entry_reverse` raises.
    """
    _check_officer(actor)
    proposal = ReversalProposal.objects.locked(proposal_id)
    if actor.pk == proposal.proposed_by_id:
        raise NotPermitted("A second officer must decide.", code="four_eyes")
    if proposal.status != ReversalProposal.Status.PROPOSED:
        raise IllegalTransition("The reversal was decided already.")
    reversal = entry_reverse(
        actor=actor, entry_id=proposal.entry_id, idempotency_key=f"reversal-{proposal.id}"
    )
    return _decided(actor, proposal, reversal)


@command
def reversal_reject(*, actor: User, proposal_id: UUID) -> ReversalProposal:
    """Turn a proposal down; raises NotPermitted, NotFound, IllegalTransition."""
    _check_officer(actor)
    return _decided(actor, ReversalProposal.objects.locked(proposal_id), None)


def _decided(actor: User, proposal: ReversalProposal, reversal: Entry | None) -> ReversalProposal:
    event = proposal.decide(actor, reversal=reversal, at=timezone.now())
    proposal.save()
    emit(event, actor=actor)
    return proposal


def _check_officer(actor: User) -> None:
    if not actor.has_perm(DECIDE_REVERSAL):
        raise NotPermitted("Only operations reverse entries.")
