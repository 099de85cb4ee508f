"""Pages of what changes by versions under four eyes: one officer proposes, another decides."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from apps.core.errors import DomainError
from apps.infrastructure.admin import ReadOnlyAdmin
from apps.users.actors import actor_of
from apps.users.models import User
from apps.users.step_up import step_up_page


class VersionsAdmin(ReadOnlyAdmin):
    """Each row is a version or a proposal; `noun` is what the pages call it."""

    noun: ClassVar[str]
    permission: ClassVar[str]
    form_class: ClassVar[type[Form]]
    list_select_related = ("proposed_by", "decided_by")
    ordering = ("-created_at", "-id")
    actions = None

    def propose(self, actor: User, terms: dict[str, Any]) -> Any:
        """Return the new proposal; raises DomainError."""
        raise NotImplementedError

    def decide(self, actor: User, row_id: UUID, *, is_confirmed: bool) -> None:
        """Confirm or decline; raises DomainError."""
        raise NotImplementedError

    def facts(self, row: Any) -> dict[str, Any]:
        """Return `now`, `newest` and `versions` of the same, and what the page's rows need."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.propose_view)
        return [path("propose/", view, name=self._url("propose")), *super().get_urls()]

    def _url(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def propose_view(self, request: HttpRequest) -> HttpResponseBase:
        """Propose a version; another officer decides on its page."""
        if not request.user.has_perm(self.permission):
            raise PermissionDenied
        if request.method == "POST" and (page := step_up_page(request)):
            return page
        form: Any = self.form_class(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                row = self.propose(actor_of(request), form.terms())
            except DomainError as error:
                field = error.facts.get("field", "")
                form.add_error(field if field in form.fields else None, error.message)
            else:
                self.message_user(request, "Proposed: another officer decides.", messages.SUCCESS)
                return redirect(f"admin:{self._url('change')}", row.id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Propose a {self.noun}",
            "form": form,
            "list_url": f"admin:{self._url('changelist')}",
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
        row = self._row(object_id)
        if request.method == "POST":
            return step_up_page(request) or self._post(request, row)
        actor, facts = actor_of(request), self.facts(row)
        is_open = row.status == "PROPOSED"
        may_decide = is_open and actor.has_perm(self.permission)
        context = {
            **self.admin_site.each_context(request),
            **facts,
            "title": str(row),
            "opts": self.opts,
            "noun": self.noun,
            "list_url": f"admin:{self._url('changelist')}",
            "change_url": f"admin:{self._url('change')}",
            "row": row,
            "is_open": is_open,
            "is_stale": is_open and facts["newest"] != row.based_on,
            "may_confirm": may_decide and row.proposed_by_id != actor.pk,
            "may_decline": may_decide,
        }
        template = f"admin/trading/{self.opts.model_name}/review.html"
        return TemplateResponse(request, template, context)

    def _row(self, object_id: str) -> Any:
        try:
            rows = self.model.objects.select_related("proposed_by", "decided_by", "portfolio")
            row = rows.filter(id=UUID(object_id)).first()
        except ValueError as error:
            raise Http404 from error
        if row is None:
            raise Http404
        return row

    def _post(self, request: HttpRequest, row: Any) -> HttpResponse:
        command = request.POST.get("command", "")
        if command not in {"confirm", "decline"}:
            raise Http404
        try:
            self.decide(actor_of(request), row.id, is_confirmed=command == "confirm")
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, "Done, and on record.", messages.SUCCESS)
        return redirect(f"admin:{self._url('change')}", row.id)
