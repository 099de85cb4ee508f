"""A hit as an officer reads it: both sides, what speaks for and against, what changed since."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from apps.compliance.domain.alerts import HITS_DECIDED, REASONS, AlertKind
from apps.compliance.domain.countries import countries
from apps.compliance.domain.matching import STRONG_FROM
from apps.compliance.domain.wording import feature_words, plain
from apps.compliance.models import (
    HitDecision,
    MatchWithdrawal,
    ScreeningHit,
    ScreeningResult,
    WatchlistEntity,
)
from apps.compliance.selectors.screening import subject_from_json, subject_kept
from apps.core.errors import NotFound
from apps.users.models import User

VIEW = "compliance.view_screeninghit"
DECIDED = ("TRUE_MATCH", "FALSE_POSITIVE", "INCONCLUSIVE")


@dataclass(frozen=True)
class Side:
    """One fact on both sides, a line a value; `verdict` is agrees, differs or unknown."""

    label: str
    client: tuple[str, ...]
    listed: tuple[str, ...]
    verdict: str


@dataclass(frozen=True)
class HitView:
    """`primary_name` is what the entry is known by, where another of its names was compared.

    `identical` are other undecided hits of the client with the same listed name.
    `list_version` is the one that was compared with, `threshold` from which score on that was a
    hit; None in hits of before they were kept.  `withdrawal` waits for its second officer;
    `grounds` are those on which a true match may be taken back.
    """

    hit: ScreeningHit
    primary_name: str
    sides: list[Side]
    features: list[dict[str, Any]]
    changes: list[str]
    decisions: list[HitDecision]
    identical: list[ScreeningHit]
    list_version: int | None
    threshold: Decimal | None
    withdrawal: MatchWithdrawal | None
    grounds: list[tuple[str, str]]


def hits_shown(record_id: UUID) -> list[HitView]:
    """Return a client's hits, undecided and best first; superseded ones last."""
    rows = ScreeningHit.objects.filter(record_id=record_id).select_related(
        "entity__removed_in", "disposed_by", "record", "run"
    )
    hits = list(
        rows.prefetch_related("entity__names", "decisions__decided_by", "withdrawals__proposed_by")
    )
    ranks = {"OPEN": 0, "INCONCLUSIVE": 1, "TRUE_MATCH": 2, "FALSE_POSITIVE": 3, "SUPERSEDED": 4}
    hits.sort(key=lambda hit: (ranks[hit.status], -hit.score))
    thresholds = _thresholds(hits)
    return [_view(hit, hits, thresholds.get(_compared(hit))) for hit in hits]


def is_delisted(entity: WatchlistEntity) -> bool:
    """Return whether the entry left its list, in this and in any other wording."""
    same = WatchlistEntity.objects.filter(list_code=entity.list_code, uid=entity.uid)
    return entity.removed_in_id is not None and not same.filter(removed_in=None).exists()


def hit_list(user: User) -> QuerySet[ScreeningHit]:
    """Return what the user may see: for staff with the permission every hit but their own."""
    rows = ScreeningHit.objects.select_related("entity", "record").exclude(record__client=user)
    return rows if user.has_perm(VIEW) else rows.none()


def hit_get(user: User, hit_id: UUID) -> ScreeningHit:
    """Return the hit; raises NotFound, for whoever may not know of hits too."""
    hit = hit_list(user).filter(pk=hit_id).first()
    if hit is None:
        raise NotFound("There is no such hit.")
    return hit


def hit_shown(*, actor: User, hit_id: UUID) -> HitView:
    """Return a hit with what speaks for and against it; raises NotFound."""
    hit = hit_get(actor, hit_id)
    return next(view for view in hits_shown(hit.record_id) if view.hit.id == hit.id)


def weak_hits(hit_ids: Collection[UUID]) -> list[ScreeningHit]:
    """Return those that may be decided many at once, client by client: open, of a low score."""
    rows = ScreeningHit.objects.filter(
        id__in=hit_ids, status=ScreeningHit.Status.OPEN, score__lt=STRONG_FROM
    )
    return list(rows.select_related("entity", "record").order_by("record_id", "-score", "id"))


def bulk_reasons() -> list[str]:
    """Return the reasons that make a hit a false positive."""
    reasons = REASONS[AlertKind.SCREENING]["FALSE_POSITIVE"]
    return [code for code in reasons if code != HITS_DECIDED]


