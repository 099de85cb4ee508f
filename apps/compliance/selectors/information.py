"""What was asked of a client, in the words of either side."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import QuerySet

from apps.compliance.domain.business_calendar import FIRM
from apps.compliance.domain.information import (
    ANY_IDENTITY,
    QUESTIONS,
    REASONS_BY_KIND,
    ItemKind,
)
from apps.compliance.domain.kyc import IDENTITY_KINDS
from apps.compliance.domain.kyc_reasons import REASONS
from apps.compliance.domain.questionnaires import STEP_CODES, step_title
from apps.compliance.domain.wording import day_in_words
from apps.compliance.models import InformationItem, KycDocument

Status = InformationItem.Status


@dataclass(frozen=True)
class ItemView:
    """One thing the client is asked for, as the client sees it."""

    id: UUID
    kind: str
    subject: str
    title: str
    why: str
    due_date: date
    is_answered: bool
    answer: str


def item_labels(steps: Iterable[str] = STEP_CODES) -> dict[str, str]:
    """Return what may be asked for: label by code (kind and subject); `steps` are the client's."""
    documents = {
        str(code): str(label)
        for code, label in KycDocument.Kind.choices
        if code not in IDENTITY_KINDS
    }
    identity = {ANY_IDENTITY: "Passport, identity card or driving licence"}
    return {
        **{f"{ItemKind.DOCUMENT}:{code}": label for code, label in (identity | documents).items()},
        **{f"{ItemKind.STEP}:{code}": f"Your answers: {step_title(code)}" for code in steps},
        **{f"{ItemKind.QUESTION}:{code}": text for code, text in QUESTIONS.items()},
    }


def item_label(code: str) -> str:
    """Return the words for what was asked; its code where it is not asked for any more."""
    return item_labels().get(code, code.replace("_", " ").capitalize())


def item_choices(
    steps: Iterable[str],
) -> list[tuple[str, list[tuple[str, str]], list[tuple[str, str]]]]:
    """Return, kind by kind for a form: its name, the things (code, label) and the reasons."""
    labels = item_labels(steps)
    return [
        (
            kind.value.capitalize(),
            [(code, label) for code, label in labels.items() if code.startswith(f"{kind}:")],
            [(code, REASONS[code].label) for code in REASONS_BY_KIND[kind]],
        )
        for kind in ItemKind
    ]


def items_shown(record_id: UUID) -> tuple[ItemView, ...]:
    """Return what the client was last asked for and still needed; nothing of earlier requests."""
    rows = InformationItem.objects.filter(record_id=record_id).exclude(status=Status.WAIVED)
    newest = rows.order_by("-decision__created_at").values_list("decision_id", flat=True)[:1]
    return tuple(_view(row) for row in rows.filter(decision_id__in=newest))


def items_open(record_id: UUID) -> QuerySet[InformationItem]:
    """Return what the client has not answered yet."""
    return InformationItem.objects.filter(record_id=record_id, status=Status.OPEN)


def items_of(record_id: UUID) -> list[tuple[InformationItem, str, str]]:
    """Return everything that was ever asked with its label and reason, for an officer."""
    rows = InformationItem.objects.filter(record_id=record_id).select_related("document")
    rows = rows.defer("document__content").order_by("-created_at", "due_date")
    return [(row, item_label(row.code), REASONS[row.reason_code].label) for row in rows]


def overdue_records(today: date) -> list[UUID]:
    """Return the records (by id) of which something that was asked for is overdue."""
    rows = InformationItem.objects.filter(status=Status.OPEN, due_date__lt=today)
    rows = rows.filter(record__status="NEEDS_INFORMATION")
    return list(rows.order_by("record_id").values_list("record_id", flat=True).distinct())


def firm_date(at: datetime) -> date:
    """Return which day it is where the firm is: deadlines end with it."""
    return at.astimezone(FIRM.zone).date()


def items_in_words(codes: Iterable[str], due_dates: Iterable[str]) -> str:
    """Return the things with their dates in one line, for a message."""
    parts = zip(codes, due_dates, strict=True)
    return "; ".join(f"{item_label(code)} (by {day_in_words(due)})" for code, due in parts)


def _view(row: InformationItem) -> ItemView:
    return ItemView(
        id=row.id,
        kind=row.kind,
        subject=row.subject,
        title=item_label(row.code),
        why=REASONS[row.reason_code].client_text,
        due_date=row.due_date,
        is_answered=row.status == Status.ANSWERED,
        answer=row.answer,
    )
