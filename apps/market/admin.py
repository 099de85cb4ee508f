"""Instruments on the desk: rows are read-only, actions call commands and ask for a reason."""

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.errors import DomainError
from apps.infrastructure.admin import ReadOnlyAdmin, reason_form
from apps.market import services
from apps.market.models import Instrument
from apps.users.actors import actor_of

Change = Callable[..., Instrument]


@admin.register(Instrument)
class InstrumentAdmin(ReadOnlyAdmin):
    list_display = ("symbol", "name", "exchange", "asset_class", "status", "is_restricted")
    list_filter = ("status", "is_restricted", "exchange", "asset_class", "sector")
    search_fields = ("symbol", "name")
    action_form = reason_form(services.REASON_LENGTH)
    actions = ("halt", "resume", "restrict", "release")

    def has_halt_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("market.halt_instrument")

    def has_restrict_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("market.restrict_instrument")

    def _apply(self, request: HttpRequest, rows: QuerySet[Instrument], change: Change) -> None:
        """Call the command for each; one refusal does not stop the others."""
        for symbol in rows.values_list("symbol", flat=True):
            reason = request.POST.get("reason", "")
            try:
                change(actor=actor_of(request), symbol=symbol, reason=reason)
            except DomainError as error:
                self.message_user(request, f"{symbol}: {error.message}", messages.ERROR)
            else:
                self.message_user(request, f"{symbol}: done.", messages.SUCCESS)

    @admin.action(description="Halt trading", permissions=["halt"])
    def halt(self, request: HttpRequest, queryset: QuerySet[Instrument]) -> None:
        self._apply(request, queryset, services.instrument_halt)

    @admin.action(description="Resume trading", permissions=["halt"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Instrument]) -> None:
        self._apply(request, queryset, services.instrument_resume)

    @admin.action(description="Put on the restricted list", permissions=["restrict"])
    def restrict(self, request: HttpRequest, queryset: QuerySet[Instrument]) -> None:
        self._apply(request, queryset, services.instrument_restrict)

    @admin.action(description="Take off the restricted list", permissions=["restrict"])
    def release(self, request: HttpRequest, queryset: QuerySet[Instrument]) -> None:
        self._apply(request, queryset, services.instrument_release)
