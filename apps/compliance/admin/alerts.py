"""The alerts' work queue, and the page on which one is reviewed and decided."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from apps.compliance.admin.clients import ClientRowsAdmin
from apps.compliance.domain.alerts import HITS_DECIDED
from apps.compliance.domain.timeline import views_folded
from apps.compliance.domain.wording import SCENARIOS, duration_words
from apps.compliance.models import Alert, Scenario
from apps.compliance.selectors.alerts import alert_timeline, reason_choices
from apps.compliance.selectors.kyc import kyc_of
from apps.compliance.selectors.screening_alerts import HitsOutcome, alert_hits, hits_outcome
from apps.compliance.services import alerts as services
from apps.compliance.services.work_items import page_opened
from apps.core.errors import DomainError, NotFound, NotPermitted
from apps.infrastructure.admin import ReadOnlyAdmin
from apps.infrastructure.exports import csv_attachment
from apps.users.actors import actor_of
from apps.users.models import User
from apps.users.step_up import step_up_page

ORDER_KEY = "desk.alerts.order"
EXPORT_COLUMNS = (
    *("id", "client_id", "kind", "scenario_code", "scenario_version", "status", "score"),
    *("disposition", "reason_code", "note", "created_at", "due_at", "decided_at"),
)
Post = Callable[[User, UUID, dict[str, str]], object]
COMMANDS: dict[str, Post] = {
    "propose": lambda actor, alert_id, form: services.alert_propose(
        actor=actor,
        alert_id=alert_id,
        disposition=form.get("decision", "").partition(":")[0],
        reason_code=form.get("decision", "").partition(":")[2],
        note=form.get("note", ""),
    ),
    "confirm": lambda actor, alert_id, form: services.alert_confirm(actor=actor, alert_id=alert_id),
    "reject": lambda actor, alert_id, form: services.alert_reject_proposal(
        actor=actor, alert_id=alert_id, note=form.get("note", "")
    ),
    "note": lambda actor, alert_id, form: services.alert_note(
        actor=actor, alert_id=alert_id, note=form.get("note", "")
    ),
}


class ScenarioFilter(admin.SimpleListFilter):
    """What raised the alert, in words."""

    title = "scenario"
    parameter_name = "scenario"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(SCENARIOS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        return queryset.filter(scenario_code=self.value()) if self.value() else queryset


@admin.register(Alert)
class AlertAdmin(ClientRowsAdmin):
    list_display = (*("subject", "client", "status", "likelihood", "age", "sla", "proposed_by"),)
    list_filter = ("status", "kind", ScenarioFilter, "disposition")
    list_select_related = ("client", "proposed_by")
    search_fields = ("client__email", "scenario_code")
    ordering = ("due_at",)
    list_per_page = 50
    actions = ("confirm_selected", "export_selected")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return actor_of(request).has_perm(services.DECIDE)

    @admin.display(description="alert", ordering="scenario_code")
    def subject(self, alert: Alert) -> str:
        return str(alert)

    @admin.display(description="score", ordering="score")
    def likelihood(self, alert: Alert) -> str:
        return f"{alert.score:.2f}"

    @admin.display(description="age", ordering="created_at")
    def age(self, alert: Alert) -> str:
        return duration_words(timezone.now() - alert.created_at)

    @admin.display(description="due", ordering="due_at")
    def sla(self, alert: Alert) -> str:
        late = alert.status != Alert.Status.CLOSED and alert.due_at < timezone.now()
        text = f"{alert.due_at:%Y-%m-%d %H:%M}"
        return format_html('<strong class="desk-late">late {}</strong>', text) if late else text

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Keep the officer's order of the queue from visit to visit."""
        if "o" in request.GET:
            request.session[ORDER_KEY] = request.GET["o"][:50]
        elif ORDER_KEY in request.session:
            query = request.GET.copy()
            query["o"] = request.session[ORDER_KEY]
            request.GET = query  # type: ignore[assignment]
        return super().changelist_view(request, extra_context)

    @admin.action(description="Confirm the selected proposals", permissions=["decide"])
    def confirm_selected(
        self, request: HttpRequest, queryset: QuerySet[Alert]
    ) -> HttpResponse | None:
        page = step_up_page(request)
        if page is None:
            self._each(request, queryset, "confirm")
        return page

    def _each(self, request: HttpRequest, queryset: QuerySet[Alert], name: str) -> None:
        done = 0
        for alert in queryset:
            try:
                COMMANDS[name](actor_of(request), alert.id, {})
                done += 1
            except DomainError as error:
                self.message_user(request, f"{alert}: {error.message}", messages.ERROR)
        if done:
            self.message_user(request, f"{done} done.", messages.SUCCESS)

    @admin.action(description="Export the selected alerts (CSV)")
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Alert]) -> HttpResponse:
        alerts = list(queryset)
        services.alert_export_record(
            actor=actor_of(request), alert_ids=[alert.id for alert in alerts]
        )
        rows = ([getattr(alert, name) for name in EXPORT_COLUMNS] for alert in alerts)
        return csv_attachment("alerts.csv", EXPORT_COLUMNS, rows)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one alert on one page; opening it locks it and is recorded."""
        actor = actor_of(request)
        try:
            alert_id = Alert._meta.pk.to_python(object_id)
            if request.method == "POST":
                return self._post(request, actor, alert_id)
            alert = services.alert_view(actor=actor, alert_id=alert_id)
        except (ValidationError, NotFound) as error:
            raise Http404 from error
        except NotPermitted as error:
            raise PermissionDenied from error
        return TemplateResponse(
            request,
            "admin/compliance/alert/review.html",
            {**self.admin_site.each_context(request), **self._review(alert, actor)},
        )

    def _post(self, request: HttpRequest, actor: User, alert_id: UUID) -> HttpResponse:
        command = COMMANDS.get(request.POST.get("command", ""))
        if command is None:
            raise BadRequest("There is no such command.")
        if request.POST.get("command") == "confirm" and (page := step_up_page(request)):
            return page
        try:
            command(actor, alert_id, request.POST.dict())
        except NotFound:
            raise
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, "Done, and on record.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:compliance_alert_change", args=[alert_id]))

    def _review(self, alert: Alert, actor: User) -> dict[str, Any]:
        is_decidable = alert.status != Alert.Status.CLOSED and actor.has_perm(services.DECIDE)
        is_proposer = alert.proposed_by_id == actor.pk
        work = page_opened(actor, alert.id, is_open=is_decidable and not is_proposer)
        may_act = actor.has_perm(services.DECIDE) and not work["barred"]
        outcome = hits_outcome(alert)
        record = kyc_of(alert.client_id)
        may_read_kyc = record is not None and actor.has_perm("compliance.view_kycrecord")
        return {
            "title": str(alert),
            "opts": Alert._meta,
            "alert": alert,
            **work,
            "may_propose": may_act and alert.status == Alert.Status.OPEN,
            "may_confirm": may_act and alert.status == Alert.Status.PROPOSED and not is_proposer,
            "may_reject": may_act and alert.status == Alert.Status.PROPOSED,
            "explanation": [_bar(row) for row in alert.explanation],
            "evidence": alert.evidence.all(),
            "hits": alert_hits(alert),
            "outcome": outcome,
            "prefilled": HITS_DECIDED if outcome.disposition else "",
            "kyc_link": reverse("admin:compliance_kycrecord_change", args=[record.pk])
            if record and may_read_kyc
            else "",
            "timeline": views_folded(reversed(alert_timeline(alert))),
            "reasons": _reasons(alert, outcome),
            "earlier": Alert.objects.filter(client=alert.client).exclude(pk=alert.pk)[:10],
        }


def _bar(row: dict[str, Any]) -> dict[str, Any]:
    """Add the bar's length and colour, and how the threshold is written, to a measure."""
    part = float(row.get("contribution") or 0)
    return {
        **row,
        "width": min(100, int(abs(part) * 100)),
        "bar": "desk-bar" if part > 0 else "desk-bar-less",
        "figures": row.get("name", ""),
    }


def _reasons(alert: Alert, outcome: HitsOutcome) -> dict[str, tuple[str, ...]]:
    """Return what the alert takes: with decided hits, only what they add up to."""
    choices = reason_choices(alert)
    if outcome.disposition:
        return {outcome.disposition: choices[outcome.disposition]}
    return {
        disposition: tuple(code for code in codes if code != HITS_DECIDED)
        for disposition, codes in choices.items()
    }


@admin.register(Scenario)
class ScenarioAdmin(ReadOnlyAdmin):
    list_display = ("code", "version", "title", "currency", "is_active")
    list_filter = ("is_active",)
