"""Fees and interest on the desk: rates under four eyes, each day's part, and what stays due."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from apps.core.errors import DomainError
from apps.infrastructure.admin import ReadOnlyAdmin
from apps.trading.forms import ChargeRateForm
from apps.trading.models import Charge, ChargeAccrual, ChargeRate
from apps.trading.selectors.charges import rate_in_force, rate_newest, rate_versions
from apps.trading.services import charge_rates as services
from apps.users.actors import actor_of
from apps.users.step_up import step_up_page

CHANGE = "admin:trading_chargerate_change"


@admin.register(Charge)
class ChargeAdmin(ReadOnlyAdmin):
    """A month's charges; those that are DUE wait until the client's free cash covers them."""

    list_display = (
        *("month", "kind", "amount", "currency", "status", "days", "portfolio_id", "booked_at"),
    )
    list_filter = ("status", "kind", "currency")
    search_fields = ("=id", "=portfolio__id", "=entry_id")
    date_hierarchy = "month"
    ordering = ("-month", "-id")


@admin.register(ChargeAccrual)
class ChargeAccrualAdmin(ReadOnlyAdmin):
    list_display = (
        *("day", "kind", "base", "currency", "rate_bps", "is_complete", "portfolio_id"),
    )
    list_filter = ("kind", "is_complete", "currency")
    search_fields = ("=portfolio__id",)
    date_hierarchy = "day"
    ordering = ("-id",)


@admin.register(ChargeRate)
class ChargeRateAdmin(ReadOnlyAdmin):
    list_display = (
        *("kind", "currency", "subject", "bound", "status", "effective_on", "version"),
        *("proposed_by", "decided_by"),
    )
    list_filter = ("status", "kind", "currency")
    list_select_related = ("proposed_by", "decided_by")
    search_fields = ("=id", "=portfolio__id")
    ordering = ("-created_at", "-id")
    actions = None

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.propose_view)
        return [path("propose/", view, name="trading_chargerate_propose"), *super().get_urls()]

    @admin.display(description="portfolio")
    def subject(self, rate: ChargeRate) -> str:
        return str(rate.portfolio_id or "every portfolio")

    @admin.display(description="basis points a year", ordering="rate_bps")
    def bound(self, rate: ChargeRate) -> str:
        return "ended" if rate.rate_bps is None else f"{rate.rate_bps:f}"

    def propose_view(self, request: HttpRequest) -> HttpResponseBase:
        """Propose a rate; another officer decides on its page."""
        if not request.user.has_perm(services.PERMISSION):
            raise PermissionDenied
        if request.method == "POST" and (page := step_up_page(request)):
            return page
        form = ChargeRateForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                rate = services.charge_rate_propose(actor=actor_of(request), **form.terms())
            except DomainError as error:
                field = error.facts.get("field", "")
                form.add_error(field if field in form.fields else None, error.message)
            else:
                self.message_user(request, "Proposed: another officer decides.", messages.SUCCESS)
                return redirect(CHANGE, rate.id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Propose a rate",
            "form": form,
            "list_url": "admin:trading_chargerate_changelist",
        }
        status = 400 if form.errors else 200
        return TemplateResponse(request, "admin/trading/form.html", context, status=status)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one version beside the one in force; a POST decides on a proposal."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rate = self._rate(object_id)
        if request.method == "POST":
            return step_up_page(request) or self._post(request, rate)
        actor = actor_of(request)
        is_open = rate.status == ChargeRate.Status.PROPOSED
        may_decide = is_open and actor.has_perm(services.PERMISSION)
        context = {
            **self.admin_site.each_context(request),
            "title": str(rate),
            "opts": self.opts,
            "rate": rate,
            "now": rate_in_force(rate, timezone.now().date()),
            "is_stale": is_open and rate_newest(rate) != rate.based_on,
            "versions": rate_versions(rate),
            "may_confirm": may_decide and rate.proposed_by_id != actor.pk,
            "may_decline": may_decide,
        }
        return TemplateResponse(request, "admin/trading/chargerate/review.html", context)

    def _rate(self, object_id: str) -> ChargeRate:
        try:
            rows = ChargeRate.objects.select_related("proposed_by", "decided_by")
            rate = rows.filter(id=UUID(object_id)).first()
        except ValueError as error:
            raise Http404 from error
        if rate is None:
            raise Http404
        return rate

    def _post(self, request: HttpRequest, rate: ChargeRate) -> HttpResponse:
        commands = {
            "confirm": services.charge_rate_confirm,
            "decline": services.charge_rate_decline,
        }
        command = commands.get(request.POST.get("command", ""))
        if command is None:
            raise Http404
        try:
            command(actor=actor_of(request), rate_id=rate.id)
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, "Done, and on record.", messages.SUCCESS)
        return redirect(CHANGE, rate.id)