def hit_reasons() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return each disposition in words with its reason codes, for a form."""
    return [
        (
            plain(disposition),
            [
                (f"{disposition}:{code}", plain(code))
                for code in REASONS[AlertKind.SCREENING][disposition]
                if code != HITS_DECIDED
            ],
        )
        for disposition in DECIDED
    ]


def _compared(row: ScreeningHit | ScreeningResult) -> tuple[UUID, int, UUID | None]:
    return row.run_id, row.entity_id, row.party_id


def _thresholds(hits: list[ScreeningHit]) -> dict[tuple[UUID, int, UUID | None], Decimal]:
    """Return what made each pair a hit, by run, entry and party."""
    rows = ScreeningResult.objects.filter(
        run__in={hit.run_id for hit in hits}, entity__in={hit.entity_id for hit in hits}
    )
    return {_compared(row): row.threshold for row in rows}


def _view(hit: ScreeningHit, hits: list[ScreeningHit], threshold: Decimal | None) -> HitView:
    return HitView(
        hit=hit,
        primary_name=_primary_name(hit),
        sides=[side for side in _sides(hit) if side.client or side.listed],
        features=[{**row, **feature_words(row), **_bar(row)} for row in hit.features],
        changes=_changes(hit, hits),
        decisions=list(hit.decisions.all()),
        identical=[
            other
            for other in hits
            if other.id != hit.id
            and other.status == hit.status == ScreeningHit.Status.OPEN
            and other.listed_name == hit.listed_name
        ],
        list_version=hit.run.list_versions.get(hit.entity.list_code),
        threshold=threshold,
        withdrawal=next((one for one in hit.withdrawals.all() if one.status == "PROPOSED"), None),
        grounds=_grounds(hit),
    )


def _grounds(hit: ScreeningHit) -> list[tuple[str, str]]:
    if hit.status != ScreeningHit.Status.TRUE_MATCH:
        return []
    ground = MatchWithdrawal.Ground
    is_gone = is_delisted(hit.entity)
    return [choice for choice in ground.choices if is_gone or choice[0] != ground.DELISTED]


def _primary_name(hit: ScreeningHit) -> str:
    names = [one.name for one in hit.entity.names.all() if one.kind == "PRIMARY"]
    return names[0] if names and names[0] != hit.listed_name else ""


def _bar(row: dict[str, str]) -> dict[str, str]:
    """Return what the feature adds, with its sign, and the length of its bar, 0 to 1."""
    adds = Decimal(row["contribution"])
    return {"adds": f"{adds:+.3f}" if adds else "0", "bar": str(abs(adds))}


def _sides(hit: ScreeningHit) -> list[Side]:
    """Return client facts against list facts, each with whether they agree."""
    client = subject_from_json(hit.subject) if hit.subject else subject_kept(hit.record_id)
    entity = hit.entity
    verdicts = {row["code"]: feature_words(row)["verdict"] for row in hit.features}
    listed = sorted(
        entity.names.all(), key=lambda one: (one.kind != "PRIMARY", one.is_weak, one.id)
    )
    names = [f"{one.name} (weak alias)" if one.is_weak else one.name for one in listed]
    rows = [
        ("name", "Name compared", [hit.client_name], [hit.listed_name]),
        ("", "All names", client.names, names),
        ("", "Kind", [plain(client.kind)], [entity.get_kind_display()]),
        ("birth_date", "Date of birth", client.birth_dates, entity.birth_dates),
        ("country", "Countries", _places(client.countries), _places(entity.countries)),
        ("gender", "Gender", [plain(client.gender)] * bool(client.gender), _gender(entity)),
        ("identifier", "Numbers", map(_number, client.identifiers), _numbers(entity)),
    ]
    return [
        Side(label, tuple(ours), tuple(theirs), verdicts.get(code, "unknown"))
        for code, label, ours, theirs in rows
    ]


def _changes(hit: ScreeningHit, hits: list[ScreeningHit]) -> list[str]:
    """Return what is other than when the same entry was last decided, in words."""
    entry = (hit.entity.list_code, hit.entity.uid)
    earlier = [
        other
        for other in hits
        if other.disposed_at is not None
        and other.id != hit.id
        and other.created_at < hit.created_at
        and (other.entity.list_code, other.entity.uid) == entry
    ]
    if not earlier:
        return []
    before = max(earlier, key=lambda other: other.disposed_at or other.created_at)
    told = f"{before.get_status_display()} on {before.disposed_at:%Y-%m-%d}; since then:"
    for made in before.withdrawals.all():
        if made.status == MatchWithdrawal.Status.DONE:
            ground = made.get_reason_code_display().lower()
            told = f"True match, taken back on {made.decided_at:%Y-%m-%d} ({ground}); since then:"
    changed = [
        f"{side.label}, {whose}: {_joined(was)} became {_joined(now)}"
        for old, side in zip(_sides(before), _sides(hit), strict=True)
        for whose, was, now in (
            ("client", old.client, side.client),
            ("list", old.listed, side.listed),
        )
        if was != now and side.label != "Name compared"
    ]
    return [told, *(changed or ["nothing that is shown here."])]


def _gender(entity: WatchlistEntity) -> list[str]:
    return [plain(entity.gender)] if entity.gender else []


def _places(codes: Iterable[str]) -> list[str]:
    return [countries().get(code, code) for code in codes]


def _numbers(entity: WatchlistEntity) -> list[str]:
    """Return what the list publishes, in full; the client's own are masked."""
    return [
        f"{plain(row['kind'])}{_where(row['country'])} {row['value']}" for row in entity.identifiers
    ]


def _number(identifier: str) -> str:
    kind, country, value = identifier.split(" ")
    return f"{plain(kind)}{_where(country.strip('-'))} ending in {value[-4:]}"


def _where(country: str) -> str:
    return f" ({country})" if country else ""


def _joined(values: Iterable[str]) -> str:
    return "; ".join(values) or "nothing"
