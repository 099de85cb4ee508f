"""The ledger on the desk: to be read, never written."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.ledger.models import Account, Entry, Posting


class ReadOnly:
    """Rows come from commands; the desk only looks at them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PostingInline(ReadOnly, admin.TabularInline[Posting, Entry]):
    model = Posting
    fields = ("account", "asset", "amount")
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may see an entry may see what it moved."""
        return request.user.has_perm("ledger.view_entry")


@admin.register(Account)
class AccountAdmin(ReadOnly, admin.ModelAdmin[Account]):
    list_display = ("id", "owner_id", "kind", "asset", "balance", "floor")
    list_filter = ("kind",)
    search_fields = ("=owner_id", "=asset")
    ordering = ("id",)
    show_full_result_count = False


@admin.register(Entry)
class EntryAdmin(ReadOnly, admin.ModelAdmin[Entry]):
    list_display = ("posted_at", "kind", "reference", "id", "reverses_id")
    list_filter = ("kind",)
    search_fields = ("=id", "=reference")
    date_hierarchy = "posted_at"
    ordering = ("-posted_at", "-id")
    inlines = (PostingInline,)
    show_full_result_count = False
