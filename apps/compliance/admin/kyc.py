"""The officers' desk for KYC: a queue, and one page that shows everything a decision needs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from apps.audit.selectors import stream_events
from apps.compliance.admin.kyc_actions import KycActions, actions_context
from apps.compliance.domain.kyc import DECIDABLE, RiskRating, outcomes_open
from apps.compliance.domain.kyc_reasons import REASONS, reasons_by_outcome
from apps.compliance.domain.masking import answers_masked
from apps.compliance.domain.questionnaire import Field, Kind, Step
from apps.compliance.domain.questionnaires import STEP_CODES, questions_named, step_title
from apps.compliance.domain.timeline import views_folded
from apps.compliance.domain.wording import duration_words, plain
from apps.compliance.models import KycDecision, KycRecord
from apps.compliance.selectors.hits import hit_reasons, hits_shown
from apps.compliance.selectors.information import firm_date, overdue_records
from apps.compliance.selectors.kyc import answers_of, document_list, quarantine_list, steps_of
from apps.compliance.selectors.ownership import ownership_view
from apps.compliance.selectors.screening import subject_of
from apps.compliance.selectors.screening_alerts import screening_alert
from apps.compliance.selectors.self_certification import certification_of
from apps.compliance.services import kyc_decisions
from apps.compliance.services.documents import document_read
from apps.compliance.services.hits import hits_dispose
from apps.compliance.services.kyc import kyc_reveal_answer
from apps.compliance.services.work_items import page_opened
from apps.core.errors import InvalidInput, NotFound
from apps.infrastructure.attachments import as_attachment
from apps.users.actors import actor_of
from apps.users.models import User
from apps.users.step_up import step_up_page

if TYPE_CHECKING:
    from apps.audit.models import AuditEvent

TIMELINE = 100
CHANGES = (
    *("step_saved", "document_uploaded", "file_quarantined", "screened", "hit_disposed"),
    *("party_saved", "party_removed", "holding_saved", "holding_removed", "tax_certified"),
)


class OverdueFilter(admin.SimpleListFilter):
    """Records of which something that the client was asked for is overdue."""

    title = "information"
    parameter_name = "information"

    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        return [("overdue", "Overdue")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[KycRecord]
    ) -> QuerySet[KycRecord] | None:
        if self.value() != "overdue":
            return None
        return queryset.filter(id__in=overdue_records(firm_date(timezone.now())))


@admin.register(KycRecord)
class KycRecordAdmin(KycActions):
    """The queue, oldest submission first."""

    list_display = (
        *("__str__", "client", "status", "risk_rating", "open_hits", "waiting", "submitted_at"),
    )
    list_select_related = ("client",)
    list_filter = ("status", "risk_rating", OverdueFilter)
    search_fields = ("=id", "=client__id", "client__email")
    ordering = ("submitted_at",)
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[KycRecord]:
        rows: QuerySet[KycRecord] = super().get_queryset(request)
        return rows.annotate(open_hit_count=Count("hits", filter=Q(hits__status="OPEN")))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[KycRecord], search_term: str
    ) -> tuple[QuerySet[KycRecord], bool]:
        """Find clients by their name in full too: names are encrypted, so by nothing less."""
        rows, may_repeat = super().get_search_results(request, queryset, search_term)
        named = User.objects.named(search_term) if search_term.strip() else []
        if named:
            rows = queryset.filter(Q(pk__in=rows.values("pk")) | Q(client__in=named))
        return rows, may_repeat

    @admin.display(description="age", ordering="submitted_at")
    def waiting(self, record: KycRecord) -> str:
        if record.status not in DECIDABLE or record.submitted_at is None:
            return "-"
        return duration_words(timezone.now() - record.submitted_at)

    @admin.display(description="open hits", ordering="open_hit_count")
    def open_hits(self, record: KycRecord) -> int:
        return int(getattr(record, "open_hit_count", 0))

    def get_urls(self) -> list[Any]:
        return [
            self.named("<uuid:record_id>/decide/", self.decide_view, "decide"),
            self.named("<uuid:record_id>/hits/<uuid:hit_id>/", self.hit_view, "hit"),
            self.named(
                "<uuid:record_id>/answers/<str:step>/<str:question>/", self.reveal_view, "reveal"
            ),
            self.named(
                "<uuid:record_id>/documents/<uuid:document_id>/", self.document_view, "document"
            ),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            record_id = UUID(object_id)
        except ValueError as error:
            raise Http404 from error
        if request.method != "GET" or not self.has_view_permission(request):
            raise PermissionDenied
        try:
            record = kyc_decisions.kyc_view_record(actor=actor_of(request), record_id=record_id)
        except NotFound as error:
            raise Http404 from error
        return self._page(request, record)

    def _page(
        self, request: HttpRequest, record: KycRecord, revealed: Mapping[str, str] | None = None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            **review_context(record, revealed or {}),
            **_rights(actor_of(request), record),
            "opts": self.opts,
            "title": f"Review {record}",
        }
        return TemplateResponse(request, "admin/compliance/kycrecord/review.html", context)

    def reveal_view(
        self, request: HttpRequest, record_id: UUID, step: str, question: str
    ) -> HttpResponse:
        """Show the page with one masked answer in full; the look is kept in the audit trail."""
        if request.method != "POST":
            raise PermissionDenied
        actor = actor_of(request)
        try:
            record = kyc_decisions.kyc_view_record(actor=actor, record_id=record_id)
            answer = kyc_reveal_answer(
                actor=actor, record_id=record_id, step=step, question=question
            )
        except (NotFound, InvalidInput) as error:
            raise Http404 from error
        return self._page(request, record, {question if step in STEP_CODES else step: answer})

    def decide_view(self, request: HttpRequest, record_id: UUID) -> HttpResponse:
        """Propose, confirm or withdraw, as the button says."""
        form = request.POST
        actor = actor_of(request)
        if form.get("act") == "confirm" and (page := step_up_page(request)):
            return page

        def act() -> str:
            version = int(form.get("evidence_version", "")[:9])
            if form.get("act") == "confirm":
                kyc_decisions.kyc_confirm_decision(
                    actor=actor,
                    decision_id=UUID(form.get("decision_id", "")),
                    evidence_version=version,
                )
                return "The decision is confirmed and carried out."
            if form.get("act") == "withdraw":
                decision_id = UUID(form.get("decision_id", ""))
                kyc_decisions.kyc_withdraw_decision(actor=actor, decision_id=decision_id)
                return "The proposal is withdrawn."
            outcome, _, reason_code = form.get("decision", "").partition(":")
            decision = kyc_decisions.kyc_propose_decision(
                actor=actor,
                record_id=record_id,
                outcome=outcome,
                reason_code=reason_code,
                evidence_version=version,
                note=form.get("note", ""),
            )
            if decision.status == KycDecision.Status.PROPOSED:
                return "Proposed: a second officer must confirm."
            return "The decision is carried out."

        return self.run(request, record_id, act)

    def hit_view(self, request: HttpRequest, record_id: UUID, hit_id: UUID) -> HttpResponse:
        """Decide a hit and, where that is ticked, the others of the same listed name."""
        form = request.POST

        def act() -> str:
            disposition, _, reason_code = form.get("decision", "").partition(":")
            hits = hits_dispose(
                actor=actor_of(request),
                hit_ids=[hit_id, *(UUID(other) for other in form.getlist("also"))],
                disposition=disposition,
                reason_code=reason_code,
                reason=form.get("reason", ""),
                evidence_version=int(form.get("evidence_version", "")[:9]),
            )
            return "The hit is decided." if len(hits) == 1 else f"{len(hits)} hits are decided."

        return self.run(request, record_id, act)

    def document_view(
        self, request: HttpRequest, record_id: UUID, document_id: UUID
    ) -> HttpResponse:
        try:
            document, content = document_read(actor=actor_of(request), document_id=document_id)
        except NotFound as error:
            raise Http404 from error
        if document.record_id != record_id:
            raise Http404
        return as_attachment(document.file_name, document.media_type, content)


def review_context(record: KycRecord, revealed: Mapping[str, str]) -> dict[str, Any]:
    """Return everything the review page shows, numbers masked but for those `revealed`."""
    answers = answers_of(record.id)
    reviewed = record.approved_at
    events = stream_events(record.stream)
    undecided = record.hits.filter(status="OPEN").count()
    changed = events.filter(name__in=[f"compliance.kyc.{name}" for name in CHANGES])
    return {
        "record": record,
        "steps": [
            (
                step.title,
                [_row(step, item, answers.get(step.code, {}), revealed) for item in step.fields],
            )
            for step in steps_of(record, answers)
        ],
        **_ownership(record, revealed),
        "certification": certification_of(record),
        "documents": document_list(record.id),
        "quarantine": quarantine_list(record.id),
        "factors": record.risk_factors,
        "hits": hits_shown(record.id),
        "subject": subject_of(record.id) if "personal" in answers and record.submitted_at else None,
        "runs": record.screenings.all()[:5],
        "changes": _events(list(changed.filter(occurred_at__gt=reviewed)) if reviewed else []),
        "timeline": views_folded(_events(list(events.order_by("-version")[:TIMELINE]))),
        "decisions": [
            (decision, REASONS[decision.reason_code].label)
            for decision in record.decisions.select_related("proposed_by", "confirmed_by").order_by(
                "-created_at"
            )
        ],
        "pending": record.decisions.filter(status=KycDecision.Status.PROPOSED).first(),
        "is_decidable": bool(outcomes_open(record.status)),
        "may_ask": "REQUEST_INFORMATION" in outcomes_open(record.status),
        "needs_second": kyc_decisions.needs_second(record, KycDecision.Outcome.APPROVE),
        "undecided": undecided,
        "reasons": _reasons(record, undecided),
        "dispositions": hit_reasons(),
        **actions_context(record),
    }


def _ownership(record: KycRecord, revealed: Mapping[str, str]) -> dict[str, Any]:
    """Return an entity's owners and controllers; a revealed number is the one of its party."""
    if not record.is_entity:
        return {}
    ownership = ownership_view(record)
    parties = []
    for party in ownership.parties:
        step = replace(party.step, code=str(party.id))
        shown = {"tin": revealed[step.code]} if step.code in revealed else {}
        parties.append((party, [_row(step, item, party.answers, shown) for item in step.fields]))
    return {"ownership": ownership, "parties": parties}


