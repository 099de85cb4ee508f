"""What an officer reads when a client is looked at again: what it was approved on, what changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max, Q
from django.utils import timezone

from apps.compliance.domain.kyc import IDENTITY_KINDS
from apps.compliance.domain.masking import answers_masked
from apps.compliance.domain.questionnaires import questions_named
from apps.compliance.domain.wording import plain
from apps.compliance.models import Alert, KycDecision, KycDocument, KycRecord, ScreeningHit
from apps.compliance.selectors.kyc import answers_of
from apps.ledger.domain.legs import FLOORED_KINDS
from apps.ledger.selectors import balances_of_each
from apps.trading.selectors.portfolios import portfolio_ids_of


@dataclass(frozen=True)
class Change:
    """One difference since the last approval; `kind` is Answer, Document, Hit, Alert or Rating."""

    kind: str
    what: str
    before: str
    after: str
    at: datetime | None = None


def snapshot_of(record: KycRecord) -> dict[str, Any]:
    """Return what an approval is given on, to be kept with it."""
    return {
        "answers": answers_of(record.id),
        "rating": record.risk_rating,
        "score": str(record.risk_score or ""),
        "factors": record.risk_factors,
    }


def changes_since_approval(record: KycRecord) -> list[Change]:
    """Return what differs from the last approval: answers, documents, hits, alerts, rating.

    Nothing before the first one.  Numbers that identify are masked.
    """
    approval = record.decisions.filter(
        outcome=KycDecision.Outcome.APPROVE, status=KycDecision.Status.FINAL
    )
    last = approval.order_by("-decided_at").first()
    if last is None or last.decided_at is None:
        return []
    # An approval of before snapshots were kept has none.
    was = last.snapshot or {}
    return [
        *_rating(record, was),
        *(_answers(record, was["answers"]) if was else ()),
        *_documents(record, last.decided_at),
        *_hits(record, last.decided_at),
        *_alerts(record, last.decided_at),
    ]


def identity_expired(record_id: UUID) -> bool:
    """Tell whether the client's last identity document has expired."""
    identity = KycDocument.objects.filter(record_id=record_id, kind__in=IDENTITY_KINDS)
    last = identity.aggregate(day=Max("expiry_date"))["day"]
    return last is not None and last < timezone.localdate()


def is_holding(client_id: UUID) -> bool:
    """Tell whether the firm still keeps money or securities of the client."""
    rows = balances_of_each(portfolio_ids_of(client_id))
    return any(row.balance and row.kind in FLOORED_KINDS for _, row in rows)


def _rating(record: KycRecord, was: dict[str, Any]) -> Iterator[Change]:
    if was and was["rating"] != record.risk_rating:
        yield Change("Rating", "Risk rating", plain(was["rating"]), plain(record.risk_rating))
    points = {factor["code"]: factor["points"] for factor in was.get("factors", [])}
    for factor in record.risk_factors:
        before = points.get(factor["code"])
        if before is not None and before != factor["points"]:
            yield Change("Rating", factor["label"], str(before), str(factor["points"]))


def _answers(record: KycRecord, was: dict[str, dict[str, Any]]) -> Iterator[Change]:
    now, asked = answers_of(record.id), questions_named()
    for code in dict.fromkeys([*was, *now]):
        before, after = was.get(code, {}), now.get(code, {})
        changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        shown = answers_masked(before), answers_masked(after)
        for name in changed:
            label = asked[name][-1].label if name in asked else plain(name)
            then, today = (_words(side.get(name)) for side in shown)
            yield Change("Answer", label, then, today)


def _documents(record: KycRecord, since: datetime) -> Iterator[Change]:
    for row in record.documents.defer("content").filter(created_at__gt=since):
        until = f"valid until {row.expiry_date}" if row.expiry_date else ""
        yield Change("Document", str(row), "", f"uploaded {until}".strip(), row.created_at)


def _hits(record: KycRecord, since: datetime) -> Iterator[Change]:
    rows = ScreeningHit.objects.filter(record=record)
    for row in rows.filter(Q(run__created_at__gt=since) | Q(disposed_at__gt=since)).select_related(
        "run"
    ):
        is_new = row.run.created_at > since
        at = row.run.created_at if is_new else row.disposed_at
        yield Change(
            "Hit", row.listed_name, "" if is_new else "known", row.get_status_display(), at
        )


def _alerts(record: KycRecord, since: datetime) -> Iterator[Change]:
    rows = Alert.objects.filter(client_id=record.client_id)
    for row in rows.filter(Q(created_at__gt=since) | Q(decided_at__gt=since)):
        after = row.get_disposition_display() if row.disposition else row.get_status_display()
        is_new = row.created_at > since
        at = row.created_at if is_new else row.decided_at
        yield Change("Alert", plain(row.scenario_code), "" if is_new else "open", str(after), at)


def _words(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
