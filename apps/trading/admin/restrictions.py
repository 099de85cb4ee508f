"""The restricted list on the desk: compliance puts instruments on it and lifts them."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from apps.core.errors import DomainError
from apps.infrastructure.admin import ReadOnlyAdmin
from apps.trading.forms import RestrictionForm
from apps.trading.models import Restriction
from apps.trading.services import restrictions as services
from apps.users.actors import actor_of
from apps.users.step_up import step_up_page

LIST = "admin:trading_restriction_changelist"


@admin.register(Restriction)
class RestrictionAdmin(ReadOnlyAdmin):
    list_display = ("symbol", "whom", "starts_at", "ends_at", "added_by", "lifted_at")
    list_filter = (("lifted_at", admin.EmptyFieldListFilter),)
    list_select_related = ("client", "added_by")
    search_fields = ("=symbol", "=client__id")
    ordering = ("-created_at", "-id")
    actions = None

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.restrict_view)
        return [path("restrict/", view, name="trading_restriction_restrict"), *super().get_urls()]

    @admin.display(description="binds", ordering="client")
    def whom(self, restriction: Restriction) -> str:
        return str(restriction.client or "everybody")

    def restrict_view(self, request: HttpRequest) -> HttpResponseBase:
        """Put an instrument on the list, for everybody or for one client."""
        if not request.user.has_perm(services.PERMISSION):
            raise PermissionDenied
        if request.method == "POST" and (page := step_up_page(request)):
            return page
        form = RestrictionForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                services.restriction_add(actor=actor_of(request), **form.cleaned_data)
            except DomainError as error:
                field = {"client": "client_id"}.get(error.facts.get("field", ""), "")
                form.add_error(field or None, error.message)
            else:
                self.message_user(request, "Restricted, and on record.", messages.SUCCESS)
                return redirect(LIST)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Restrict an instrument",
            "form": form,
            "list_url": LIST,
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
        """Show one restriction with its reason; a POST lifts it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = Restriction.objects.select_related("client", "added_by", "lifted_by")
            restriction = rows.filter(id=UUID(object_id)).first()
        except ValueError as error:
            raise Http404 from error
        if restriction is None:
            raise Http404
        if request.method == "POST":
            return step_up_page(request) or self._lift(request, restriction)
        may_lift = restriction.lifted_at is None and request.user.has_perm(services.PERMISSION)
        context = {
            **self.admin_site.each_context(request),
            "title": str(restriction),
            "opts": self.opts,
            "restriction": restriction,
            "may_lift": may_lift,
        }
        return TemplateResponse(request, "admin/trading/restriction/detail.html", context)

    def _lift(self, request: HttpRequest, restriction: Restriction) -> HttpResponse:
        if request.POST.get("command") != "lift":
            raise Http404
        try:
            services.restriction_lift(actor=actor_of(request), restriction_id=restriction.id)
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, "Lifted, and on record.", messages.SUCCESS)
        return redirect("admin:trading_restriction_change", restriction.id)
