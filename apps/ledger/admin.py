"""The ledger on the desk: to be read, never written."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html_join

from apps.core.domain.dates import DateRange
from apps.core.errors import DomainError, NotFound
from apps.infrastructure.admin import ReadOnly, ReadOnlyAdmin, reason_form
from apps.infrastructure.attachments import as_attachment
from apps.ledger import services
from apps.ledger.models import Account, Entry, Posting, ReversalProposal
from apps.ledger.selectors import STATEMENT_FORMS, statement_account, statement_bytes, statement_of
from apps.users.actors import actor_of
from apps.users.step_up import step_up_page


class PostingInline(ReadOnly, admin.TabularInline[Posting, Entry]):
    model = Posting
    fields = ("account", "asset", "amount")
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may see an entry may see what it moved."""
        return request.user.has_perm("ledger.view_entry")


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("id", "owner_id", "kind", "asset", "shard", "balance", "floor")
    list_filter = ("kind",)
    search_fields = ("=owner_id", "=asset")
    ordering = ("id",)
    readonly_fields = ("statement",)

    @admin.display(description="Statement of the last 31 days")
    def statement(self, account: Account) -> str:
        links = (
            (form, reverse("admin:ledger_statement", args=[account.pk, form]))
            for form in STATEMENT_FORMS
        )
        return format_html_join(
            " ", '<a href="{}">{}</a>', ((url, form.upper()) for form, url in links)
        )

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.statement_view)
        own = path("<int:account_id>/statement/<str:form>/", page, name="ledger_statement")
        return [own, *super().get_urls()]

    def statement_view(self, request: HttpRequest, account_id: int, form: str) -> HttpResponseBase:
        """Send the statement of `from` to `to`, the last 31 days unless told."""
        if form not in STATEMENT_FORMS or not self.has_view_permission(request):
            raise Http404
        today = timezone.now().date()
        try:
            end = date.fromisoformat(request.GET.get("to") or today.isoformat())
            start = date.fromisoformat(
                request.GET.get("from") or (end - timedelta(days=30)).isoformat()
            )
            statement = statement_of(statement_account(account_id), DateRange(start, end))
            content = statement_bytes(statement, form, f"Statement of account {account_id}")
        except NotFound as error:
            raise Http404 from error
        except (DomainError, ValueError, OverflowError) as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect("admin:ledger_account_change", account_id)
        return as_attachment(
            f"statement-{account_id}-{start}-{end}.{form}", STATEMENT_FORMS[form], content
        )


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    list_display = ("posted_at", "kind", "reference", "id", "reverses_id")
    list_filter = ("kind",)
    search_fields = ("=id", "=reference")
    date_hierarchy = "posted_at"
    ordering = ("-posted_at", "-id")
    inlines = (PostingInline,)
    action_form = reason_form(services.MAX_REASON_LENGTH)
    actions = ("propose_reversal",)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(services.DECIDE_REVERSAL)

    @admin.action(description="Propose to reverse", permissions=["decide"])
    def propose_reversal(self, request: HttpRequest, queryset: QuerySet[Entry]) -> None:
        reason = request.POST.get("reason", "")
        for entry_id in queryset.values_list("id", flat=True):
            change = partial(services.reversal_propose, entry_id=entry_id, reason=reason)
            _run(self, request, str(entry_id), change)


def _run(
    page: admin.ModelAdmin[Any], request: HttpRequest, what: str, change: Callable[..., Any]
) -> None:
    """Call the command and say how it went; one refusal does not stop the others."""
    try:
        change(actor=actor_of(request))
    except DomainError as error:
        page.message_user(request, f"{what}: {error.message}", messages.ERROR)
    else:
        page.message_user(request, f"{what}: done.", messages.SUCCESS)


@admin.register(ReversalProposal)
class ReversalProposalAdmin(ReadOnlyAdmin):
    """The queue of the second officer."""

    list_display = (
        *("created_at", "status", "entry_kind", "entry_id", "reason", "proposed_by", "decided_by"),
        "reversal_id",
    )
    list_filter = ("status",)
    list_select_related = ("entry", "proposed_by", "decided_by")
    search_fields = ("=entry__id",)
    ordering = ("-created_at", "-id")
    actions = ("confirm", "reject")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(services.DECIDE_REVERSAL)

    @admin.display(description="kind")
    def entry_kind(self, proposal: ReversalProposal) -> str:
        return proposal.entry.kind

    def _decide(
        self,
        request: HttpRequest,
        rows: QuerySet[ReversalProposal],
        decide: Callable[..., ReversalProposal],
    ) -> HttpResponseBase | None:
        if page := step_up_page(request):
            return page
        for proposal_id in rows.values_list("id", flat=True):
            _run(self, request, str(proposal_id), partial(decide, proposal_id=proposal_id))
        return None

    @admin.action(description="Confirm: post the reversing entry", permissions=["decide"])
    def confirm(
        self, request: HttpRequest, queryset: QuerySet[ReversalProposal]
    ) -> HttpResponseBase | None:
        return self._decide(request, queryset, services.reversal_confirm)

    @admin.action(description="Reject", permissions=["decide"])
    def reject(
        self, request: HttpRequest, queryset: QuerySet[ReversalProposal]
    ) -> HttpResponseBase | None:
        return self._decide(request, queryset, services.reversal_reject)