def _rights(actor: User, record: KycRecord) -> dict[str, Any]:
    """Return what this officer may do here; a form that would be refused is not shown."""
    pending = record.decisions.filter(status=KycDecision.Status.PROPOSED)
    alert = screening_alert(record.client_id)
    is_proposer = pending.filter(proposed_by=actor).exists()
    may_decide = actor.has_perm(kyc_decisions.DECIDE)
    withdrawals = record.hits.filter(withdrawals__status="PROPOSED")
    open_hits = record.hits.filter(status="OPEN")
    has_work = record.status in DECIDABLE or open_hits.exists() or withdrawals.exists()
    overrides = record.overrides.filter(status="PROPOSED", proposed_by=actor)
    own = withdrawals.filter(withdrawals__proposed_by=actor)
    is_concerned = is_proposer or overrides.exists() or own.exists()
    work = page_opened(actor, record.id, is_open=may_decide and has_work and not is_concerned)
    return {
        **work,
        "may_decide": may_decide and not work["barred"],
        "is_proposer": is_proposer,
        "alert": alert if actor.has_perm("compliance.view_alert") else None,
    }


def _reasons(record: KycRecord, undecided: int) -> dict[str, list[tuple[str, str]]]:
    """Return outcomes with their reasons; without those that would be refused."""
    barred = {KycDecision.Outcome.REQUEST_INFORMATION.value}
    if undecided or record.risk_rating in {RiskRating.PROHIBITED, ""}:
        barred.add(KycDecision.Outcome.APPROVE.value)
    if record.risk_rating == RiskRating.PROHIBITED:
        barred.add(KycDecision.Outcome.REVIEW.value)
    open_here = outcomes_open(record.status) - barred
    return {
        outcome: reasons
        for outcome, reasons in reasons_by_outcome().items()
        if outcome in open_here
    }


