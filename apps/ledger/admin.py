"""The ledger on the desk: to be read, never written."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.infrastructure.admin import ReadOnly, ReadOnlyAdmin
from apps.ledger.models import Account, Entry, Posting


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


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    list_display = ("posted_at", "kind", "reference", "id", "reverses_id")
    list_filter = ("kind",)
    search_fields = ("=id", "=reference")
    date_hierarchy = "posted_at"
    ordering = ("-posted_at", "-id")
    inlines = (PostingInline,)
