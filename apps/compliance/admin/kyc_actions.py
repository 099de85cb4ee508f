"""What officers do on a KYC record beside deciding it: ask the client, and what belongs to that."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from apps.compliance.admin.clients import ClientRowsAdmin
from apps.compliance.domain.information import LEAST_DAYS, MOST_DAYS, AskedItem
from apps.compliance.domain.kyc import DECIDABLE, RiskRating
from apps.compliance.domain.kyc_reasons import OVERRIDE_REASONS
from apps.compliance.models import KycRecord
from apps.compliance.models.rating_override import OVERRIDE_RATINGS
from apps.compliance.selectors.due_diligence import diligence_shown
from apps.compliance.selectors.information import firm_date, item_choices, items_of
from apps.compliance.selectors.kyc import steps_of
from apps.compliance.selectors.reviews import changes_since_approval
from apps.compliance.services import kyc_decisions
from apps.compliance.services.due_diligence import diligence_do
from apps.compliance.services.information import information_waive
from apps.compliance.services.match_withdrawals import (
    match_withdraw_confirm,
    match_withdraw_decline,
    match_withdraw_propose,
)
from apps.compliance.services.overrides import (
    override_confirm,
    override_decline,
    override_propose,
)
from apps.core.errors import DomainError
from apps.users.actors import actor_of
from apps.users.step_up import step_up_page

# Things that one form asks for.
ASK_ROWS = range(1, 6)
DEFAULT_DAYS = 10


class KycActions(ClientRowsAdmin):
    """The review page's forms; each calls one command and goes back to the page."""

    def named(self, route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
        return path(route, self.admin_site.admin_view(view), name=f"compliance_kycrecord_{name}")

    def get_urls(self) -> list[Any]:
        return [
            self.named("<uuid:record_id>/information/", self.ask_view, "ask"),
            self.named(
                "<uuid:record_id>/information/<uuid:item_id>/waive/", self.waive_view, "waive"
            ),
            self.named("<uuid:record_id>/override/", self.override_view, "override"),
            self.named("<uuid:record_id>/diligence/", self.diligence_view, "diligence"),
            self.named(
                "<uuid:record_id>/hits/<uuid:hit_id>/withdrawal/",
                self.withdrawal_view,
                "withdrawal",
            ),
            *super().get_urls(),
        ]

    def ask_view(self, request: HttpRequest, record_id: UUID) -> HttpResponse:
        """Ask the client for what the filled rows of the form name."""
        form = request.POST

        def act() -> str:
            asked = [
                _asked(item, form.get(f"reason_{row}", ""), form.get(f"days_{row}", ""))
                for row in ASK_ROWS
                if (item := form.get(f"item_{row}"))
            ]
            kyc_decisions.kyc_propose_decision(
                actor=actor_of(request),
                record_id=record_id,
                outcome="REQUEST_INFORMATION",
                reason_code=asked[0].reason_code if asked else "",
                evidence_version=int(form.get("evidence_version", "")[:9]),
                note=form.get("note", ""),
                asked=asked,
            )
            return "The client is asked, and told by mail."

        return self.run(request, record_id, act)

    def waive_view(self, request: HttpRequest, record_id: UUID, item_id: UUID) -> HttpResponse:
        """Do without something that the client has not answered."""

        def act() -> str:
            information_waive(actor=actor_of(request), item_id=item_id)
            return "The client need not answer this any more."

        return self.run(request, record_id, act)

    def override_view(self, request: HttpRequest, record_id: UUID) -> HttpResponse:
        """Propose another rating, confirm or decline it, as the button says."""
        form, actor = request.POST, actor_of(request)
        if form.get("act") == "confirm" and (page := step_up_page(request)):
            return page

        def act() -> str:
            if form.get("act") == "decline":
                override_decline(actor=actor, override_id=UUID(form.get("override_id", "")))
                return "The override is declined."
            version = int(form.get("evidence_version", "")[:9])
            if form.get("act") == "confirm":
                override_confirm(
                    actor=actor,
                    override_id=UUID(form.get("override_id", "")),
                    rating=form.get("rating", ""),
                    evidence_version=version,
                )
                return "The rating is set."
            override_propose(
                actor=actor,
                record_id=record_id,
                rating=form.get("rating", ""),
                reason_code=form.get("reason_code", ""),
                note=form.get("note", ""),
                inputs_hash=form.get("inputs_hash", ""),
                evidence_version=version,
            )
            return "Proposed: a second officer must confirm."

        return self.run(request, record_id, act)

    def withdrawal_view(self, request: HttpRequest, record_id: UUID, hit_id: UUID) -> HttpResponse:
        """Propose to take a true match back, confirm or decline it, as the button says."""
        form, actor = request.POST, actor_of(request)
        if form.get("act") == "confirm" and (page := step_up_page(request)):
            return page

        def act() -> str:
            if form.get("act") == "decline":
                chosen = UUID(form.get("withdrawal_id", ""))
                match_withdraw_decline(actor=actor, withdrawal_id=chosen)
                return "The match stands."
            version = int(form.get("evidence_version", "")[:9])
            if form.get("act") == "confirm":
                match_withdraw_confirm(
                    actor=actor,
                    withdrawal_id=UUID(form.get("withdrawal_id", "")),
                    reason_code=form.get("reason_code", ""),
                    evidence_version=version,
                )
                return "The match is taken back, and the client was compared anew."
            match_withdraw_propose(
                actor=actor,
                hit_id=hit_id,
                reason_code=form.get("reason_code", ""),
                reason=form.get("reason", ""),
                evidence_version=version,
            )
            return "Proposed: a second officer must confirm."

        return self.run(request, record_id, act)

    def diligence_view(self, request: HttpRequest, record_id: UUID) -> HttpResponse:
        """Write down one item of the enhanced due diligence."""
        form = request.POST

        def act() -> str:
            shown_by = form.get("document_id", "")
            diligence_do(
                actor=actor_of(request),
                record_id=record_id,
                code=form.get("code", ""),
                note=form.get("note", ""),
                evidence_version=int(form.get("evidence_version", "")[:9]),
                document_id=UUID(shown_by) if shown_by else None,
            )
            return "Written down."

        return self.run(request, record_id, act)

    def run(self, request: HttpRequest, record_id: UUID, act: Callable[[], str]) -> HttpResponse:
        """Run a command, tell the officer what came of it, and go back to the record."""
        if request.method != "POST":
            raise PermissionDenied
        try:
            self.message_user(request, act(), messages.SUCCESS)
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        except ValueError:
            self.message_user(request, "The form was not complete.", messages.ERROR)
        address = reverse("admin:compliance_kycrecord_change", args=[record_id])
        return HttpResponseRedirect(address)


def _asked(item: str, reason_code: str, days: str) -> AskedItem:
    kind, _, subject = item.partition(":")
    return AskedItem(kind, subject, reason_code, int(days[:3]))


def actions_context(record: KycRecord) -> dict[str, Any]:
    """Return what those forms and their sections show."""
    override = record.overrides.select_related("proposed_by", "decided_by")
    is_high = record.risk_rating == RiskRating.HIGH
    return {
        "override_pending": override.filter(status="PROPOSED").first(),
        "override_active": override.filter(status="ACTIVE").first(),
        "override_reasons": OVERRIDE_REASONS,
        "may_override": record.status in DECIDABLE
        and record.computed_rating not in {RiskRating.PROHIBITED, ""},
        "override_ratings": [
            (code, label)
            for code, label in OVERRIDE_RATINGS
            if code not in {record.computed_rating, record.risk_rating}
        ],
        "checks": diligence_shown(record) if is_high and record.submitted_at else [],
        "may_check": is_high and record.status in DECIDABLE,
        "review": record.reviews.filter(closed_at=None).first(),
        "differences": changes_since_approval(record),
        "information": items_of(record.id),
        "today": firm_date(timezone.now()),
        "ask_rows": ASK_ROWS,
        "ask_choices": item_choices(step.code for step in steps_of(record)),
        "ask_days": (LEAST_DAYS, DEFAULT_DAYS, MOST_DAYS),
    }
