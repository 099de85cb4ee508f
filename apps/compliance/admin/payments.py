"""Payments whose other side was screened: what was found, and how a blocked one leaves."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.compliance.admin.clients import ClientRowsAdmin
from apps.compliance.admin.screening import DeskAdmin
from apps.compliance.models import PaymentExit, PaymentScreening
from apps.compliance.services import payment_exits as services
from apps.compliance.services.alerts import DECIDE
from apps.compliance.services.work_items import page_opened
from apps.core.errors import DomainError, InvalidInput
from apps.trading.selectors.cash import payment_get
from apps.users.actors import actor_of
from apps.users.models import User
from apps.users.step_up import step_up_page


@admin.register(PaymentScreening)
class PaymentScreeningAdmin(ClientRowsAdmin, DeskAdmin):
    list_display = ("__str__", "client", "status", "created_at")
    list_filter = ("status",)
    list_select_related = ("client",)
    search_fields = ("=transfer_id", "=client__id")
    ordering = ("-created_at", "-id")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        actor, row = actor_of(request), self._row(request, object_id)
        if request.method == "POST":
            if not actor.has_perm(DECIDE):
                raise PermissionDenied
            if page := step_up_page(request):
                return page
            try:
                _act(actor, row.id, request.POST.dict())
                self.message_user(request, "Done, and on record.", messages.SUCCESS)
            except DomainError as error:
                self.message_user(request, error.message, messages.ERROR)
            address = reverse("admin:compliance_paymentscreening_change", args=[row.id])
            return HttpResponseRedirect(address)
        payment = services.payment_view(actor=actor, screening_id=row.id)
        return self._page(
            request, "paymentscreening/review", title=str(row), **_review(actor, payment)
        )


def _act(actor: User, screening_id: UUID, form: dict[str, str]) -> None:
    if form.get("act") == "propose":
        services.payment_exit_propose(
            actor=actor,
            screening_id=screening_id,
            action=form.get("action", ""),
            reason=form.get("reason", ""),
            licence=form.get("licence", ""),
        )
        return
    try:
        exit_id = UUID(form.get("exit_id", ""))
    except ValueError as error:
        raise InvalidInput("The form was not complete.", field="exit_id") from error
    if form.get("act") == "confirm":
        services.payment_exit_confirm(actor=actor, exit_id=exit_id, action=form.get("action", ""))
    else:
        services.payment_exit_decline(actor=actor, exit_id=exit_id)


def _review(actor: User, screening: PaymentScreening) -> dict[str, Any]:
    payment = payment_get(screening.transfer_id)
    exits = list(screening.exits.select_related("proposed_by", "decided_by").order_by("created_at"))
    pending = next((one for one in exits if one.status == PaymentExit.Status.PROPOSED), None)
    is_proposer = pending is not None and pending.proposed_by_id == actor.pk
    is_blocked = screening.status == PaymentScreening.Status.BLOCKED and payment.is_held
    may_act = actor.has_perm(DECIDE) and is_blocked
    work = page_opened(actor, screening.id, is_open=may_act and not is_proposer)
    return {
        **work,
        "payment": payment,
        "screening": screening,
        "results": screening.results.select_related("entity").order_by("-score", "id"),
        "exits": exits,
        "pending": pending,
        "is_proposer": is_proposer,
        "may_act": may_act and not work["barred"],
        "actions": PaymentExit.Action.choices,
        "alert": screening.alert if actor.has_perm("compliance.view_alert") else None,
    }
