"""Orders that a check refused: what was asked, and which limit stood against it."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from apps.infrastructure.admin import ReadOnlyAdmin
from apps.trading.models import OrderRefusal
from apps.trading.selectors.explanations import check_rows, refusal_facts


@admin.register(OrderRefusal)
class OrderRefusalAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "symbol", "side", "order_type", "code", "portfolio")
    list_filter = ("side", "order_type")
    list_select_related = ("portfolio",)
    search_fields = (
        *("=id", "=client_order_id", "=symbol", "=code"),
        *("=portfolio__id", "=portfolio__client__id"),
    )
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    actions = None

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the order as it was asked, and every check with its figures."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            found = OrderRefusal.objects.filter(id=UUID(object_id)).first()
        except ValueError as error:
            raise Http404 from error
        if found is None:
            raise Http404
        facts = refusal_facts(found)
        context = {
            **self.admin_site.each_context(request),
            "title": str(found),
            "opts": self.opts,
            "refusal": found,
            "asked": {key: value for key, value in facts.items() if key != "checks" and value},
            "checks": check_rows(facts),
        }
        return TemplateResponse(request, "admin/trading/orderrefusal/explain.html", context)
