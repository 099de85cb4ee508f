"""The page of the firm's switch: how it stands, and the few buttons that change it."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from apps.core.errors import DomainError
from apps.infrastructure.admin import ReadOnlyAdmin
from apps.trading.domain.risk import FirmState
from apps.trading.models import FirmSwitch
from apps.trading.selectors.firm import firm_desk
from apps.trading.services.firm_cancels import cancel_run_start
from apps.trading.services.firm_switch import PERMISSION, REASON_LENGTH, firm_switch_turn
from apps.users.actors import actor_of
from apps.users.step_up import step_up_page

PAGE = "admin:trading_firmswitch_changelist"
# What each state means, and what the button that leads there says.
STATES = {
    FirmState.ACTIVE: ("Orders of every kind are taken.", "Take all orders"),
    FirmState.REDUCING: ("Only sales are taken; resting orders go on.", "Take sales only"),
    FirmState.HALTED: ("No new order is taken; resting orders go on.", "Halt all trading"),
}


@admin.register(FirmSwitch)
class FirmSwitchAdmin(ReadOnlyAdmin):
    actions = None

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the switch; `?to=` asks for the confirmation of a turn, a POST does it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return step_up_page(request) or self._post(request)
        desk = firm_desk()
        to = request.GET.get("to", "")
        may_turn = request.user.has_perm(PERMISSION)
        context = {
            **self.admin_site.each_context(request),
            "title": "Firm switch",
            "opts": self.opts,
            "desk": desk,
            "means": STATES[FirmState(desk.switch.state)][0],
            "others": [
                (state.value, *words)
                for state, words in STATES.items()
                if may_turn and state != desk.switch.state
            ],
            "to": to if may_turn and to in set(FirmState) and to != desk.switch.state else "",
            "to_words": STATES[FirmState(to)] if to in set(FirmState) else (),
            "may_cancel_all": may_turn and desk.resting and desk.switch.state != FirmState.ACTIVE,
            "reason_length": REASON_LENGTH,
        }
        return TemplateResponse(request, "admin/trading/firmswitch/switch.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """There is one switch and one page of it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect(PAGE)

    def _post(self, request: HttpRequest) -> HttpResponse:
        reason = request.POST.get("reason", "")
        try:
            match request.POST.get("command"):
                case "turn":
                    said = self._turn(request, reason)
                case "cancel_all":
                    run = cancel_run_start(actor=actor_of(request), reason=reason)
                    said = f"{run.orders} orders are being canceled."
                case _:
                    raise Http404
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, said, messages.SUCCESS)
        return redirect(PAGE)

    def _turn(self, request: HttpRequest, reason: str) -> str:
        to, seen = request.POST.get("to"), request.POST.get("seen")
        if to not in set(FirmState) or seen not in set(FirmState):
            raise Http404
        switch = firm_switch_turn(
            actor=actor_of(request), state=FirmState(to), reason=reason, seen=FirmState(seen)
        )
        return f"The firm is {switch.state} now."
