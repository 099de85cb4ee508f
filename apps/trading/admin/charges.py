"""Fees and interest on the desk: rates under four eyes, each day's part, and what stays due."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.utils import timezone

from apps.infrastructure.admin import ReadOnlyAdmin
from apps.trading.admin.versions import VersionsAdmin
from apps.trading.forms import ChargeRateForm
from apps.trading.models import Charge, ChargeAccrual, ChargeRate
from apps.trading.selectors.charges import rate_in_force, rate_newest, rate_versions
from apps.trading.services import charge_rates as services
from apps.users.models import User


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


class CurrencyFilter(admin.AllValuesFieldListFilter):
    """The currencies that have rates; a rate of a fee has none, and says so."""

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or "none"}


@admin.register(ChargeRate)
class ChargeRateAdmin(VersionsAdmin):
    noun = "rate"
    permission = services.PERMISSION
    form_class = ChargeRateForm
    list_display = (
        *("kind", "currency", "subject", "bound", "status", "effective_on", "version"),
        *("proposed_by", "decided_by"),
    )
    list_filter = ("status", "kind", ("currency", CurrencyFilter))
    search_fields = ("=id", "=portfolio__id")

    @admin.display(description="portfolio")
    def subject(self, rate: ChargeRate) -> str:
        return str(rate.portfolio_id or "every portfolio")

    @admin.display(description="basis points a year", ordering="rate_bps")
    def bound(self, rate: ChargeRate) -> str:
        return "ended" if rate.rate_bps is None else f"{rate.rate_bps:f}"

    def propose(self, actor: User, terms: dict[str, Any]) -> ChargeRate:
        return services.charge_rate_propose(actor=actor, **terms)

    def decide(self, actor: User, row_id: UUID, *, is_confirmed: bool) -> None:
        command = services.charge_rate_confirm if is_confirmed else services.charge_rate_decline
        command(actor=actor, rate_id=row_id)

    def facts(self, row: ChargeRate) -> dict[str, Any]:
        return {
            "now": rate_in_force(row, timezone.now().date()),
            "newest": rate_newest(row),
            "versions": rate_versions(row),
        }
