"""What the desk's pages share: rows are read, and what changes them is a command."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ActionForm
from django.http import HttpRequest


class ReadOnly:
    """Nobody adds, types over or deletes here; for pages and for rows inside them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin[Any]):
    """A read-only page; the tables are long, so that it does not count every row of them."""

    show_full_result_count = False


def reason_form(length: int) -> type[ActionForm]:
    """Return the form beside a page's actions that asks why, in at most that many characters."""

    class ReasonForm(ActionForm):
        reason = forms.CharField(max_length=length, required=False, label="Reason")

    return ReasonForm
