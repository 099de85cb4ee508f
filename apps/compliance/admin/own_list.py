"""The firm's own list on the desk: propose an entry or a whole list, and confirm as another."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from apps.compliance.admin.watchlists import object_or_404
from apps.compliance.forms import EntryForm, ReplaceForm
from apps.compliance.models import OwnListChange
from apps.compliance.providers.own import cells_of
from apps.compliance.selectors.own_list import own_entries, own_version, proposal_diff
from apps.compliance.services import own_list
from apps.compliance.services.watchlist_sources import PROPOSE
from apps.compliance.services.work_items import page_opened
from apps.core.errors import DomainError
from apps.infrastructure.admin import ReadOnlyAdmin
from apps.users.actors import actor_of
from apps.users.models import User
from apps.users.step_up import step_up_page

SHOWN = 500
CHANGELIST = "admin:compliance_ownlistchange_changelist"


@admin.register(OwnListChange)
class OwnListChangeAdmin(ReadOnlyAdmin):
    list_display = (
        *("__str__", "status", "reason", "proposed_by", "created_at", "decided_by", "decided_at"),
    )
    list_filter = ("status", "action")
    list_select_related = ("proposed_by", "decided_by")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.entries_view)
        return [
            path("entries/", view, name="compliance_ownlistchange_entries"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show what a proposal would change; a POST confirms or declines it."""
        change = object_or_404(self.get_queryset(request), object_id)
        if request.method == "POST":
            return self._decide(request, change)  # type: ignore[return-value]
        actor = actor_of(request)
        is_open = change.status == OwnListChange.Status.PROPOSED
        work = page_opened(actor, change.id, is_open=is_open and change.proposed_by_id != actor.pk)
        may_decline = is_open and actor.has_perm(PROPOSE) and not work["barred"]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(change),
            **work,
            "change": change,
            "changes": proposal_diff(change)[:SHOWN] if is_open else [],
            "is_stale": is_open and change.base_version != own_version(),
            "may_decline": may_decline,
            "may_confirm": may_decline and change.proposed_by_id != actor.pk,
        }
        template = "admin/compliance/ownlistchange/proposal.html"
        return TemplateResponse(request, template, context)

    def _decide(self, request: HttpRequest, change: OwnListChange) -> HttpResponseBase:
        if (asked := step_up_page(request)) is not None:
            return asked
        is_confirmed = request.POST.get("command") == "confirm"
        command = own_list.own_list_confirm if is_confirmed else own_list.own_list_decline
        try:
            command(actor=actor_of(request), change_id=change.id)
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, "Done, and on record.", messages.SUCCESS)
        address = reverse("admin:compliance_ownlistchange_change", args=[change.id])
        return HttpResponseRedirect(address)

    def entries_view(self, request: HttpRequest) -> HttpResponse:
        """Show the list in force, and propose to add, edit or end an entry, or to replace all."""
        entries = own_entries()
        known = entries.get(request.GET.get("uid", ""))
        initial = cells_of(known) if known else {}
        command = request.POST.get("command", "")
        entry = EntryForm(request.POST if command in {"put", "end"} else None, initial=initial)
        whole = ReplaceForm(
            request.POST if command == "replace" else None, request.FILES or None, prefix="list"
        )
        if command:
            form = whole if command == "replace" else entry
            if self._proposed(request, command, form):
                return redirect(CHANGELIST)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "The firm's own list",
            "entries": [cells_of(one) for one in entries.values()],
            "version": own_version(),
            "known": known,
            "entry": entry,
            "whole": whole,
            "may_propose": actor_of(request).has_perm(PROPOSE),
        }
        template = "admin/compliance/ownlistchange/entries.html"
        is_wrong = bool(entry.errors or whole.errors)
        return TemplateResponse(request, template, context, status=400 if is_wrong else 200)

    def _proposed(self, request: HttpRequest, command: str, form: forms.Form) -> bool:
        """Tell whether the form became a proposal; else it says why not."""
        if not form.is_valid():
            return False
        try:
            _propose(actor_of(request), command, form)
        except forms.ValidationError as error:
            form.add_error(None, error)
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            self.message_user(request, "Proposed: another officer must confirm.", messages.SUCCESS)
            return True
        return False


def _propose(actor: User, command: str, form: forms.Form) -> None:
    cells = dict(form.cleaned_data)
    reason = cells.pop("reason")
    if isinstance(form, ReplaceForm):
        own_list.list_propose_replace(actor=actor, content=form.content(), reason=reason)
    elif command == "end":
        own_list.entry_propose_end(actor=actor, uid=cells["uid"], reason=reason)
    else:
        own_list.entry_propose_put(actor=actor, cells=cells, reason=reason)
