"""Limits on the desk: what is in force, what waits for a second officer, and who decided."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.trading.admin.versions import VersionsAdmin
from apps.trading.domain.limits import UNITS, LimitKind
from apps.trading.forms import LimitForm
from apps.trading.models import TradingLimit
from apps.trading.selectors.limits import (
    limit_in_force,
    limit_newest,
    limit_versions,
    limits_in_force,
)
from apps.trading.services import limits as services
from apps.users.models import User


class InForceFilter(admin.SimpleListFilter):
    """What binds orders now: of each limit the newest version whose period holds."""

    title = "in force"
    parameter_name = "in_force"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("now", "Now")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[TradingLimit]
    ) -> QuerySet[TradingLimit]:
        if self.value() != "now":
            return queryset
        return queryset.filter(id__in=limits_in_force(timezone.now()))


@admin.register(TradingLimit)
class TradingLimitAdmin(VersionsAdmin):
    noun = "limit"
    permission = services.PERMISSION
    form_class = LimitForm
    list_display = (
        *("kind", "scope", "subject", "bound", "status", "effective_from", "effective_to"),
        *("owner", "proposed_by", "decided_by"),
    )
    list_filter = ("status", InForceFilter, "kind", "scope", "owner")
    search_fields = ("=id", "=client__id", "=portfolio__id")

    @admin.display(description="client or portfolio")
    def subject(self, limit: TradingLimit) -> str:
        return limit.subject_id or "every portfolio"

    @admin.display(description="value", ordering="value")
    def bound(self, limit: TradingLimit) -> str:
        return "lifted" if limit.value is None else f"{limit.value.normalize():f}"

    def propose(self, actor: User, terms: dict[str, Any]) -> TradingLimit:
        return services.limit_propose(actor=actor, **terms)

    def decide(self, actor: User, row_id: UUID, *, is_confirmed: bool) -> None:
        command = services.limit_confirm if is_confirmed else services.limit_decline
        command(actor=actor, limit_id=row_id)

    def facts(self, row: TradingLimit) -> dict[str, Any]:
        return {
            "unit": UNITS[LimitKind(row.kind)].words,
            "now": limit_in_force(row, timezone.now()),
            "newest": limit_newest(row),
            "versions": limit_versions(row),
        }
