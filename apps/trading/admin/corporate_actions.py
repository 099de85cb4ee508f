"""Corporate actions on the desk: proposed from an announcement, previewed, confirmed by another."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from apps.core.errors import DomainError, InvalidInput, NotFound
from apps.infrastructure.admin import ReadOnlyAdmin
from apps.trading.domain.corporate_actions import ActionKind, ActionTerms
from apps.trading.models import CorporateAction, Entitlement
from apps.trading.selectors.corporate_actions import (
    action_get,
    action_is_late,
    action_preview,
    candidate_list,
)
from apps.trading.services import corporate_actions as services
from apps.users.actors import actor_of
from apps.users.models import User
from apps.users.step_up import step_up_page

Post = Callable[[User, UUID, str], object]
COMMANDS: dict[str, Post] = {
    "confirm": lambda actor, action_id, reason: services.corporate_action_confirm(
        actor=actor, action_id=action_id
    ),
    "reject": lambda actor, action_id, reason: services.corporate_action_reject(
        actor=actor, action_id=action_id, reason=reason
    ),
    "propose_reversal": lambda actor, action_id, reason: services.corporate_action_propose_reversal(
        actor=actor, action_id=action_id, reason=reason
    ),
    "confirm_reversal": lambda actor, action_id, reason: services.corporate_action_confirm_reversal(
        actor=actor, action_id=action_id
    ),
}
SHOWN_PORTFOLIOS = 200
CANDIDATE_YEARS = 40


def _amount(label: str, help_text: str = "") -> forms.DecimalField:
    return forms.DecimalField(
        label=label, max_digits=26, decimal_places=8, required=False, help_text=help_text
    )


class ActionForm(forms.Form):
    kind = forms.ChoiceField(
        choices=[(kind.value, kind.value.replace("_", " ").lower()) for kind in ActionKind]
    )
    symbol = forms.CharField(max_length=20)
    currency = forms.CharField(max_length=3, initial="USD")
    ex_date = forms.DateField(label="Ex date", help_text="YYYY-MM-DD, the exchange's day.")
    record_date = forms.DateField(required=False)
    pay_date = forms.DateField(required=False, help_text="Of a dividend.")
    ratio_new = _amount("New units", "Of a split: 2 for 1 is 2 here.")
    ratio_old = _amount("For old units", "And 1 here.")
    cash_in_lieu = _amount("Cash in lieu", "Price of one new unit, where fractions are paid out.")
    amount = _amount("Amount a unit", "Dividend before tax, or what a delisted unit brings.")
    withholding_rate = _amount("Tax withheld", "A part of 1: 0.15 is 15 %.")
    new_symbol = forms.CharField(max_length=20, required=False)
    source = forms.CharField(
        label="Announced in", max_length=services.TEXT_LENGTH, help_text="Where to look it up."
    )

    def terms(self) -> ActionTerms:
        values = {name: self.cleaned_data[name] for name in ActionTerms.__slots__}
        values["kind"] = ActionKind(values["kind"])
        values["withholding_rate"] = values["withholding_rate"] or Decimal(0)
        return ActionTerms(**values)


@admin.register(CorporateAction)
class CorporateActionAdmin(ReadOnlyAdmin):
    list_display = ("symbol", "kind", "ex_date", "pay_date", "status", "proposed_by")
    list_filter = ("status", "kind")
    search_fields = ("=symbol", "=new_symbol")
    list_select_related = ("proposed_by",)
    ordering = ("-ex_date", "symbol")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.propose_view)
        return [
            path("propose/", view, name="trading_corporateaction_propose"),
            *super().get_urls(),
        ]

    def propose_view(self, request: HttpRequest) -> HttpResponse:
        """Show what the prices of a symbol suggest, and enter what its issuer announced."""
        actor = actor_of(request)
        if not actor.has_perm(services.PROPOSE):
            raise PermissionDenied
        initial = {
            name: request.GET[name] for name in ActionForm.base_fields if name in request.GET
        }
        form = ActionForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            try:
                action = services.corporate_action_propose(
                    actor=actor, terms=form.terms(), source=form.cleaned_data["source"]
                )
            except DomainError as error:
                field = error.facts.get("field")
                form.add_error(field if field in form.fields else None, error.message)
            else:
                self.message_user(request, "Proposed: somebody else confirms it.", messages.SUCCESS)
                return HttpResponseRedirect(_page(action.id))
        context = {
            **self.admin_site.each_context(request),
            "title": "Propose a corporate action",
            "opts": CorporateAction._meta,
            "form": form,
            "searched": initial.get("symbol", ""),
            "candidates": _candidates(initial.get("symbol", "")),
        }
        return TemplateResponse(request, "admin/trading/corporateaction/propose.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one action with what it does to whom, and what may be done about it."""
        actor = actor_of(request)
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            action = action_get(CorporateAction._meta.pk.to_python(object_id))
        except (ValidationError, NotFound) as error:
            raise Http404 from error
        if request.method == "POST":
            return self._post(request, actor, action)
        context = {
            **self.admin_site.each_context(request),
            **_review(action, actor),
            "title": str(action),
            "opts": CorporateAction._meta,
        }
        return TemplateResponse(request, "admin/trading/corporateaction/review.html", context)

    def _post(self, request: HttpRequest, actor: User, action: CorporateAction) -> HttpResponse:
        if (page := step_up_page(request)) is not None:
            return page
        name = request.POST.get("command", "")
        try:
            if name not in COMMANDS:
                raise InvalidInput("There is no such decision.", field="command")
            COMMANDS[name](actor, action.id, request.POST.get("reason", ""))
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, "Done, and on record.", messages.SUCCESS)
        return HttpResponseRedirect(_page(action.id))


def _page(action_id: UUID) -> str:
    return reverse("admin:trading_corporateaction_change", args=[action_id])


def _candidates(symbol: str) -> list[Any]:
    if not symbol:
        return []
    today = timezone.now().date()
    found = candidate_list(symbol, today - timedelta(days=365 * CANDIDATE_YEARS), today)
    return found[::-1]


def _review(action: CorporateAction, actor: User) -> dict[str, Any]:
    is_open = action.status in {"PROPOSED", "CONFIRMED"}
    preview = action_preview(action) if is_open else []
    may_propose, may_confirm = actor.has_perm(services.PROPOSE), actor.has_perm(services.CONFIRM)
    is_proposed = action.status == "PROPOSED"
    is_standing = action.status in {"CONFIRMED", "APPLIED"}
    waits = is_standing and action.reversal_proposed_by_id is not None
    return {
        "action": action,
        "preview": preview[:SHOWN_PORTFOLIOS],
        "portfolios": len(preview),
        "units": sum(row.effect.units for row in preview),
        "cash": sum(row.effect.net for row in preview),
        "is_late": is_open and action_is_late(action),
        "effects": action.entitlements.select_related("portfolio")[:SHOWN_PORTFOLIOS],
        "may_confirm": may_confirm and is_proposed and action.proposed_by_id != actor.pk,
        "may_reject": may_confirm and is_proposed,
        "may_propose_reversal": may_propose and is_standing and not waits,
        "may_confirm_reversal": may_confirm
        and waits
        and action.reversal_proposed_by_id != actor.pk,
    }


@admin.register(Entitlement)
class EntitlementAdmin(ReadOnlyAdmin):
    list_display = (
        *("created_at", "action", "portfolio", "units", "units_after", "gross", "withheld"),
        "reversed_at",
    )
    search_fields = ("=portfolio__id", "=action__symbol")
    list_select_related = ("action", "portfolio")
    ordering = ("-created_at", "-id")