def _events(events: "list[AuditEvent]") -> list[dict[str, Any]]:
    """Return the events with who acted by name, and what is worth telling of each."""
    people = User.objects.in_bulk({event.actor_id for event in events if event.actor_id})
    return [
        {
            "at": event.occurred_at,
            "event": event.name,
            "who": str(people.get(event.actor_id, "system")) if event.actor_id else "system",
            "detail": _detail(event.payload),
        }
        for event in events
    ]


def _detail(payload: dict[str, Any]) -> str:
    """Return the step and its changed questions, the document's kind, or the outcome, in words."""
    if title := step_title(str(payload.get("step", ""))):
        questions = questions_named()
        labels = [
            questions[name][0].label if name in questions else name
            for name in payload.get("changed_fields", [])
        ]
        return f"{title}: {', '.join(labels)}" if labels else title
    code = payload.get("kind") or payload.get("disposition") or payload.get("outcome")
    return plain(str(code)) if code else ""


def _row(
    step: Step, item: Field, answers: dict[str, Any], revealed: Mapping[str, str]
) -> tuple[str, str, tuple[str, ...]]:
    """Return label, value, and what to ask for where the value is masked."""
    shown = _shown(item, {**answers_masked(answers), **revealed})
    hidden = item.is_masked and item.name not in revealed
    return item.label, shown, (step.code, item.name) if hidden else ()


def _shown(item: Field, answers: dict[str, Any]) -> str:
    value = answers.get(item.name)
    if value is None:
        return "-"
    if item.kind == Kind.BOOLEAN:
        return "Yes" if value else "No"
    labels = dict(item.options())
    if isinstance(value, list):
        return ", ".join(labels[code] for code in value)
    return str(labels.get(value, value))
